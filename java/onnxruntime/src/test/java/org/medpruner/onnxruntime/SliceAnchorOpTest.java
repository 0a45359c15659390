package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.DType;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.oracle.SliceAnchorOracle;

/** SliceAnchor in a graph against the oracle, bit for bit. */
class SliceAnchorOpTest {
  private static final int SIZE = 3 * 7 * 11;
  private static final long[] OFFSETS = Data.offsets(13, 0, 1, 22, 0);
  private static final int DEPTH = 36;

  private static OnnxGraph graph(int type, Map<String, Object> attributes) {
    return new OnnxGraph()
        .input("slices", type, "D", 3, 7, 11)
        .input("offsets", OnnxGraph.INT64, "G")
        .output("kept", OnnxGraph.INT64)
        .output("counts", OnnxGraph.INT64)
        .output("keep", OnnxGraph.BOOL)
        .output("representative", OnnxGraph.INT64)
        .output("distance", OnnxGraph.FLOAT)
        .output("flags", OnnxGraph.INT32)
        .node(
            "SliceAnchor",
            List.of("slices", "offsets"),
            List.of("kept", "counts", "keep", "representative", "distance", "flags"),
            attributes);
  }

  private static void assertSame(SliceAnchorOracle.Result expected, Model.Values actual) {
    long[] counts = Data.widened(expected.keptCounts());
    assertArrayEquals(counts, actual.longs("counts"));
    assertArrayEquals(
        Data.packed(Data.widened(expected.keptIndices()), counts, OFFSETS), actual.longs("kept"));
    assertArrayEquals(expected.keep(), actual.bytes("keep"));
    assertArrayEquals(Data.widened(expected.representative()), actual.longs("representative"));
    assertArrayEquals(expected.distance(), actual.floats("distance"));
    assertArrayEquals(expected.flags(), actual.ints("flags"));
  }

  private static Model.Values run(Model model, OnnxTensor slices) throws OrtException {
    return model.run(Map.of("slices", slices, "offsets", Model.tensor(OFFSETS, OFFSETS.length)));
  }

  @Test
  void bytesWithTheirExactScale() throws OrtException {
    byte[] slices = new byte[DEPTH * SIZE];
    float[] values = Data.slices(new Random(1), DEPTH, SIZE);
    for (int i = 0; i < slices.length; i++) {
      slices[i] = (byte) Math.round(Math.clamp(values[i], -1, 1) * 127.5 + 127.5);
    }
    var params = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
    try (var model =
            new Model(
                graph(OnnxGraph.UINT8, Map.of("gamma", 0.05f, "scale", SliceAnchor.U8_SCALE)));
        var actual = run(model, Model.tensor(slices, OnnxJavaType.UINT8, DEPTH, 3, 7, 11))) {
      var expected = SliceAnchorOracle.run(params, slices, SIZE, OFFSETS);
      assertSame(expected, actual);
      int kept = actual.longs("kept").length;
      assertTrue(kept > 3 && kept < DEPTH, kept + " kept");
    }
  }

  @Test
  void computedTomographyNumbers() throws OrtException {
    short[] slices = new short[DEPTH * SIZE];
    float[] values = Data.slices(new Random(2), DEPTH, SIZE);
    for (int i = 0; i < slices.length; i++) {
      slices[i] = (short) (values[i] * 1000);
    }
    try (var model = new Model(graph(OnnxGraph.INT16, Map.of("gamma", 50, "max_gap", 2)));
        var actual = run(model, Model.tensor(slices, DType.I16, DEPTH, 3, 7, 11))) {
      var params = SliceAnchor.Params.of(50).withMaxGap(2);
      assertSame(SliceAnchorOracle.run(params, slices, SIZE, OFFSETS), actual);
    }
  }

