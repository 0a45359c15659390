package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.onnxruntime.Messages.assertOneLine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.DType;
import org.medpruner.SegmentFlags;
import org.medpruner.oracle.LowPrecision;

/** AttentionMass with the log-sum-exp that the graph's attention has. */
class LogSumExpTest {
  private static final int HEADS = 2;
  private static final int DIM = 8;
  private static final int POOL = 2;
  private static final int PATCHES = 70;
  private static final long[] OFFSETS = Data.offsets(40, 0, 4, 26);
  private static final double SCALE = 0.4;

  private float[] query;
  private float[] key;

  @BeforeEach
  void draw() {
    Random random = new Random(21);
    query = Data.normal(random, PATCHES * HEADS * DIM);
    key = Data.normal(random, PATCHES * HEADS * DIM);
  }

  /** The op without the input, and with it. */
  private static OnnxGraph graph(int type) {
    return new OnnxGraph()
        .input("query", type, "N", HEADS, DIM)
        .input("key", type, "N", HEADS, DIM)
        .input("offsets", OnnxGraph.INT64, "G")
        .input("lse", OnnxGraph.FLOAT, "heads", "rows")
        .output("mass", OnnxGraph.FLOAT)
        .output("keys", OnnxGraph.FLOAT)
        .output("flags", OnnxGraph.INT32)
        .output("mass_of_lse", OnnxGraph.FLOAT)
        .output("keys_of_lse", OnnxGraph.FLOAT)
        .output("flags_of_lse", OnnxGraph.INT32)
        .node(
            "AttentionMass",
            List.of("query", "key", "offsets"),
            List.of("mass", "keys", "bounds", "flags"),
            Map.of("group", POOL, "scale", (float) SCALE))
        .node(
            "AttentionMass",
            List.of("query", "key", "offsets", "lse"),
            List.of("mass_of_lse", "keys_of_lse", "bounds_of_lse", "flags_of_lse"),
            Map.of("group", POOL, "scale", (float) SCALE));
  }

  /** One segment, the offsets left out between other inputs. */
  private static OnnxGraph whole(Object... shape) {
    return new OnnxGraph()
        .input("query", OnnxGraph.FLOAT, "N", HEADS, DIM)
        .input("key", OnnxGraph.FLOAT, "N", HEADS, DIM)
        .input("lse", OnnxGraph.FLOAT, shape)
        .output("mass", OnnxGraph.FLOAT)
        .output("mass_of_lse", OnnxGraph.FLOAT)
        .node(
            "AttentionMass",
            List.of("query", "key"),
            List.of("mass", "keys", "bounds"),
            Map.of("scale", (float) SCALE))
        .node(
            "AttentionMass",
            List.of("query", "key", "", "lse"),
            List.of("mass_of_lse", "keys_of_lse", "bounds_of_lse"),
            Map.of("scale", (float) SCALE));
  }

  private static float[] logSums(float[] query, float[] key, long[] offsets) {
    int rows = query.length / HEADS / DIM;
    float[] lse = new float[HEADS * rows];
    for (int g = 0; g + 1 < offsets.length; g++) {
      for (int h = 0; h < HEADS; h++) {
        for (int q = (int) offsets[g]; q < offsets[g + 1]; q++) {
          double sum = 0;
          for (int k = (int) offsets[g]; k < offsets[g + 1]; k++) {
            double dot = 0;
            for (int c = 0; c < DIM; c++) {
              dot += (double) query[(q * HEADS + h) * DIM + c] * key[(k * HEADS + h) * DIM + c];
            }
            sum += Math.exp(SCALE * dot);
          }
          lse[h * rows + q] = (float) Math.log(sum);
        }
      }
    }
    return lse;
  }

  private static OnnxTensor tensor(DType dtype, float[] values) throws OrtException {
    return dtype == DType.F32
        ? Model.tensor(values, PATCHES, HEADS, DIM)
        : Model.tensor(Data.bits(dtype, values), dtype, PATCHES, HEADS, DIM);
  }

  private static float[] rounded(DType dtype, float[] values) {
    return switch (dtype) {
      case F16 -> LowPrecision.f16ToFloat(Data.bits(dtype, values));
      case BF16 -> LowPrecision.bf16ToFloat(Data.bits(dtype, values));
      default -> values;
    };
  }

  private Model.Values run(Model model, DType dtype, float[] lse) throws OrtException {
    return model.run(
        Map.of(
            "query", tensor(dtype, query),
            "key", tensor(dtype, key),
            "offsets", Model.tensor(OFFSETS, OFFSETS.length),
            "lse", Model.tensor(lse, HEADS, PATCHES)));
  }

