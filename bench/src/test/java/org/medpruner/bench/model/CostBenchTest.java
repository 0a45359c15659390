package org.medpruner.bench.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.Error;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.bench.Report;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Schemas;
import org.medpruner.bench.Timing;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.vlm.ComputeType;

/** The cost study at a size tests can afford, and the results that are committed. */
class CostBenchTest {
  private static final Path ROOT = Path.of(System.getenv("MEDPRUNER_ROOT"));

  private static List<Error> validate(String text) throws IOException {
    return Schemas.validate("cost", text);
  }

  @Test
  void aSmallStudyIsMeasuredAndFollowsTheSchema(@TempDir Path folder) throws IOException {
    Path output = folder.resolve("cost.json");
    CostBench.main(
        new String[] {
          "--model", ROOT.resolve("models/demo").toString(),
          "--volume", ROOT.resolve("models/demo/phantoms/phantom_05.nii.gz").toString(),
          "--slices", "3",
          "--load-slices", "2",
          "--concurrency", "1,2",
          "--requests", "3",
          "--turns", "2",
          "--output", output.toString()
        });
    String text = Files.readString(output);
    assertEquals(List.of(), validate(text));
    assertTrue(!validate(text.replace("peak_bytes", "peak")).isEmpty());
    CostReport report = ResultsFile.json().readValue(text, CostReport.class);
    assertEquals(
        List.of("paper", "off"), report.stages().stream().map(CostReport.Stages::setting).toList());
    CostReport.Stages paper = report.stages().get(0);
    CostReport.Stages off = report.stages().get(1);
    assertEquals(3, off.slicesKept());
    assertTrue(paper.visualTokens() < off.visualTokens());
    assertTrue(paper.memory().kvBytes() < off.memory().kvBytes());
    assertEquals(2, off.seconds().total().runs());
    // One client; two that queue; two with an instance each. Both settings of each.
    assertEquals(6, report.load().size());
    for (CostReport.Load l : report.load()) {
      assertEquals(3, l.latency().runs());
      assertEquals(l.requests() / l.seconds(), l.requestsPerSecond(), 1e-9);
    }
    String table = CostBench.text(report);
    assertTrue(table.contains("requests/s") && table.contains("scoring"), table);
    assertTrue(table.contains(CostBench.savings(report)), table);
  }

  /** As on CUDA: one process for all counts, which only the device's memory tells apart. */
  @Test
  void aProcessMeasuresSeveralCounts() throws IOException {
    String model = ROOT.resolve("models/demo").toString();
    String volume = ROOT.resolve("models/demo/phantoms/phantom_05.nii.gz").toString();
    List<CostReport.Stages> stages =
        rows(CostReport.Stages.class, model, volume, "AUTO", "cpu", "2", "stages", "2,3", "1");
    assertEquals(List.of(2, 2, 3, 3), stages.stream().map(CostReport.Stages::slices).toList());
    List<CostReport.Load> load =
        rows(
            CostReport.Load.class, model, volume, "AUTO", "cpu", "2", "load", "2", "1", "1,2", "2");
    assertEquals(List.of(1, 1, 2, 2), load.stream().map(CostReport.Load::concurrency).toList());
    assertTrue(load.stream().allMatch(l -> l.device() == null));
  }

  private static <T> List<T> rows(Class<T> type, String... arguments) throws IOException {
    List<T> rows = new ArrayList<>();
    for (JsonNode row : MeasuringProcess.run(MeasureCost.class, Map.of(), arguments)) {
      rows.add(ResultsFile.json().treeToValue(row, type));
    }
    return rows;
  }

