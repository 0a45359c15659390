package org.medpruner.bench.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.bench.Report;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Schemas;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.checkpoint.Checkpoint;
import org.medpruner.vlm.checkpoint.SafetensorsWriter.Tensor;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.gemma.GemmaConfig;

/** The writer of random checkpoints and the measurement, at a size tests can afford. */
class ModelBenchTest {
  private static final Path ROOT = Path.of(System.getenv("MEDPRUNER_ROOT"));
  private static final Path MEDGEMMA =
      ROOT.resolve("bench/shapes").resolve(ModelBenchOptions.DEFAULT_SHAPE);
  private static final Path DEMO = ROOT.resolve("models/demo");

  private static List<Error> validate(String text) throws IOException {
    return Schemas.validate("model", text);
  }

  @Test
  void medgemmaHasItsParameters() {
    List<Tensor> tensors = GemmaTensors.of(GemmaConfig.read(MEDGEMMA), StorageType.BF16);
    assertEquals(4_300_079_472L, tensors.stream().mapToLong(Tensor::elements).sum());
    // Embedding and final norm, 13 of each decoder layer, 16 of each tower layer, 5 around the
    // tower's, 2 of the projector.
    assertEquals(2 + 34 * 13 + 27 * 16 + 5 + 2, tensors.size());
    assertEquals(
        "language_model.model.layers.33.mlp.gate_proj.weight [10240, 2560]",
        tensors.stream()
            .filter(t -> t.name().contains("layers.33.mlp.gate_proj"))
            .map(t -> t.name() + " " + java.util.Arrays.toString(t.shape()))
            .findFirst()
            .orElseThrow());
  }

  @Test
  void valuesDependOnSeedNameAndIndexAlone() {
    Tensor a = new Tensor("a", StorageType.BF16, 4096);
    short[] whole = draw(new RandomWeights(1), a, 0, 4096);
    assertArrayEquals(
        java.util.Arrays.copyOfRange(whole, 1001, 1101), draw(new RandomWeights(1), a, 1001, 100));
    assertTrue(!java.util.Arrays.equals(whole, draw(new RandomWeights(2), a, 0, 4096)));
    // Longer than what one thread fills at a time, and not from its beginning.
    Tensor large = new Tensor("a", StorageType.BF16, 300_000);
    short[] all = draw(new RandomWeights(1), large, 0, 300_000);
    assertArrayEquals(whole, java.util.Arrays.copyOf(all, 4096));
    assertArrayEquals(
        java.util.Arrays.copyOfRange(all, 70_001, 270_001),
        draw(new RandomWeights(1), large, 70_001, 200_000));
    Tensor b = new Tensor("b", StorageType.BF16, 4096);
    assertTrue(!java.util.Arrays.equals(whole, draw(new RandomWeights(1), b, 0, 4096)));
    double sum = 0;
    double squares = 0;
    for (short bits : whole) {
      double v = LowPrecision.bf16ToFloat(bits);
      sum += v;
      squares += v * v;
    }
    assertEquals(0, sum / whole.length, 0.002);
    assertEquals(0.02, Math.sqrt(squares / whole.length), 0.002);
    short factor =
        draw(
            new RandomWeights(1),
            new Tensor(
                "vision_tower.vision_model.encoder.layers.0.layer_norm1.weight",
                StorageType.BF16,
                1),
            0,
            1)[0];
    assertEquals(1, LowPrecision.bf16ToFloat(factor), 0.1);
  }

  private static short[] draw(RandomWeights weights, Tensor tensor, long first, int count) {
    ByteBuffer buffer = ByteBuffer.allocate(2 * count).order(ByteOrder.LITTLE_ENDIAN);
    weights.fill(tensor, first, buffer);
    short[] values = new short[count];
    buffer.flip().asShortBuffer().get(values);
    return values;
  }

