package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.oracle.AttentionMassOracle;
import org.medpruner.oracle.ContextualMergeOracle;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.oracle.NucleusSelectOracle;

/** AttentionMass, NucleusSelect and ContextualMerge in one graph. */
class SelectionTest {
  private static final int HEADS = 3;
  private static final int DIM = 16;
  private static final int CHANNELS = 24;
  private static final int POOL = 4;
  private static final long[] PATCHES = Data.offsets(64, 0, 128, 64, 4);
  private static final long[] TOKENS = Data.offsets(16, 0, 32, 16, 1);
  private static final long[] VOLUMES = {0, 2, 5};

  private static final NucleusSelect.Params NUCLEUS =
      new NucleusSelect.Params(NucleusSelect.Score.SOFTMAX, 0.6, 0.5, 0, 0, 2, 20);
  private static final ContextualMerge.Params MERGE = new ContextualMerge.Params(0.1);

  private static OnnxGraph graph(int type) {
    return new OnnxGraph()
        .input("query", type, "N", HEADS, DIM)
        .input("key", type, "N", HEADS, DIM)
        .input("offsets", OnnxGraph.INT64, "G")
        .input("volumes", OnnxGraph.INT64, "V")
        .input("features", type, "n", CHANNELS)
        .output("mass", OnnxGraph.FLOAT)
        .output("keys", OnnxGraph.FLOAT)
        .output("token_offsets", OnnxGraph.INT64)
        .output("mass_flags", OnnxGraph.INT32)
        .output("nucleus", OnnxGraph.BOOL)
        .output("nucleus_indices", OnnxGraph.INT64)
        .output("nucleus_counts", OnnxGraph.INT64)
        .output("kept_mass", OnnxGraph.DOUBLE)
        .output("nucleus_flags", OnnxGraph.INT32)
        .output("tokens", type)
        .output("kept", OnnxGraph.INT64)
        .output("kept_offsets", OnnxGraph.INT64)
        .output("role", OnnxGraph.UINT8)
        .output("assignment", OnnxGraph.INT64)
        .output("merge_flags", OnnxGraph.INT32)
        .node(
            "AttentionMass",
            List.of("query", "key", "offsets"),
            List.of("mass", "keys", "token_offsets", "mass_flags"),
            Map.of("group", POOL))
        .node(
            "NucleusSelect",
            List.of("mass", "token_offsets", "volumes"),
            List.of("nucleus", "nucleus_indices", "nucleus_counts", "kept_mass", "nucleus_flags"),
            Map.of(
                "tau", 0.6f, "temperature", 0.5f, "volume_min_tokens", 2, "volume_max_tokens", 20))
        .node(
            "ContextualMerge",
            List.of("features", "keys", "nucleus", "token_offsets"),
            List.of("tokens", "kept", "kept_offsets", "role", "assignment", "merge_flags"),
            Map.of("ratio", 0.1f));
  }

  private static int type(DType dtype) {
    return switch (dtype) {
      case F16 -> OnnxGraph.FLOAT16;
      case BF16 -> OnnxGraph.BFLOAT16;
      default -> OnnxGraph.FLOAT;
    };
  }

  private static OnnxTensor tensor(DType dtype, float[] values, long... shape) throws OrtException {
    return dtype == DType.F32
        ? Model.tensor(values, shape)
        : Model.tensor(Data.bits(dtype, values), dtype, shape);
  }