  /** A device's memory and name follow the schema too. */
  @Test
  void resultsOfADeviceFollowTheSchema() throws IOException {
    CostReport cpu = demo();
    CostReport.DeviceMemory memory = new CostReport.DeviceMemory(3, 4, 5);
    CostReport.Stages s = cpu.stages().getFirst();
    CostReport.Load l = cpu.load().getFirst();
    CostReport cuda =
        with(
            cpu,
            new Report.Gpu("NVIDIA X", "9.0", 132, 1L << 37, null, "runtime 13.0, driver for 13.0"),
            "cuda:0",
            List.of(
                s,
                new CostReport.Stages(
                    s.compute(),
                    "cuda:0",
                    s.slices(),
                    s.setting(),
                    s.slicesKept(),
                    s.visualTokens(),
                    s.promptTokens(),
                    s.seconds(),
                    new CostReport.Memory(1, 1, 1, memory))),
            List.of(new CostReport.Load(1, "off", 1, 1, 1, 1, 1, 1, l.latency(), 1, memory)));
    String text = ResultsFile.json().writeValueAsString(cuda);
    assertEquals(List.of(), validate(text));
    assertEquals(cuda, ResultsFile.json().readValue(text, CostReport.class));
    assertTrue(CostBench.text(cuda).contains("on NVIDIA X,"), CostBench.text(cuda));
  }

  @Test
  void docsShowWhatTheCommittedResultsGive() throws IOException {
    String docs = Files.readString(ROOT.resolve("docs/evaluation.md"));
    for (Path file : Schemas.committed("cost")) {
      CostReport report = ResultsFile.json().readValue(file.toFile(), CostReport.class);
      assertTrue(docs.contains("(../" + ROOT.relativize(file) + ")"), file + " is not linked");
      List<String> tables =
          report.load().isEmpty()
              ? List.of(CostBench.savings(report))
              : List.of(CostBench.savings(report), CostBench.throughput(report));
      for (String table : tables) {
        assertTrue(docs.contains(table), "docs/evaluation.md does not show:\n" + table);
      }
    }
  }

  /**
   * A command beside a link to a file is the one that wrote it: another would write over a third.
   */
  @Test
  void docsHaveTheCommandOfEachFile() throws IOException {
    String docs = Files.readString(ROOT.resolve("docs/evaluation.md")).replaceAll("\\s+", " ");
    Pattern beside =
        Pattern.compile(
            "`(\\./medpruner bench cost[^`]*)`[^\\[`]*\\[(bench/results/cost/[^\\]]*\\.json)]");
    Map<String, String> commands = new HashMap<>();
    for (Matcher m = beside.matcher(docs); m.find(); ) {
      commands.put(m.group(2), m.group(1));
    }
    for (Path file : Schemas.committed("cost")) {
      CostReport report = ResultsFile.json().readValue(file.toFile(), CostReport.class);
      String name = ROOT.relativize(file).toString();
      // The demo model's, without an argument, stands above them all.
      String said = commands.getOrDefault(name, "./medpruner bench cost");
      assertEquals(report.command(), said, name);
    }
    assertEquals(3, commands.size(), commands.toString());
  }

  @Test
  void throughputIsPapersOverOffs() throws IOException {
    CostReport demo = demo();
    assertEquals(
        """
        | at once | one instance, queued |
        |---|---|
        | 1 | 1.5x |
        | 4 | 0.8x |
        """,
        CostBench.throughput(
            with(
                demo,
                load("paper", 1, 1, 3),
                load("off", 1, 1, 2),
                load("paper", 4, 1, 0.008),
                load("off", 4, 1, 0.01))));
    assertEquals(
        """
        | at once | one instance, queued | one instance a client |
        |---|---|---|
        | 1 | 2.0x | |
        | 8 | | 12x |
        """,
        CostBench.throughput(
            with(
                demo,
                load("off", 1, 1, 1),
                load("paper", 1, 1, 2),
                load("paper", 8, 8, 12),
                load("off", 8, 8, 1))));
  }

  private static CostReport.Load load(String setting, int clients, int instances, double rate) {
    Timing latency = Timing.of(new double[] {1});
    return new CostReport.Load(1, setting, clients, instances, 1, 1, 1, rate, latency, 1, null);
  }