  private static void assertMasses(float[] expected, double factor, float[] actual) {
    assertEquals(expected.length, actual.length);
    for (int i = 0; i < actual.length; i++) {
      double e = factor * expected[i];
      assertEquals(e, actual[i], 1e-5 * e, "token " + i);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void theMassesAreThoseWithoutIt(DType dtype) throws OrtException {
    int type =
        switch (dtype) {
          case F16 -> OnnxGraph.FLOAT16;
          case BF16 -> OnnxGraph.BFLOAT16;
          default -> OnnxGraph.FLOAT;
        };
    float[] lse = logSums(rounded(dtype, query), rounded(dtype, key), OFFSETS);
    try (var model = new Model(graph(type));
        var actual = run(model, dtype, lse)) {
      assertMasses(actual.floats("mass"), 1, actual.floats("mass_of_lse"));
      assertArrayEquals(actual.floats("keys"), actual.floats("keys_of_lse"));
      assertArrayEquals(new int[4], actual.ints("flags_of_lse"));
    }
  }

  /** The op does not take it again: what is given is what is divided by. */
  @Test
  void whatIsGivenIsUsed() throws OrtException {
    float[] lse = logSums(query, key, OFFSETS);
    for (int i = 0; i < lse.length; i++) {
      lse[i] += (float) Math.log(2);
    }
    try (var model = new Model(graph(OnnxGraph.FLOAT))) {
      try (var actual = run(model, DType.F32, lse)) {
        assertMasses(actual.floats("mass"), 0.5, actual.floats("mass_of_lse"));
      }
      lse[PATCHES + 41] = Float.POSITIVE_INFINITY; // of the second head, in the third segment
      try (var actual = run(model, DType.F32, lse)) {
        int bad = SegmentFlags.NON_FINITE;
        assertArrayEquals(new int[4], actual.ints("flags"));
        assertArrayEquals(new int[] {0, 0, bad, 0}, actual.ints("flags_of_lse"));
        float[] mass = actual.floats("mass_of_lse");
        assertTrue(Float.isNaN(mass[20]) && Float.isNaN(mass[21]), Arrays.toString(mass));
        assertTrue(Float.isFinite(mass[19]) && Float.isFinite(mass[22]), Arrays.toString(mass));
      }
    }
  }

  @Test
  void offsetsBeforeItMayBeLeftOut() throws OrtException {
    float[] lse = logSums(query, key, new long[] {0, PATCHES});
    try (var model = new Model(whole("H", "N"));
        var actual =
            model.run(
                Map.of(
                    "query", tensor(DType.F32, query),
                    "key", tensor(DType.F32, key),
                    "lse", Model.tensor(lse, HEADS, PATCHES)))) {
      assertMasses(actual.floats("mass"), 1, actual.floats("mass_of_lse"));
    }
  }

  private OrtException refused(Model model, long... shape) {
    return assertThrows(
        OrtException.class,
        () ->
            model.run(
                Map.of(
                    "query", tensor(DType.F32, query),
                    "key", tensor(DType.F32, key),
                    "lse",
                        Model.tensor(
                            new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)],
                            shape))));
  }

  @Test
  void otherShapesAreRefused() throws OrtException {
    try (var model = new Model(whole("a", "b"))) {
      assertOneLine(
          refused(model, PATCHES, HEADS), "AttentionMass: lse: shape is [70, 2], expected [2, 70]");
      assertOneLine(
          refused(model, HEADS, PATCHES - 1),
          "AttentionMass: lse: shape is [2, 69], expected [2, 70]");
      assertEquals(
          OrtException.OrtErrorCode.ORT_INVALID_ARGUMENT, refused(model, 1, PATCHES).getCode());
    }
    try (var model = new Model(whole("a"))) {
      assertOneLine(refused(model, HEADS * PATCHES), "AttentionMass: lse: ndim is 1, expected 2");
    }
  }

  @Test
  void otherTypesAreRefused() {
    OnnxGraph graph =
        new OnnxGraph()
            .input("query", OnnxGraph.FLOAT16, "N", HEADS, DIM)
            .input("lse", OnnxGraph.FLOAT16, HEADS, "N")
            .output("mass", OnnxGraph.FLOAT)
            .node(
                "AttentionMass",
                List.of("query", "query", "", "lse"),
                List.of("mass", "keys", "bounds"),
                Map.of());
    OrtException e = assertThrows(OrtException.class, () -> new Model(graph).close());
    assertOneLine(e, "AttentionMass", "tensor(float16)");
  }
}