  private static float[] rounded(DType dtype, float[] values) {
    return switch (dtype) {
      case F16 -> LowPrecision.f16ToFloat(Data.bits(dtype, values));
      case BF16 -> LowPrecision.bf16ToFloat(Data.bits(dtype, values));
      default -> values;
    };
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16"})
  void everyStepIsTheOracles(DType dtype) throws OrtException {
    Random random = new Random(dtype.ordinal());
    int patches = (int) PATCHES[PATCHES.length - 1];
    int count = patches / POOL;
    float[] query = Data.normal(random, patches * HEADS * DIM);
    float[] key = Data.normal(random, patches * HEADS * DIM);
    float[] features = Data.normal(random, count * CHANNELS);
    try (var model = new Model(graph(type(dtype)));
        var actual =
            model.run(
                Map.of(
                    "query", tensor(dtype, query, patches, HEADS, DIM),
                    "key", tensor(dtype, key, patches, HEADS, DIM),
                    "offsets", Model.tensor(PATCHES, PATCHES.length),
                    "volumes", Model.tensor(VOLUMES, VOLUMES.length),
                    "features", tensor(dtype, features, count, CHANNELS)))) {
      checkMass(rounded(dtype, query), rounded(dtype, key), actual);
      checkNucleus(actual);
      checkMerge(dtype, features, actual);
    }
  }

  /** The bits of core's own call are promised, the oracle's within 1e-5. */
  private static void checkMass(float[] query, float[] key, Model.Values actual) {
    var params = AttentionMass.Params.of(new AttentionMass.Contiguous(POOL));
    var expected = AttentionMassOracle.run(params, query, key, HEADS, DIM, PATCHES);
    float[] mass = actual.floats("mass");
    assertEquals(expected.mass().length, mass.length);
    for (int i = 0; i < mass.length; i++) {
      assertEquals(expected.mass()[i], mass[i], 1e-5 * expected.mass()[i], "token " + i);
    }
    float[] keys = actual.floats("keys");
    for (int i = 0; i < keys.length; i++) {
      assertEquals(expected.pooledKeys()[i], keys[i], 1e-5, "pooled key " + i);
    }
    assertArrayEquals(expected.flags(), actual.ints("mass_flags"));
    assertArrayEquals(TOKENS, actual.longs("token_offsets"));
  }

  private static void checkNucleus(Model.Values actual) {
    var expected = NucleusSelectOracle.run(NUCLEUS, actual.floats("mass"), TOKENS, VOLUMES);
    assertArrayEquals(expected.mask(), actual.bytes("nucleus"));
    assertArrayEquals(expected.keptCounts(), actual.longs("nucleus_counts"));
    assertArrayEquals(
        Data.packed(expected.keptIndices(), expected.keptCounts(), TOKENS),
        actual.longs("nucleus_indices"));
    assertArrayEquals(expected.keptMass(), actual.doubles("kept_mass"));
    assertArrayEquals(expected.flags(), actual.ints("nucleus_flags"));
  }

  private static void checkMerge(DType dtype, float[] features, Model.Values actual) {
    var expected =
        ContextualMergeOracle.assign(
            MERGE, actual.floats("keys"), DIM, actual.bytes("nucleus"), TOKENS);
    long[] kept = Data.packed(expected.keptIndices(), expected.keptCounts(), TOKENS);
    assertArrayEquals(kept, actual.longs("kept"));
    assertArrayEquals(expected.role(), actual.bytes("role"));
    assertArrayEquals(expected.assignment(), actual.longs("assignment"));
    assertArrayEquals(expected.flags(), actual.ints("merge_flags"));
    long[] offsets = new long[TOKENS.length];
    for (int g = 0; g < expected.keptCounts().length; g++) {
      offsets[g + 1] = offsets[g] + expected.keptCounts()[g];
    }
    assertArrayEquals(offsets, actual.longs("kept_offsets"));
    assertArrayEquals(new long[] {kept.length, CHANNELS}, actual.shape("tokens"));
    assertTrue(kept.length < expected.role().length, "nothing was pruned");
    if (dtype == DType.F32) {
      float[] merged = ContextualMergeOracle.merge(features, CHANNELS, expected);
      float[] tokens = actual.floats("tokens");
      for (int i = 0; i < tokens.length; i++) {
        int at = (int) kept[i / CHANNELS] * CHANNELS + i % CHANNELS;
        assertEquals(
            Float.floatToRawIntBits(merged[at]), Float.floatToRawIntBits(tokens[i]), "value " + i);
      }
    } else {
      short[] bits = Data.bits(dtype, features);
      short[] merged =
          dtype == DType.F16
              ? ContextualMergeOracle.mergeF16(bits, CHANNELS, expected)
              : ContextualMergeOracle.mergeBf16(bits, CHANNELS, expected);
      short[] tokens = actual.shorts("tokens");
      for (int i = 0; i < tokens.length; i++) {
        assertEquals(
            merged[(int) kept[i / CHANNELS] * CHANNELS + i % CHANNELS], tokens[i], "value " + i);
      }
    }
  }

  @Test
  void aGridOfPatchesAndTheMassItself() throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("query", OnnxGraph.FLOAT, 24, HEADS, DIM)
            .input("key", OnnxGraph.FLOAT, 24, HEADS, DIM)
            .output("mass", OnnxGraph.FLOAT)
            .output("nucleus", OnnxGraph.BOOL)
            .node(
                "AttentionMass",
                List.of("query", "key"),
                List.of("mass", "keys", "token_offsets"),
                Map.of("grid", new long[] {4, 6}, "block", new long[] {2, 3}, "scale", 0.5f))
            .node(
                "NucleusSelect",
                List.of("mass"),
                List.of("nucleus"),
                Map.of("tau", 0.5f, "score", "mass"));
    Random random = new Random(7);
    float[] query = Data.normal(random, 24 * HEADS * DIM);
    float[] key = Data.normal(random, 24 * HEADS * DIM);
    var params = new AttentionMass.Params(new AttentionMass.Grid(4, 6, 2, 3), 0.5);
    try (var model = new Model(graph);
        var actual =
            model.run(
                Map.of(
                    "query", Model.tensor(query, 24, HEADS, DIM),
                    "key", Model.tensor(key, 24, HEADS, DIM)))) {
      float[] mass = actual.floats("mass");
      assertArrayEquals(
          AttentionMass.apply(query, key, HEADS, DIM, params).mass(), mass, "core's own call");
      var nucleus = new NucleusSelect.Params(NucleusSelect.Score.MASS, 0.5, 1, 0, 0, 0, 0);
      assertArrayEquals(
          NucleusSelectOracle.run(nucleus, mass, new long[] {0, 4}, null).mask(),
          actual.bytes("nucleus"));
    }
  }

  @Test
  void noTokens() throws OrtException {
    try (var model = new Model(graph(OnnxGraph.FLOAT));
        var actual =
            model.run(
                Map.of(
                    "query", Model.tensor(new float[0], 0, HEADS, DIM),
                    "key", Model.tensor(new float[0], 0, HEADS, DIM),
                    "offsets", Model.tensor(new long[] {0, 0, 0}, 3),
                    "volumes", Model.tensor(new long[] {0, 2}, 2),
                    "features", Model.tensor(new float[0], 0, CHANNELS)))) {
      assertArrayEquals(new long[] {0, CHANNELS}, actual.shape("tokens"));
      assertArrayEquals(new long[] {0, 0, 0}, actual.longs("kept_offsets"));
      assertArrayEquals(new double[2], actual.doubles("kept_mass"));
    }
  }
}
