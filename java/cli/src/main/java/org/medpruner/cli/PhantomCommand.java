package org.medpruner.cli;

import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.medpruner.eval.phantom.PhantomBenchmark;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner phantom}. */
@Command(
    name = "phantom",
    sortOptions = false,
    customSynopsis = "medpruner phantom --output DIR [options]",
    description = {
      "Writes the phantom benchmark: generated CT-like volumes and questions with known answers, in"
          + " M3D's layout, and truth.json with every lesion.",
      "The same seed gives the same bytes on every machine."
    })
final class PhantomCommand implements Callable<Integer> {
  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      required = true,
      description = "A new folder, or one with this very benchmark.")
  @SuppressWarnings("NullAway.Init") // required
  private Path output;

  @Option(
      names = "--questions",
      paramLabel = "N",
      defaultValue = "" + PhantomBenchmark.DEFAULT_QUESTIONS,
      description =
          "Questions (default: ${DEFAULT-VALUE}); twenty about seven volumes, each twenty balanced.")
  private int questions;

  @Option(
      names = "--seed",
      paramLabel = "S",
      defaultValue = "" + PhantomBenchmark.DEFAULT_SEED,
      description = "Seed (default: ${DEFAULT-VALUE}); two seeds share no volume.")
  private long seed;

  @Override
  public Integer call() {
    Failures.requireArgument(questions > 0, "--questions", questions, "at least 1");
    PhantomBenchmark.Summary s;
    try (Main.ProgressScope scope = main.progress()) {
      s =
          PhantomBenchmark.write(
              output,
              questions,
              seed,
              (done, total) -> scope.progress().update("volumes", done, total));
    }
    main.out().println(output);
    main.err()
        .printf(
            Locale.ROOT,
            "%d questions about %d volumes, seed %d; always the most frequent answer scores %.3f%n",
            s.questions(),
            s.volumes(),
            seed,
            s.majority());
    return 0;
  }
}
