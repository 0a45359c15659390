package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.medpruner.internal.ffm.ProcessExit;
import org.medpruner.vlm.Progress;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/**
 * Entry point of the command line. Exit codes: 0 done, 2 the input or an argument cannot be used
 * (one line on standard error says which and what to do), 1 a defect of this program, 3 an
 * evaluation was finished but some of its samples failed.
 */
@Command(
    name = "medpruner",
    description =
        "Prunes medical volumes for vision-language models and asks questions about them.",
    subcommands = {
      AskCommand.class,
      PruneCommand.class,
      CompareCommand.class,
      EvalCommand.class,
      ServeCommand.class,
      DemoCommand.class,
      PhantomCommand.class,
      InfoCommand.class
    },
    versionProvider = Versions.class,
    footer = {
      "",
      "The launcher, ./medpruner, has test, build, bench, gpu-test and gpu-pack too; its first lines"
          + " say what they do.",
      "",
      "Research software, not a medical device. Exit codes: 0 done, 2 bad input, 1 internal error,"
          + " 3 done but not everything (eval)."
    })
public final class Main implements Runnable {
  /** What is said when standard output takes nothing more. */
  static final String LOST =
      "standard output could not be written, so not all of it is there; look where it goes";

  @Spec
  @SuppressWarnings("NullAway.Init") // set by picocli before anything runs
  private CommandSpec spec;

  @Option(
      names = "--stacktrace",
      scope = ScopeType.INHERIT,
      description = "Print where in the program a failure arose.")
  private boolean stacktrace;

  @Option(
      names = "--progress",
      scope = ScopeType.INHERIT,
      defaultValue = "auto",
      paramLabel = "auto|plain|off",
      description =
          "Progress on standard error: bars on a terminal, and of eval a line now and then in a log"
              + " (auto, default), one line per stage (plain), or none (off).")
  private ProgressKind progressKind = ProgressKind.AUTO;

  /** How progress is shown. */
  enum ProgressKind {
    AUTO,
    PLAIN,
    OFF
  }

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      scope = ScopeType.INHERIT,
      description = "Show this help.")
  @SuppressWarnings("UnusedVariable") // picocli looks at the annotation
  private boolean help;

  @Option(names = "--version", versionHelp = true, description = "Show the version.")
  @SuppressWarnings("UnusedVariable")
  private boolean version;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;

  private Main(PrintStream out, PrintStream err, boolean terminal) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    ProcessExit.install(Outputs::discardUnfinished);
    // UTF-8 whatever the locale says: in a bare container it would turn letters into "?".
    PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8);
    PrintStream err = new PrintStream(new FileOutputStream(FileDescriptor.err), true, UTF_8);
    int code = new Main(out, err, TerminalProgress.onTerminal()).execute(args);
    // Not System.exit: the C library's exit handlers can wait forever for LibTorch's threads.
    ProcessExit.exit(code);
  }

  /** Runs one command and returns its exit code; never draws progress bars. */
  static int run(PrintStream out, PrintStream err, String... args) {
    return new Main(out, err, false).execute(args);
  }

  private int execute(String... args) {
    CommandLine commands = new CommandLine(this);
    commands.setOut(writer(out));
    commands.setErr(writer(err));
    // A question may begin with an at sign.
    commands.setExpandAtFiles(false);
    EnumWords.register(commands);
    commands.registerConverter(Path.class, Main::path);
    commands.setParameterExceptionHandler(
        (e, given) -> {
          report(e.getCommandLine(), Failures.oneLine(parameterMessage(e)) + hint(e), e);
          return Failures.BAD_INPUT;
        });
    commands.setExecutionExceptionHandler(
        (e, command, parsed) -> {
          report(command, Failures.message(e), e);
          return Failures.isUsers(e) ? Failures.BAD_INPUT : Failures.INTERNAL;
        });
    int code;
    try {
      code = commands.execute(args);
    } catch (Error e) {
      // picocli hands over exceptions only.
      Outputs.discardUnfinished();
      report(commands, Failures.message(e), e);
      code = Failures.INTERNAL;
    }
    // A stream says nothing by itself: the answer may be gone, on a full disk or a closed pipe.
    if (out.checkError() && code == 0) {
      err.println(commands.getCommandSpec().qualifiedName() + ": " + LOST);
      code = Failures.BAD_INPUT;
    }
    err.flush();
    return code;
  }

  /** An empty path, of a variable that is not set say, would mean the working folder. */
  private static Path path(String text) {
    if (text.isEmpty()) {
      throw new TypeConversionException("the path is empty; name a file or folder, or . for this");
    }
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(
          "'" + text + "' is no path (" + e.getReason() + "); check its letters");
    }
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(new OutputStreamWriter(stream, UTF_8), true);
  }

  private static String parameterMessage(ParameterException e) {
    return String.valueOf(e.getMessage());
  }

  private static String hint(ParameterException e) {
    return "; see " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help";
  }

  private void report(CommandLine command, String message, Throwable e) {
    err.println(command.getCommandSpec().qualifiedName() + ": " + message);
    if (stacktrace) {
      e.printStackTrace(err);
    }
  }

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(),
        "name a command: ask, prune, compare, eval, serve, demo, phantom or info");
  }

  /** Standard output. */
  PrintStream out() {
    return out;
  }

  /** Standard error. */
  PrintStream err() {
    return err;
  }

  /** Where progress goes. */
  ProgressScope progress() {
    return switch (progressKind) {
      case OFF -> ProgressScope.NONE;
      case PLAIN -> new ProgressScope(new PlainProgress(err), () -> {});
      case AUTO -> {
        if (!terminal) {
          yield ProgressScope.NONE;
        }
        TerminalProgress bars = new TerminalProgress(err);
        yield new ProgressScope(bars, bars);
      }
    };
  }

  /** Where an evaluation says how far it is. */
  EvaluationProgress evaluationProgress() {
    return new EvaluationProgress(progressKind, terminal, err);
  }

  /** Progress that ends before anything else is printed. */
  record ProgressScope(Progress progress, Closer closer) implements AutoCloseable {
    static final ProgressScope NONE = new ProgressScope(Progress.NONE, () -> {});

    /** Progress of what comes before an answer's text; a bar on the terminal would cut into it. */
    Progress untilAnswer() {
      return (stage, done, total) -> {
        if (stage.equals(Progress.DECODE)) {
          closer.close();
        } else {
          progress.update(stage, done, total);
        }
      };
    }

    @Override
    public void close() {
      closer.close();
    }
  }

  /** A close without checked exceptions. */
  interface Closer extends AutoCloseable {
    @Override
    void close();
  }
}
