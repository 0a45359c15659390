package org.medpruner.testkit;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.medpruner.testkit.internal.CallWatch;

/**
 * The suite on the command line. Exit code 0: no case failed and some passed; 1: a case failed or
 * took longer than it may, or none was supported; 2: the arguments or the target are at fault.
 */
public final class Main {
  private static final int MOST = 1_000_000;

  private static final String USAGE =
      """
      java -cp ... org.medpruner.testkit.Main [--target CLASS] [options]

        --target CLASS   an implementation of ConformanceTarget with a public constructor without
                         parameters; without it the only one that ServiceLoader finds
        --op OP          slice_anchor, attention_mass, nucleus_select, contextual_merge, gather_rows
                         or prune; may be repeated; without it all
        --seed N         of the generated cases (1)
        --cases N        random cases per op and dtype, beside the edge cases (40)
        --most-values N  leaves out cases with a tensor of more values, for slow targets; the report
                         counts them
        --progress       names each case on standard error before the target is called with it
        --timeout SECONDS
                         ends the run with exit code 1 where one call of the target takes longer, and
                         says in which case; there is no report then
        --case NAME      this case alone, as a report names it
        --examples N     failing cases shown per rule (3)
        --no-refusals    leaves out bad input
        --strict         what is unsupported fails too
        --report FILE    writes the report, as Markdown (.md) or JSON (.json)
        --rules          lists the rules and ends
        --help           this text
      """;

  private Main() {}

  /** The arguments, parsed. */
  private static final class Arguments {
    @Nullable String target;
    ConformanceOptions options = ConformanceOptions.DEFAULT;
    final EnumSet<Op> ops = EnumSet.noneOf(Op.class);
    boolean strict;
    boolean progress;
    int timeout;
    @Nullable Path report;
  }

  /** Says what is under way, and since when. */
  private static final class Watch implements CallWatch {
    private final @Nullable PrintStream progress;
    private String call = "";
    private long began;

    Watch(@Nullable PrintStream progress) {
      this.progress = progress;
    }

    @Override
    public void caseBegins(String name) {
      if (progress != null) {
        progress.println(name);
        progress.flush();
      }
    }

    @Override
    public synchronized void callBegins(String name) {
      call = name;
      began = System.nanoTime();
    }

    @Override
    public synchronized void callEnds() {
      call = "";
    }

    /** The call under way, if it began longer ago than that. */
    synchronized @Nullable String late(int seconds) {
      boolean late = System.nanoTime() - began > TimeUnit.SECONDS.toNanos(seconds);
      return late && !call.isEmpty() ? call : null;
    }
  }