  /** The demo model's committed report. */
  private static CostReport demo() throws IOException {
    return ResultsFile.json()
        .readValue(ROOT.resolve("bench/results/cost/demo.json").toFile(), CostReport.class);
  }

  private static CostReport with(CostReport r, CostReport.Load... load) {
    return with(r, r.gpu(), r.device(), r.stages(), List.of(load));
  }

  /** The report of another device, or with other figures. */
  private static CostReport with(
      CostReport r,
      Report.@Nullable Gpu gpu,
      String device,
      List<CostReport.Stages> stages,
      List<CostReport.Load> load) {
    return new CostReport(
        r.format(),
        r.created(),
        r.command(),
        r.commit(),
        r.machine(),
        gpu,
        r.checkpoint(),
        r.compute(),
        device,
        stages,
        load);
  }

  @Test
  void committedResultsFollowTheSchema() throws IOException {
    Schemas.assertCommittedFollow("cost", "cost");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--slices|8,none|--slices is \"none\", expected a number from 1 on",
        "--concurrency|0|--concurrency is \"0\", expected a number from 1 on",
        "--requests|x|--requests is \"x\", expected a number from 1 on",
        "--dtype|f16|--dtype is \"f16\", expected auto, f32 or bf16",
        "--instances|two|--instances is \"two\", expected one, each or both",
        "--device|tpu|--device is \"tpu\", expected cpu or cuda",
        "--model|none|--model is \"none\", but there is no none/config.json",
        "--shape|none|--shape is \"none\", but there is no none/config.json",
        "--keep|x|--keep is unknown; expected --model, --shape, --dir, --volume, --slices,"
            + " --load-slices, --concurrency, --instances, --requests, --turns, --dtype, --device or"
            + " --output",
      })
  void aWrongArgumentIsNamed(String name, String value, String message) {
    assertEquals(
        message,
        assertThrows(IllegalArgumentException.class, () -> CostOptions.parse(ROOT, 2, name, value))
            .getMessage());
  }

  @ParameterizedTest
  @ValueSource(classes = {CostBench.class, ModelBench.class})
  void withoutADeviceNothingIsWritten(Class<?> bench, @TempDir Path folder) throws Exception {
    String reason =
        Objects.requireNonNullElse(TorchRuntime.require().cudaUnavailable(), "there is a device");
    assumeTrue(!reason.equals("there is a device"), "a CUDA device is there");
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "--enable-native-access=ALL-UNNAMED",
                "-Dmedpruner.root=" + ROOT,
                "-cp",
                System.getProperty("java.class.path"),
                bench.getName(),
                "--device",
                "cuda",
                "--shape",
                "medgemma-4b",
                "--dir",
                folder.resolve("weights").toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(2, process.waitFor(), said);
    assertTrue(said.endsWith("CUDA is unavailable: " + reason + System.lineSeparator()), said);
    assertFalse(Files.exists(folder.resolve("weights")));
  }

  @Test
  void argumentsAreRead() {
    CostOptions o = CostOptions.parse(ROOT, 2);
    assertEquals(List.of(8, 32, 85), o.slices());
    assertEquals(List.of(1, 4, 8), o.concurrency());
    assertEquals(ROOT.resolve("bench/results/cost/demo.json"), o.output());
    CostOptions shaped =
        CostOptions.parse(
            ROOT, 2, "--shape", "medgemma-4b", "--concurrency", "none", "--dtype", "bf16");
    assertEquals(ROOT.resolve("bench/results/cost/medgemma-4b.json"), shaped.output());
    assertEquals(List.of(), shaped.concurrency());
    assertEquals(ComputeType.BF16, shaped.compute());
    assertEquals(CostOptions.Instances.BOTH, shaped.instances());
    assertEquals(
        CostOptions.Instances.ONE, CostOptions.parse(ROOT, 2, "--instances", "one").instances());
  }
}
