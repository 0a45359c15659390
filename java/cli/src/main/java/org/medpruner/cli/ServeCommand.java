package org.medpruner.cli;

import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.ProcessExit;
import org.medpruner.serve.MedPrunerServer;
import org.medpruner.serve.ServerOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.VisionLanguageModel;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner serve}. */
@Command(
    name = "serve",
    sortOptions = false,
    customSynopsis = "medpruner serve --model DIR [options]",
    description = {
      "Answers questions over HTTP in the shape of OpenAI's chat completions, with a viewer at /.",
      "Prints its address when it is ready. SIGTERM lets it finish what it has taken and ends it."
          + " docs/serve.md has the endpoints. The pruning and answer options below are those of"
          + " requests that do not say."
    })
final class ServeCommand implements Callable<Integer> {
  /** Where a token may stand instead of the command line, which other users can see. */
  static final String TOKEN = "MEDPRUNER_TOKEN";

  /** What closing takes after draining: the model's step under way, and the connections. */
  private static final Duration CLOSING = Duration.ofSeconds(20);

  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Mixin private final CheckpointOption checkpoint = new CheckpointOption();

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "ADDRESS",
      description =
          "Where to listen. Default: 127.0.0.1, this machine alone. What other machines reach needs"
              + " a token.")
  private String host = "";

  @Option(
      names = "--port",
      defaultValue = "8080",
      paramLabel = "N",
      description = "Port; 0 takes a free one. Default: 8080.")
  private int port;

  @Option(
      names = "--token",
      paramLabel = "TEXT",
      description =
          "Bearer token that clients must send. Default: the environment's MEDPRUNER_TOKEN, which"
              + " other users of the machine do not see, or none.")
  private @Nullable String token;

  @Option(
      names = "--queue",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "Requests that may wait while one is answered; further ones get 429. Default: 8.")
  private int queue;

  @Option(
      names = "--max-upload",
      defaultValue = "1024",
      paramLabel = "MIB",
      description = "Most MiB of one upload; eight times as many are kept. Default: 1024.")
  private long maxUpload;

  @Option(
      names = "--timeout",
      defaultValue = "600",
      paramLabel = "S",
      description = "Seconds from a request to the end of its answer. Default: 600.")
  private int timeout;

  @Option(
      names = "--drain",
      defaultValue = "30",
      paramLabel = "S",
      description = "Seconds that SIGTERM leaves to requests that were taken. Default: 30.")
  private int drain;

  @Mixin private final PolicyOptions policy = new PolicyOptions();
  @Mixin private final ModelOptions device = new ModelOptions();
  @Mixin private final AnswerOptions answering = new AnswerOptions();

  @Override
  public Integer call() throws InterruptedException {
    ServerOptions options = options();
    LoadOptions load = device.load();
    Path folder = checkpoint.folder();
    // Before gigabytes of weights are read for nothing.
    MedPrunerServer.check(options);
    VisionLanguageModel loaded;
    try (Main.ProgressScope scope = main.progress()) {
      loaded = VisionLanguageModel.load(folder, load, scope.progress());
    }
    try (loaded;
        MedPrunerServer server = MedPrunerServer.start(loaded, options, this::log)) {
      ProcessExit.install(server::close, options.drain().plus(CLOSING));
      main.out().println(server.uri());
      main.out().flush();
      // A signal ends the process.
      new CountDownLatch(1).await();
    }
    return 0;
  }

  private ServerOptions options() {
    Failures.requireArgument(port >= 0 && port <= 65535, "--port", port, "in 0..65535");
    Failures.requireArgument(queue >= 0 && queue <= 10_000, "--queue", queue, "in 0..10000");
    Failures.requireArgument(
        maxUpload >= 1 && maxUpload <= 1L << 20, "--max-upload", maxUpload, "in 1..1048576 MiB");
    Failures.requireArgument(
        timeout >= 1 && timeout <= 604_800, "--timeout", timeout, "in 1..604800 seconds");
    Failures.requireArgument(
        drain >= 0 && drain <= 86_400, "--drain", drain, "in 0..86400 seconds");
    return new ServerOptions(
        host,
        port,
        token == null ? System.getenv(TOKEN) : token,
        queue,
        maxUpload << 20,
        Duration.ofSeconds(timeout),
        Duration.ofSeconds(drain),
        policy.policy(),
        answering.generation());
  }

  private void log(String line) {
    main.err().println(line);
  }
}