  /** A mistake of the user, in one line. */
  private static final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
      super(message);
    }
  }

  /**
   * Runs and ends the JVM with the exit code.
   *
   * @param args {@code --help} lists them
   */
  public static void main(String[] args) {
    System.exit(run(args, System.out, System.err));
  }

  /**
   * Runs.
   *
   * @param args {@code --help} lists them
   * @param out gets the report
   * @param err gets complaints, one line each
   * @return the exit code, 0 to 2
   */
  public static int run(String[] args, PrintStream out, PrintStream err) {
    try {
      if (List.of(args).contains("--help")) {
        out.print(USAGE);
        return 0;
      }
      if (List.of(args).contains("--rules")) {
        rules(out);
        return 0;
      }
      Arguments arguments = parse(args);
      Watch watch = new Watch(arguments.progress ? err : null);
      return arguments.timeout == 0
          ? run(arguments, watch, out, err)
          : run(arguments, watch, out, err, arguments.timeout);
    } catch (UsageException | IllegalArgumentException e) {
      return fault(err, e);
    }
  }

  private static int fault(PrintStream err, Exception e) {
    err.println("medpruner-testkit: " + e.getMessage());
    return 2;
  }

  /** Runs in a thread of its own, since nothing else ends a call that does not come back. */
  private static int run(
      Arguments arguments, Watch watch, PrintStream out, PrintStream err, int seconds) {
    FutureTask<Integer> task = new FutureTask<>(() -> run(arguments, watch, out, err));
    Thread.ofPlatform().daemon().name("medpruner-testkit").start(task);
    while (true) {
      try {
        return task.get(20, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        String call = watch.late(seconds);
        if (call != null) {
          err.println("medpruner-testkit: " + call + ": no answer within " + seconds + " s");
          return 1;
        }
      } catch (ExecutionException e) {
        throw new IllegalStateException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  private static int run(Arguments arguments, Watch watch, PrintStream out, PrintStream err) {
    try {
      watch.callBegins("--target: the constructor");
      ConformanceTarget target = target(arguments.target);
      watch.callEnds();
      int code;
      String fault = "";
      try {
        code = report(target, arguments, watch, out);
      } finally {
        watch.callBegins("--target: close()");
        fault = close(target);
        watch.callEnds();
      }
      if (!fault.isEmpty()) {
        throw new UsageException("--target: close() threw " + fault);
      }
      return code;
    } catch (UsageException | IllegalArgumentException | IllegalStateException e) {
      return fault(err, e);
    } catch (IOException e) {
      err.println("medpruner-testkit: the report cannot be written: " + e);
      return 2;
    }
  }

  private static int report(
      ConformanceTarget target, Arguments arguments, Watch watch, PrintStream out)
      throws IOException {
    ConformanceReport report = ConformanceSuite.of(target).run(arguments.options, watch);
    out.print(report.toMarkdown());
    out.flush();
    Path file = arguments.report;
    if (file != null) {
      boolean json = file.toString().endsWith(".json");
      Files.writeString(file, json ? report.toJson() : report.toMarkdown());
    }
    return report.passed() && (report.complete() || !arguments.strict) ? 0 : 1;
  }

  /** What closing throws, in one line; empty if nothing. */
  private static String close(ConformanceTarget target) {
    try {
      target.close();
      return "";
    } catch (Throwable e) {
      return e.toString().lines().findFirst().orElse("");
    }
  }

  private static void rules(PrintStream out) {
    for (Op op : Op.values()) {
      for (Rule rule : ConformanceSuite.rules(op)) {
        out.println(
            rule.name() + " (" + rule.kind().id() + ", " + rule.source() + "): " + rule.says());
      }
    }
  }

  private static Arguments parse(String[] args) throws UsageException {
    Arguments a = new Arguments();
    Set<String> given = new HashSet<>();
    for (int i = 0; i < args.length; i++) {
      String name = args[i];
      switch (name) {
        case "--no-refusals" -> a.options = a.options.withRefusals(false);
        case "--strict" -> a.strict = true;
        case "--progress" -> a.progress = true;
        case "--target",
            "--op",
            "--seed",
            "--cases",
            "--case",
            "--examples",
            "--most-values",
            "--timeout",
            "--report" -> {
          if (!given.add(name) && !name.equals("--op")) {
            throw new UsageException(name + ": is given twice");
          }
          if (++i == args.length) {
            throw new UsageException(name + ": has no value; see --help");
          }
          value(a, name, args[i]);
        }
        default -> throw new UsageException(name + ": is no option; see --help");
      }
    }
    if (!a.ops.isEmpty()) {
      a.options = a.options.withOps(a.ops);
    }
    return a;
  }

  private static void value(Arguments a, String name, String value) throws UsageException {
    switch (name) {
      case "--target" -> a.target = value;
      case "--op" -> a.ops.add(Op.of(value));
      case "--seed" -> a.options = a.options.withSeed(number(name, value));
      case "--cases" -> a.options = a.options.withCases(number(name, value, 0));
      case "--timeout" -> a.timeout = number(name, value, 1);
      case "--most-values" -> a.options = a.options.withMostValues(number(name, value));
      case "--case" -> a.options = a.options.withCaseName(value);
      case "--examples" -> a.options = a.options.withExamples(number(name, value, 1));
      default -> {
        if (!value.endsWith(".md") && !value.endsWith(".json")) {
          throw new UsageException("--report: " + value + " ends in neither .md nor .json");
        }
        a.report = Path.of(value);
      }
    }
  }

  private static long number(String name, String value) throws UsageException {
    try {
      return Long.parseLong(value);
    } catch (NumberFormatException e) {
      throw new UsageException(name + ": \"" + value + "\" is no whole number");
    }
  }

  /** Not so many that they are a slip of the hand. */
  private static int number(String name, String value, int least) throws UsageException {
    long number = number(name, value);
    if (number < least || number > MOST) {
      throw new UsageException(
          name.substring(2) + ": is " + number + ", expected " + least + " to " + MOST);
    }
    return (int) number;
  }

  private static ConformanceTarget target(@Nullable String name) throws UsageException {
    if (name != null) {
      return instance(name);
    }
    List<ConformanceTarget> found;
    try {
      found = ConformanceSuite.services();
    } catch (ServiceConfigurationError e) {
      throw new UsageException("--target: is missing, and ServiceLoader fails: " + e.getMessage());
    }
    if (found.size() == 1) {
      return found.getFirst();
    }
    throw new UsageException(
        "--target: is missing, and ServiceLoader finds "
            + (found.isEmpty()
                ? "no target"
                : String.join(", ", found.stream().map(t -> t.getClass().getName()).toList()))
            + "; name one");
  }

  private static ConformanceTarget instance(String name) throws UsageException {
    try {
      Object made = Class.forName(name).getConstructor().newInstance();
      if (made instanceof ConformanceTarget target) {
        return target;
      }
      throw new UsageException("--target: " + name + " does not implement ConformanceTarget");
    } catch (ClassNotFoundException e) {
      throw new UsageException("--target: no class " + name + " on the class path");
    } catch (ReflectiveOperationException | LinkageError e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      if (cause instanceof IllegalArgumentException) { // a target that says what it lacks
        throw new UsageException("--target: " + cause.getMessage());
      }
      throw new UsageException("--target: no instance of " + name + " can be made: " + cause);
    }
  }
}
