package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Committed results follow their schema, what is written does, and the SVG shows them. */
class ResultsTest {
  private static final Path BENCH = Path.of(System.getenv("MEDPRUNER_ROOT")).resolve("bench");
  private static final String CPU_BEGIN = "<!-- CPU bars, by ./medpruner bench plot -->\n";
  private static final String CPU_END = "<!-- end of CPU bars -->\n";

  private static List<Error> validate(String text) throws IOException {
    Schema schema =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(Files.readString(BENCH.resolve("results.schema.json")));
    return schema.validate(text, InputFormat.JSON);
  }

  private static List<Path> committed() throws IOException {
    Path folder = BENCH.resolve("results");
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(f -> f.toString().endsWith(".json")).sorted().toList();
    }
  }

  private static Report sample(double ratio) throws IOException {
    return sample(ratio, "cpu", "nucleus_select", "512x256", "batched", null);
  }

  private static Report sample(
      double ratio, String backend, String op, String name, String over, Report.@Nullable Gpu gpu)
      throws IOException {
    Timing ours = new Timing(1e-3, 9e-4, 2e-3, 5);
    Timing theirs = new Timing(ratio * 1e-3, 1e-3, 2, 5);
    Report.Row row =
        new Report.Row(
            op,
            name,
            "[131072] in 512 segments",
            "f32",
            backend,
            9 * 131072,
            0,
            ours,
            new Report.Share("read", 12.5),
            new Report.Memory(64, null),
            List.of(new Report.Baseline(over, "LibTorch", theirs, theirs.over(ours), 3L)),
            List.of(),
            "equal");
    List<Report.Verdict> verdicts = new ArrayList<>();
    for (Bar bar : Bar.read(BENCH.resolve("bars.json"))) {
      if (bar.concerns(row)) {
        verdicts.add(bar.judge(bar.figure(row).getAsDouble()));
      }
    }
    return new Report(
        Report.FORMAT,
        "bars",
        "2026-01-31T12:00:00Z",
        "./medpruner bench",
        new Report.Commit("unknown", true),
        new Report.Machine("a CPU", 2, "avx512", 2, 1, "an OS", "a compiler", "a JDK", null),
        gpu,
        List.of(new Report.Ceiling("read", "cpu", 1e10, "B/s", ours, "read once")),
        List.of(row.withBars(verdicts)));
  }

  @Test
  void whatIsWrittenFollowsTheSchemaAndIsReadBack(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("r.json");
    Report report = sample(9);
    report.write(file);
    assertEquals(List.of(), validate(Files.readString(file)));
    assertEquals(report, Report.read(file));
  }

  @Test
  void theSchemaRefusesARowWithoutItsCheck() throws IOException {
    String text = ResultsFile.json().writeValueAsString(sample(9));
    assertFalse(validate(text.replace("\"check\"", "\"chek\"")).isEmpty());
    assertFalse(validate(text.replace("medpruner-bench/1", "medpruner-bench/2")).isEmpty());
  }

  @Test
  void aBarIsMetFromItsLimitOn() throws IOException {
    assertTrue(sample(8).rows().getFirst().bars().getFirst().met());
    assertFalse(sample(7.9).rows().getFirst().bars().getFirst().met());
  }

  @Test
  void barsHaveDistinctNamesAndKnownMetrics() throws IOException {
    Set<String> ids = new HashSet<>();
    for (Bar bar : Bar.read(BENCH.resolve("bars.json"))) {
      assertTrue(ids.add(bar.id()), bar.id());
      assertTrue(Set.of("at_least", "at_most").contains(bar.sense()), bar.id());
      assertTrue(Set.of("cpu", "cuda").contains(bar.backend()), bar.id());
      bar.figure(sample(8).rows().getFirst()); // throws for a metric it does not know
    }
  }

  @Test
  void onlyAMissedBarSaysItsReasonAndOnItsDeviceAlone() {
    Bar bar =
        new Bar("b", "cpu", "op", "case", "ratio", "authors", "at_least", 4, "text", "A", "copies");
    assertEquals("met", bar.judged(true, "A"));
    assertEquals("missed: copies", bar.judged(false, "A"));
    assertEquals("missed", bar.judged(false, "A 2"));
    Bar unexplained =
        new Bar("b", "cpu", "op", "case", "ratio", "authors", "at_least", 4, "text", null, null);
    assertEquals("missed", unexplained.judged(false, "A"));
  }

  @Test
  void eachReasonNamesItsDevice() throws IOException {
    for (Bar bar : Bar.read(BENCH.resolve("bars.json"))) {
      assertEquals(bar.reason() == null, bar.reasonDevice() == null, bar.id());
    }
  }

  @Test
  void theReadmeGivesTheReasonOfEachBarThatCommittedResultsMiss() throws IOException {
    String readme = Files.readString(BENCH.resolveSibling("README.md"));
    List<Bar> bars = Bar.read(BENCH.resolve("bars.json"));
    for (Path file : committed()) {
      Report report = Report.read(file);
      for (Report.Row row : report.rows()) {
        if (row.backend().equals("cpu") && report.machine().threads() != 2) {
          continue; // the bars of a CPU are about two threads
        }
        for (Report.Verdict verdict : row.bars()) {
          Bar bar = bars.stream().filter(b -> b.id().equals(verdict.id())).findAny().orElseThrow();
          if (!verdict.met()) {
            assertNotNull(bar.reason(), bar.id() + " is missed: bars.json says no reason");
            String judged = bar.judged(false, Bars.device(report, row));
            assertTrue(readme.contains("| " + judged + " |"), bar.id());
          }
        }
      }
    }
  }

  @Test
  void committedResultsFollowTheSchema() throws IOException {
    for (Path file : committed()) {
      assertEquals(List.of(), validate(Files.readString(file)), file.toString());
    }
  }

  /** What is counted and what it is held against stand in the same file as the share. */
  @Test
  void committedSharesAreWhatTheirFilesGive() throws IOException {
    for (Path file : committed()) {
      Report report = Report.read(file);
      for (Report.Row row : report.rows()) {
        Report.Share share = row.ceiling();
        if (share == null) {
          continue;
        }
        String where = file.getFileName() + ": " + row.op() + " " + row.name();
        Report.Ceiling ceiling =
            report.ceilings().stream()
                .filter(c -> c.name().equals(share.name()) && c.backend().equals(row.backend()))
                .findFirst()
                .orElseThrow(() -> new AssertionError(where + ": no " + share.name()));
        long work = ceiling.unit().equals(Ceilings.ARITHMETIC) ? row.flops() : row.bytes();
        double percent = Ceilings.share(ceiling, work, row.seconds()).percent();
        assertEquals(percent, share.percent(), 1e-6 * percent, where);
      }
    }
  }

  /**
   * The definition needs every query with every key of its segment once, whatever a kernel does.
   */
  @Test
  void attentionIsCountedAsOneProduct() throws IOException {
    Pattern sizes = Pattern.compile("\\w+ (\\d+)x(\\d+)x(\\d+)x(\\d+)\\b.*");
    int counted = 0;
    for (Path file : committed()) {
      for (Report.Row row : Report.read(file).rows()) {
        Matcher size = sizes.matcher(row.name());
        if (Set.of("attention_mass", "stage 2").contains(row.op()) && row.flops() != 0) {
          assertTrue(size.matches(), row.name());
          long patches = Long.parseLong(size.group(2));
          long products = Long.parseLong(size.group(1)) * Long.parseLong(size.group(3));
          long dim = Long.parseLong(size.group(4));
          assertEquals(2 * products * patches * patches * dim, row.flops(), file + row.name());
          counted++;
        }
      }
    }
    assumeTrue(counted > 0, "no results of attention are committed yet");
  }

  @Test
  void theNamesOfAllCasesAreExplained() throws IOException {
    String readme = Files.readString(BENCH.resolve("README.md"));
    String names = readme.substring(readme.indexOf("## What a case is called"));
    for (Path file : committed()) {
      for (Report.Row row : Report.read(file).rows()) {
        assertTrue(names.contains("`" + row.op() + "`"), row.op());
      }
    }
  }

  @Test
  void svgAndReadmeAreWhatTheCommittedResultsGive() throws IOException, InterruptedException {
    assumeTrue(!committed().isEmpty(), "no results are committed yet");
    assertEquals(0, plot("--check"), "./medpruner bench plot draws it anew");
  }

  @Test
  void plotsOwnTestsPass() throws IOException, InterruptedException {
    Python run = Python.run(BENCH.resolve("plot_test.py"));
    assertEquals(0, run.status(), run.output());
  }

  /** A figure of a graph is not taken for one of a plain call, whatever its row is called. */
  @Test
  void rowsOfGraphsSaySoInTheirNameOrInTheReadme() throws IOException {
    String readme = Files.readString(BENCH.resolve("README.md"));
    String names = readme.substring(readme.indexOf("## What a case is called"));
    for (Path file : committed()) {
      Report report = Report.read(file);
      for (Report.Row row : report.rows()) {
        if (row.check().contains("as one CUDA graph") && !row.name().endsWith(" graph")) {
          String said =
              "`" + row.op() + "` of `" + report.program() + ".py` is a graph without that word";
          assertTrue(names.contains(said), file + ": " + row.op() + " " + row.name());
        }
      }
    }
  }

  @Test
  void theSameResultsGiveTheSameSvgAndOthersAnother(@TempDir Path folder)
      throws IOException, InterruptedException {
    sample(9).write(folder.resolve("r.json"));
    assertEquals(0, plot("--results", folder.toString()));
    assertEquals(0, plot("--check", "--results", folder.toString()));
    String svg = Files.readString(folder.resolve("bars.svg"));
    assertTrue(svg.contains("9.0 x  met"), svg);
    sample(7).write(folder.resolve("r.json"));
    assertEquals(1, plot("--check", "--results", folder.toString()));
  }

  @Test
  void resultsOfAnotherMachineComeIntoSvgAndReadmeByOneCommand(
      @TempDir Path folder, @TempDir Path other) throws IOException, InterruptedException {
    sample(9).write(folder.resolve("cpu.json"));
    String begin = "<!-- GPU bars, by ./medpruner bench plot -->";
    Path readme = folder.resolve("README.md");
    Files.writeString(
        readme,
        "before\n" + begin + "\nold\n<!-- end of GPU bars -->\nafter\n" + CPU_BEGIN + CPU_END);
    String[] here = {"--results", folder.toString(), "--readme", readme.toString()};
    assertEquals(0, plot(here));
    assertTrue(Files.readString(readme).contains("No results of a GPU are committed"));

    Report.Gpu gpu = gpu("a GPU");
    String stage2 = "bf16 32x4096x16x72 to 256x2560";
    sample(12, "cuda", "stage 2", stage2, "authors", gpu).write(other.resolve("gpu.json"));
    assertEquals(0, plot(with(here, "--add", other.resolve("gpu.json").toString())));
    String text = Files.readString(readme);
    assertTrue(text.startsWith("before\n" + begin + "\na GPU, driver 580.1 ([gpu.json]("), text);
    assertTrue(text.contains("<!-- end of GPU bars -->\nafter\n" + CPU_BEGIN), text);
    assertTrue(text.contains("| 12.0 x | met |\n"), text);
    assertTrue(text.contains("| at most 130 us | not yet run on a GPU | |\n"), text);
    assertTrue(Files.readString(folder.resolve("bars.svg")).contains("12.0 x  met"));
    assertEquals(0, plot(with(here, "--check")));
    Files.writeString(readme, text.replace("12.0 x", "13.0 x"));
    assertEquals(1, plot(with(here, "--check")));

    sample(6, "cuda", "stage 2", stage2, "authors", gpu).write(other.resolve("gpu.json"));
    assertEquals(0, plot(with(here, "--add", other.resolve("gpu.json").toString())));
    assertTrue(Files.readString(readme).contains("| 6.0 x | missed"));

    // The reason is the H200's: of another device nobody knows it.
    Bar bar =
        Bar.read(BENCH.resolve("bars.json")).stream()
            .filter(b -> b.id().equals("gpu-k3-256"))
            .findAny()
            .orElseThrow();
    String why = String.valueOf(bar.reason());
    String device = String.valueOf(bar.reasonDevice());
    for (String name : List.of("a GPU", device)) {
      sample(6, "cuda", "nucleus_select", "512x256", "batched", gpu(name))
          .write(other.resolve("gpu.json"));
      assertEquals(0, plot(with(here, "--add", other.resolve("gpu.json").toString())));
      String now = Files.readString(readme);
      assertTrue(now.contains("| missed |") != name.equals(device), now);
      assertEquals(name.equals(device), now.contains("| missed: " + why + " |\n"), now);
    }
  }

  private static Report.Gpu gpu(String name) {
    return new Report.Gpu(name, "9.0", 132, 1, "580.1", "runtime 13.0");
  }

  /** The table of CPU bars too is drawn from the results, and compared with them. */
  @Test
  void theTableOfCpuBarsIsWhatTheResultsGive(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path readme = folder.resolve("README.md");
    String gpuPlace = "<!-- GPU bars, by ./medpruner bench plot -->\n<!-- end of GPU bars -->\n";
    Files.writeString(readme, gpuPlace + CPU_BEGIN + "old\n" + CPU_END + "after\n");
    sample(9).write(folder.resolve("cpu.json"));
    String[] here = {"--results", folder.toString(), "--readme", readme.toString()};
    assertEquals(1, plot(with(here, "--check")));
    assertEquals(0, plot(here));
    String text = Files.readString(readme);
    assertTrue(
        text.contains(
            CPU_BEGIN
                + "a CPU, avx512, 2 threads, no LibTorch ([cpu.json](bench/results/cpu.json) by"
                + " `./medpruner bench` of commit `unknown` with changes); ratios within one"
                + " run:\n"),
        text);
    assertTrue(text.contains("over the batch | 9.0 x | met | 9.0 x |\n"), text);
    assertTrue(text.contains("the measured read bandwidth | not yet measured | | |\n"), text);
    assertTrue(text.endsWith("\n" + CPU_END + "after\n"), text);
    assertEquals(0, plot(with(here, "--check")));
    Files.writeString(readme, text.replace("| 9.0 x | met |", "| 9.1 x | met |"));
    assertEquals(1, plot(with(here, "--check")));
  }

  @Test
  void ofSeveralResultsOfOneDeviceTheLatestCount(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path readme = folder.resolve("README.md");
    String begin = "<!-- GPU bars, by ./medpruner bench plot -->";
    Files.writeString(readme, begin + "\n<!-- end of GPU bars -->\n" + CPU_BEGIN + CPU_END);
    Report.Gpu gpu = gpu("a GPU");
    String stage2 = "bf16 32x4096x16x72 to 256x2560";
    Report earlier = sample(12, "cuda", "stage 2", stage2, "authors", gpu);
    Report later = sample(6, "cuda", "stage 2", stage2, "authors", gpu);
    // By when they were made, not by the names of the files.
    made(later, "2026-02-01T00:00:00Z").write(folder.resolve("a.json"));
    earlier.write(folder.resolve("b.json"));
    assertEquals(0, plot("--results", folder.toString(), "--readme", readme.toString()));
    String text = Files.readString(readme);
    assertTrue(text.contains("| 6.0 x | missed") && !text.contains("12.0 x"), text);
    assertTrue(text.contains("[a.json]") && !text.contains("[b.json]"), text);
    String svg = Files.readString(folder.resolve("bars.svg"));
    assertTrue(svg.contains("6.0 x  missed") && !svg.contains("12.0 x"), svg);
  }

  private static Report made(Report report, String when) {
    return new Report(
        report.format(),
        report.program(),
        when,
        report.command(),
        report.commit(),
        report.machine(),
        report.gpu(),
        report.ceilings(),
        report.rows());
  }

  private static String[] with(String[] arguments, String... more) {
    return Stream.concat(Stream.of(arguments), Stream.of(more)).toArray(String[]::new);
  }

  private static int plot(String... arguments) throws IOException, InterruptedException {
    Python run = Python.run(BENCH.resolve("plot.py"), arguments);
    assertTrue(run.status() <= 1, run.output());
    return run.status();
  }
}
