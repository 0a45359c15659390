package org.medpruner.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.global.torch;
import org.medpruner.MedPruner;
import org.medpruner.torch.TorchRuntime;

/**
 * Measures the CPU bars in this one process, beside LibTorch on as many threads, prints bar, figure
 * and verdict, and writes the results. The GPU bars are read from results of a GPU machine.
 *
 * <p>Arguments: {@code [--turns N] [--only TEXT | --output FILE]}. Properties: {@code
 * medpruner.root}, {@code medpruner.bench.probe} and {@code medpruner.bench.threads}, which the
 * launcher sets.
 */
public final class Bars {
  /** The one command that fills the GPU rows. */
  private static final String GPU_COMMAND = "./medpruner bench gpu";

  private Bars() {}

  /**
   * Exit status 0 when everything was measured, met or not; 2 for a wrong call; 3 for a failed
   * check.
   */
  public static void main(String[] arguments) throws IOException {
    Locale.setDefault(Locale.ROOT);
    Path root = Path.of(property("medpruner.root"));
    int threads = Integer.parseInt(property("medpruner.bench.threads"));
    Map<String, Setup.Case> cases = cases();
    BarsOptions options =
        new BarsOptions(Race.MIN_TURNS, "", root.resolve("bench/results/cpu.json"));
    try {
      options = BarsOptions.parse(arguments, options, cases.keySet());
    } catch (IllegalArgumentException e) {
      usage(String.valueOf(e.getMessage()));
    }
    TorchRuntime.require();
    torch.set_num_threads(threads);
    MedPruner.setCpuThreads(threads);
    Setup setup =
        new Setup(
            threads,
            options.turns(),
            new Probe(Path.of(property("medpruner.bench.probe")), threads));
    System.exit(
        run(setup, root, cases, options.only(), String.join(" ", arguments), options.output()));
  }

  /**
   * Measures, prints and, where all cases are wanted, writes.
   *
   * @return the exit status: 0, or 3 for a failed check, which leaves no figure
   */
  static int run(
      Setup setup,
      Path root,
      Map<String, Setup.Case> cases,
      String only,
      String arguments,
      Path output)
      throws IOException {
    List<Bar> bars = Bar.read(root.resolve("bench/bars.json"));
    Report report;
    try (InferenceMode mode = new InferenceMode(true)) {
      report = measure(setup, root, cases, bars, only, arguments);
    } catch (Setup.CheckFailedException e) {
      System.err.println("medpruner: " + e.getMessage());
      return 3;
    }
    print(bars, report, gpuResults(root.resolve("bench/results")));
    if (only.isEmpty()) {
      report.write(output);
      System.out.println("\nwritten: " + root.relativize(output.toAbsolutePath()));
    }
    return 0;
  }

  /** By a number that gives the order, and a name. */
  private static Map<String, Setup.Case> cases() {
    Map<String, Setup.Case> cases = new TreeMap<>();
    cases.put("1 slice_anchor", new SliceAnchorCase(32, 896));
    cases.put("2 attention_mass", new MassCase(4096, 16, 72));
    cases.put("3 nucleus_select 512x256", new NucleusCase(512, 256));
    cases.put("3 nucleus_select 512x4096", new NucleusCase(512, 4096));
    cases.put("4 prune, contextual_merge+gather_rows", new MergeCase(32, 256, 2560));
    cases.put("5 stage 2", new Stage2Case(4, 1024, 16, 72, 2560));
    cases.put("6 downcall", new DowncallCase());
    return cases;
  }

  private static Report measure(
      Setup setup,
      Path root,
      Map<String, Setup.Case> cases,
      List<Bar> bars,
      String only,
      String arguments) {
    Ceilings ceilings = new Ceilings();
    List<Report.Row> rows = new ArrayList<>();
    cases.forEach(
        (name, one) -> {
          if (name.contains(only)) {
            System.err.println("measuring " + name.substring(2));
            for (Report.Row row : one.rows(setup, ceilings)) {
              rows.add(row.withBars(verdicts(bars, row)));
            }
          }
        });
    return new Report(
        Report.FORMAT,
        "bars",
        Instant.now().truncatedTo(ChronoUnit.SECONDS).toString(),
        ("./medpruner bench " + arguments).strip(),
        Host.commit(root),
        Host.machine(setup.threads()),
        null,
        ceilings.all(),
        rows);
  }

