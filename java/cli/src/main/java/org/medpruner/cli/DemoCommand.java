package org.medpruner.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner demo}. */
@Command(
    name = "demo",
    sortOptions = false,
    customSynopsis = "medpruner demo [options]",
    description = {
      "Asks the small model that comes with the sources about one of its phantom volumes.",
      "Prints the answer beside the truth and writes out/demo/audit.json and"
          + " out/demo/report.html."
    })
final class DemoCommand implements Callable<Integer> {
  private static final String PHANTOM = "phantom_05.nii.gz";
  private static final String QUESTION = "Which organ contains the lesion?";
  private static final String TRUTH = "spleen";

  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Option(
      names = "--output",
      paramLabel = "DIR",
      description = "Folder for audit.json and report.html (default: out/demo in the sources).")
  private @Nullable Path output;

  @Mixin private final PolicyOptions policy = new PolicyOptions();

  @Override
  public Integer call() {
    PruningPolicy p = policy.policy();
    Path model = model();
    VolumeOptions volume = new VolumeOptions();
    Path phantom = model.resolve("phantoms").resolve(PHANTOM);
    volume.paths = List.of(phantom);
    if (!Files.exists(phantom)) {
      throw new InputException(
          "the demo's volume is not at " + phantom + "; run ./medpruner demo from its sources");
    }
    Path folder = output == null ? root().resolve("out/demo") : output;
    Outputs files =
        Outputs.check(
            folder.resolve("audit.json"), List.of(folder.resolve("report.html")), List.of(phantom));
    AskCommand.Answered a =
        AskCommand.answer(
            main,
            model,
            LoadOptions.DEFAULT,
            volume,
            p,
            List.of(QUESTION),
            GenerationOptions.DEFAULT,
            files,
            TRUTH,
            AskCommand.Speaker.SILENT);
    main.out().println("question  " + QUESTION);
    main.out().println("answer    " + a.answer().text());
    main.out().println("truth     " + TRUTH);
    main.err().println("written         " + files.json());
    main.err().println("                " + files.html().getFirst());
    return 0;
  }

  /** The checkpoint that comes with the sources. */
  static Path model() {
    return root().resolve("models/demo");
  }

  /** The sources' folder, which the launcher names; the working folder without a launcher. */
  private static Path root() {
    return Path.of(System.getProperty("medpruner.root", "")).toAbsolutePath().normalize();
  }
}