  @Test
  void floatsWithANanAndAnInfinity() throws OrtException {
    float[] slices = Data.slices(new Random(3), DEPTH, SIZE);
    slices[20 * SIZE + 5] = Float.NaN;
    slices[30 * SIZE] = Float.POSITIVE_INFINITY;
    try (var model = new Model(graph(OnnxGraph.FLOAT, Map.of("gamma", 0.05f)));
        var actual = run(model, Model.tensor(slices, DEPTH, 3, 7, 11))) {
      assertSame(SliceAnchorOracle.run(SliceAnchor.Params.of(0.05), slices, SIZE, OFFSETS), actual);
      assertEquals(1, actual.ints("flags")[20]);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F16", "BF16"})
  void halves(DType dtype) throws OrtException {
    short[] slices = Data.bits(dtype, Data.slices(new Random(4), DEPTH, SIZE));
    float[] values =
        dtype == DType.F16 ? LowPrecision.f16ToFloat(slices) : LowPrecision.bf16ToFloat(slices);
    int type = dtype == DType.F16 ? OnnxGraph.FLOAT16 : OnnxGraph.BFLOAT16;
    try (var model = new Model(graph(type, Map.of("gamma", 0.05f)));
        var actual = run(model, Model.tensor(slices, dtype, DEPTH, 3, 7, 11))) {
      assertSame(SliceAnchorOracle.run(SliceAnchor.Params.of(0.05), values, SIZE, OFFSETS), actual);
    }
  }

  /** Without distances and flags nothing but the decisions is computed: they are the same. */
  @Test
  void decisionsAloneAndOneVolume() throws OrtException {
    float[] slices = Data.slices(new Random(5), DEPTH, SIZE);
    OnnxGraph graph =
        new OnnxGraph()
            .input("slices", OnnxGraph.FLOAT, DEPTH, SIZE)
            .output("kept", OnnxGraph.INT64)
            .output("picked", OnnxGraph.FLOAT)
            .node("SliceAnchor", List.of("slices"), List.of("kept"), Map.of("gamma", 0.05f))
            .onnxNode("Gather", List.of("slices", "kept"), List.of("picked"), Map.of("axis", 0));
    var expected =
        SliceAnchorOracle.run(SliceAnchor.Params.of(0.05), slices, SIZE, new long[] {0, DEPTH});
    try (var model = new Model(graph);
        var actual = model.run(Map.of("slices", Model.tensor(slices, DEPTH, SIZE)))) {
      long[] kept = actual.longs("kept");
      assertArrayEquals(
          Data.packed(
              Data.widened(expected.keptIndices()),
              Data.widened(expected.keptCounts()),
              new long[] {0, DEPTH}),
          kept);
      assertArrayEquals(new long[] {kept.length, SIZE}, actual.shape("picked"));
      float[] picked = actual.floats("picked");
      for (int i = 0; i < kept.length; i++) {
        assertEquals(slices[(int) kept[i] * SIZE + 9], picked[i * SIZE + 9]);
      }
    }
  }

  @Test
  void smallFindingsKeepTheirSlice() throws OrtException {
    Map<String, Object> attributes =
        Map.of("gamma", 0.05f, "patch_gamma", 0.2f, "patch", new long[] {3, 4});
    OnnxGraph graph =
        new OnnxGraph()
            .input("slices", OnnxGraph.FLOAT, "D", 3, 7, 11)
            .input("offsets", OnnxGraph.INT64, "G")
            .output("kept", OnnxGraph.INT64)
            .output("patch_distance", OnnxGraph.FLOAT)
            .output("patch_index", OnnxGraph.INT32)
            .node(
                "SliceAnchor",
                List.of("slices", "offsets"),
                List.of("kept", "", "", "", "", "", "patch_distance", "patch_index"),
                attributes);
    float[] slices = Data.slices(new Random(6), DEPTH, SIZE);
    slices[14 * SIZE + 100] += 5; // of one value alone
    var params = SliceAnchor.Params.of(0.05).withPatches(0.2, SlicePatches.planar(3, 7, 11, 3, 4));
    var expected = SliceAnchorOracle.run(params, slices, SIZE, OFFSETS);
    try (var model = new Model(graph);
        var actual = run(model, Model.tensor(slices, DEPTH, 3, 7, 11))) {
      assertArrayEquals(
          Data.packed(
              Data.widened(expected.keptIndices()), Data.widened(expected.keptCounts()), OFFSETS),
          actual.longs("kept"));
      assertArrayEquals(expected.patchDistance(), actual.floats("patch_distance"));
      assertArrayEquals(expected.patchIndex(), actual.ints("patch_index"));
    }
  }

  @Test
  void noSlices() throws OrtException {
    try (var model = new Model(graph(OnnxGraph.FLOAT, Map.of("gamma", 0.05f)));
        var actual =
            model.run(
                Map.of(
                    "slices",
                    Model.tensor(new float[0], 0, 3, 7, 11),
                    "offsets",
                    Model.tensor(new long[] {0, 0}, 2)))) {
      assertArrayEquals(new long[] {0}, actual.shape("kept"));
      assertArrayEquals(new long[] {0}, actual.longs("counts"));
      assertEquals(0, actual.floats("distance").length);
    }
  }
}