  private static List<Report.Verdict> verdicts(List<Bar> bars, Report.Row row) {
    List<Report.Verdict> verdicts = new ArrayList<>();
    for (Bar bar : bars) {
      if (bar.concerns(row)) {
        OptionalDouble figure = bar.figure(row);
        if (figure.isPresent()) {
          verdicts.add(bar.judge(figure.getAsDouble()));
        }
      }
    }
    return verdicts;
  }

  /** Results with rows of a GPU, by file name. */
  private static Map<String, Report> gpuResults(Path folder) throws IOException {
    Map<String, Report> found = new TreeMap<>();
    if (!Files.isDirectory(folder)) {
      return found;
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files = list.filter(f -> f.toString().endsWith(".json")).sorted().toList();
    }
    for (Path file : files) {
      Report report = Report.read(file);
      if (report.gpu() != null) {
        found.put(file.getFileName().toString(), report);
      }
    }
    return found;
  }

  /** Those with a figure for the bar; of one device's, those made last. */
  private static Map<String, Report> latest(Bar bar, Map<String, Report> results) {
    Map<String, Map.Entry<String, Report>> byDevice = new TreeMap<>();
    for (Map.Entry<String, Report> result : results.entrySet()) {
      if (!lines(bar, result.getValue(), "").isEmpty()) {
        byDevice.merge(
            gpuName(result.getValue()),
            result,
            (a, b) -> b.getValue().created().compareTo(a.getValue().created()) > 0 ? b : a);
      }
    }
    Map<String, Report> found = new TreeMap<>();
    byDevice.values().forEach(result -> found.put(result.getKey(), result.getValue()));
    return found;
  }

  private static void print(List<Bar> bars, Report cpu, Map<String, Report> gpu) {
    System.out.println(
        cpu.machine().cpu()
            + ", "
            + cpu.machine().isa()
            + ", "
            + cpu.machine().threads()
            + " threads; commit "
            + cpu.commit().id()
            + (cpu.commit().dirty() ? " with changes" : ""));
    System.out.printf("%n%-96s %12s  %s%n", "bar", "figure", "");
    boolean missing = false;
    for (Bar bar : bars) {
      List<String[]> lines = new ArrayList<>();
      if (bar.backend().equals("cpu")) {
        lines.addAll(lines(bar, cpu, ""));
      } else {
        latest(bar, gpu)
            .forEach(
                (file, report) -> lines.addAll(lines(bar, report, gpuName(report) + ", " + file)));
        if (lines.isEmpty()) {
          lines.add(new String[] {"", "not yet run on a GPU"});
          missing = true;
        }
      }
      for (String[] line : lines) {
        System.out.printf("%-96s %12s  %s%n", bar.text(), line[0], line[1]);
      }
    }
    for (Report.Row row : cpu.rows()) {
      for (Report.Baseline b : row.baselines()) {
        System.out.printf(
            "%n  %s %s: %s against %s (%s): %.2f x",
            row.op(),
            row.name(),
            Times.show(row.seconds().median()),
            Times.show(b.seconds().median()),
            b.name(),
            b.ratio());
      }
    }
    System.out.println();
    if (missing) {
      System.out.println(
          "\nOn a machine with an NVIDIA GPU, " + GPU_COMMAND + " fills the GPU rows.");
    }
  }

  /** What a row ran on. */
  static String device(Report report, Report.Row row) {
    return row.backend().equals("cuda") ? gpuName(report) : report.machine().cpu();
  }

  private static String gpuName(Report report) {
    Report.Gpu gpu = report.gpu();
    return gpu == null ? "" : gpu.name();
  }

  private static List<String[]> lines(Bar bar, Report report, String where) {
    List<String[]> lines = new ArrayList<>();
    for (Report.Row row : report.rows()) {
      for (Report.Verdict v : row.bars()) {
        if (v.id().equals(bar.id())) {
          String verdict = bar.judged(v.met(), device(report, row));
          lines.add(
              new String[] {
                bar.show(v.figure()), where.isEmpty() ? verdict : verdict + "  (" + where + ")"
              });
        }
      }
    }
    return lines;
  }

  private static String property(String name) {
    String value = System.getProperty(name);
    if (value == null) {
      usage("-D" + name + " is not set; ./medpruner bench sets it");
      throw new IllegalStateException();
    }
    return value;
  }

  private static void usage(String problem) {
    System.err.println("medpruner: bench: " + problem);
    System.exit(2);
  }
}