  @ParameterizedTest
  @CsvSource({"F32", "BF16"})
  void aRandomCheckpointLoadsAndIsMeasured(ComputeType compute, @TempDir Path folder)
      throws IOException {
    RandomCheckpoint.write(DEMO, folder, StorageType.BF16);
    try (Checkpoint written = Checkpoint.open(folder)) {
      assertEquals(StorageType.BF16, written.storageType());
    }
    ModelReport.Run run =
        MeasureModel.run(folder, DEMO.resolve("phantoms/phantom_05.nii.gz"), 6, compute, false);
    assertEquals(compute.name(), run.compute());
    assertEquals(6, run.slices());
    assertTrue(run.slicesKept() >= 1 && run.slicesKept() <= 6);
    assertTrue(run.promptTokens() < run.unprunedPromptTokens());
    assertEquals(MeasureModel.DECODE_STEPS, run.seconds().decodeSteps().size());
    assertTrue(run.memory().peakBytes() >= run.memory().peakAnonymousBytes());
    ModelReport report =
        new ModelReport(
            ModelReport.FORMAT,
            "2026-01-31T12:00:00Z",
            "./medpruner bench model",
            new Report.Commit("unknown", true),
            new Report.Machine("a CPU", 2, "avx512", 2, 1, "an OS", "a compiler", "a JDK", null),
            null,
            new ModelReport.Checkpoint("demo", true, "BF16", 1, 2),
            List.of(run));
    Path file = folder.resolve("r.json");
    report.write(file);
    assertEquals(List.of(), validate(Files.readString(file)));
    assertTrue(!validate(Files.readString(file).replace("peak_bytes", "peak")).isEmpty());
    assertTrue(ModelBench.text(report).contains("a CPU, 2 threads"), ModelBench.text(report));
  }

  /** The device and its memory are there, or files of two GPUs could not be told apart. */
  @Test
  void resultsOfADeviceNameItAndFollowTheSchema() throws IOException {
    ModelReport.Run run =
        new ModelReport.Run(
            "BF16",
            "cuda:0",
            8,
            3,
            4,
            5,
            6,
            new ModelReport.Seconds(1, 1, 1, 1, 1, List.of(1.0)),
            new ModelReport.Memory(
                1, 1, 1, 1, new CostReport.DeviceMemory(9_000_000_000L, 9_500_000_000L, 1)));
    ModelReport report =
        new ModelReport(
            ModelReport.FORMAT,
            "2026-01-31T12:00:00Z",
            "./medpruner bench model --device cuda",
            new Report.Commit("unknown", true),
            new Report.Machine("a CPU", 2, "avx512", 2, 1, "an OS", "a compiler", "a JDK", null),
            new Report.Gpu("NVIDIA X", "9.0", 132, 1L << 37, null, "runtime 13.0, driver for 13.0"),
            new ModelReport.Checkpoint("demo", true, "BF16", 1, 2),
            List.of(run));
    String text = ResultsFile.json().writeValueAsString(report);
    assertEquals(List.of(), validate(text));
    assertEquals(report, ResultsFile.json().readValue(text, ModelReport.class));
    assertTrue(!validate(text.replace("reserved_bytes", "reserved")).isEmpty());
    String table = ModelBench.text(report);
    assertTrue(table.contains("NVIDIA X, 2 threads"), table);
    assertTrue(table.endsWith(String.format(" %.1f GB%n", 9.0)), table);
  }

  @Test
  void committedResultsFollowTheSchema() throws IOException {
    Schemas.assertCommittedFollow("model", "models");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--slices|0|--slices is \"0\", expected a number from 1 on",
        "--slices|many|--slices is \"many\", expected a number from 1 on",
        "--dtype|f16|--dtype is \"f16\", expected auto, f32 or bf16, or several with commas",
        "--device|tpu|--device is \"tpu\", expected cpu or cuda",
        "--model|none|--model is \"none\", but there is no none/config.json",
        "--shape|none|--shape is \"none\", but there is no none/config.json",
        "--colour|red|--colour is unknown; expected --shape, --model, --dir, --volume, --slices,"
            + " --dtype, --device, --output or --keep",
      })
  void aWrongArgumentIsNamed(String name, String value, String message) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class, () -> ModelBenchOptions.parse(ROOT, 2, name, value))
            .getMessage());
  }

  @Test
  void argumentsAreRead() {
    ModelBenchOptions o = ModelBenchOptions.parse(ROOT, 2, "--dtype", "auto,F32", "--slices", "3");
    assertEquals(List.of(ComputeType.AUTO, ComputeType.F32), o.computeTypes());
    assertEquals(3, o.slices());
    assertEquals(MEDGEMMA, o.shape());
    assertEquals(ROOT.resolve("bench/results/models/medgemma-4b.json"), o.output());
    assertNull(ModelBenchOptions.parse(ROOT, 2, "--model", DEMO.toString()).output());
    // Not the committed results of the CPU.
    assertEquals(
        ROOT.resolve("bench/results/models/medgemma-4b-cuda.json"),
        ModelBenchOptions.parse(ROOT, 2, "--device", "cuda").output());
  }
}
