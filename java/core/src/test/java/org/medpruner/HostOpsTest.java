package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** The ops on Java arrays: the shortest way in, and what it refuses. */
class HostOpsTest {

  @Test
  @SuppressWarnings("NullAway") // what a caller without it may do
  void whatIsNullIsNamed() {
    SliceAnchor.Params anchor = SliceAnchor.Params.of(0.05);
    NucleusSelect.Params nucleus = NucleusSelect.Params.mass(0.9);
    float[] none = null;
    float[] one = {1};
    named("volume", () -> SliceAnchor.apply(none, 1, 0.05));
    named("volume", () -> SliceAnchor.apply((byte[]) null, 1, anchor));
    named("volume", () -> SliceAnchor.apply((short[]) null, 1, anchor));
    named("slices[1]", () -> SliceAnchor.apply(Arrays.asList(new byte[1], null), anchor));
    named("scores", () -> NucleusSelect.apply(none, nucleus));
    named(
        "key",
        () ->
            AttentionMass.apply(
                one, none, 1, 1, AttentionMass.Params.of(new AttentionMass.Contiguous(1))));
    named("nucleus", () -> ContextualMerge.apply(one, one, null, new ContextualMerge.Params(0.05)));
    named("indices", () -> GatherRows.apply(one, 1, null));
    named("features", () -> Prune.apply(one, one, none, Prune.Params.of(nucleus, 0.05)));
    named("buffer", () -> NucleusSelect.Outputs.in(null, 10, 1));
    named("buffer", () -> SliceAnchor.Outputs.in(null, 10, 1));
  }

  private static void named(String argument, Executable call) {
    String said = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertEquals(argument + ": must not be null", said);
  }

  @Test
  void aVolumeOfFloatsIsAnchored() {
    float[] volume = {0, 0, 0.01f, 0.02f, 0.5f, 0.5f, 0.5f, 0.51f};
    SliceAnchor.Result r = SliceAnchor.apply(volume, 4, 0.05);
    assertArrayEquals(new int[] {0, 2}, r.keptIndices());
    assertArrayEquals(new boolean[] {true, false, true, false}, r.kept());
    assertArrayEquals(new int[] {0, 0, 2, 2}, r.representatives());
    assertArrayEquals(new float[] {0, 0.015f, 0.5f, 0.005f}, r.distances(), 1e-6f);
    assertArrayEquals(new int[4], r.flags());
  }

  @Test
  void bytesAndShortsTakeAScale() {
    // 12 grey levels of 255 are 0.094 of [-1, 1].
    byte[] bytes = {0, 12, (byte) 255};
    SliceAnchor.Params params = SliceAnchor.Params.of(0.1).withScale(SliceAnchor.U8_SCALE);
    assertArrayEquals(new int[] {0, 2}, SliceAnchor.apply(bytes, 3, params).keptIndices());
    List<byte[]> slices = List.of(new byte[] {0}, new byte[] {12}, new byte[] {(byte) 255});
    assertArrayEquals(new int[] {0, 2}, SliceAnchor.apply(slices, params).keptIndices());
    short[] hounsfield = {-1000, 40, 45};
    assertArrayEquals(
        new int[] {0, 1},
        SliceAnchor.apply(hounsfield, 3, SliceAnchor.Params.of(10)).keptIndices());
  }

  @Test
  void scoresAreSelectedAndRowsGathered() {
    NucleusSelect.Result r =
        NucleusSelect.apply(new float[] {1, 5, 1, 3}, NucleusSelect.Params.mass(0.8));
    assertArrayEquals(new int[] {1, 3}, r.keptIndices());
    assertArrayEquals(new boolean[] {false, true, false, true}, r.selected());
    assertEquals(0.8, r.keptMass(), 1e-9);
    float[] rows = {0, 1, 10, 11, 20, 21, 30, 31};
    assertArrayEquals(new float[] {10, 11, 30, 31}, GatherRows.apply(rows, 2, r.keptIndices()));
    assertEquals(0, GatherRows.apply(rows, 2, new int[0]).length);
  }

  @Test
  void aSliceIsPruned() {
    // Token 3 is the nucleus and token 0 the target, which the other two are added to.
    float[] mass = {1, 1, 1, 5};
    float[] keys = {1, 1, 1, 1};
    float[] features = {1, 10, 2, 20, 4, 40, 8, 80};
    Prune.Params params = Prune.Params.of(NucleusSelect.Params.mass(0.6), 0.05);
    Prune.Result r = Prune.apply(mass, keys, features, params);
    assertArrayEquals(new int[] {0, 3}, r.packedRows());
    assertArrayEquals(new float[] {1 + 3, 10 + 30, 8, 80}, r.packed());
    assertArrayEquals(new byte[] {2, 0, 0, 1}, r.roles());
    assertArrayEquals(new int[] {0, 0, 0, 3}, r.assignment());
    assertEquals(0.625, r.keptMass(), 1e-9);
    assertEquals(0, r.flags());
  }

  private static void refused(String name, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(String.valueOf(e.getMessage()).startsWith(name + ":"), e.getMessage());
  }

  @Test
  void arraysThatDoNotFitAreRefusedByName() {
    refused("volume", () -> SliceAnchor.apply(new float[7], 2, 0.1));
    refused("volume", () -> SliceAnchor.apply(new float[0], 2, 0.1));
    refused("depth", () -> SliceAnchor.apply(new float[7], 0, 0.1));
    SliceAnchor.Params anchor = SliceAnchor.Params.of(0.1);
    refused("slices", () -> SliceAnchor.apply(List.of(), anchor));
    refused("slices", () -> SliceAnchor.apply(List.of(new byte[0]), anchor));
    refused("slices", () -> SliceAnchor.apply(List.of(new byte[2], new byte[3]), anchor));
    refused("gamma", () -> SliceAnchor.apply(new float[4], 2, Double.NaN));
    ContextualMerge.Params merge = new ContextualMerge.Params(0.05);
    refused("keys", () -> ContextualMerge.apply(new float[4], new float[3], new boolean[2], merge));
    refused(
        "features", () -> ContextualMerge.apply(new float[3], new float[2], new boolean[2], merge));
    refused(
        "nucleus", () -> ContextualMerge.apply(new float[0], new float[0], new boolean[0], merge));
    AttentionMass.Params mass = AttentionMass.Params.of(new AttentionMass.Contiguous(2));
    refused("query", () -> AttentionMass.apply(new float[5], new float[5], 1, 2, mass));
    refused("query", () -> AttentionMass.apply(new float[6], new float[6], 1, 2, mass));
    refused("key", () -> AttentionMass.apply(new float[8], new float[4], 1, 2, mass));
    refused("query", () -> AttentionMass.apply(new float[8], new float[8], 1 << 16, 1 << 16, mass));
    AttentionMass.Params grid = AttentionMass.Params.of(new AttentionMass.Grid(2, 2, 2, 2));
    refused("query", () -> AttentionMass.apply(new float[8], new float[8], 1, 1, grid));
    refused("indices", () -> GatherRows.apply(new float[4], 2, new int[3]));
    refused("indices", () -> GatherRows.apply(new float[4], 2, new int[] {2}));
    refused("indices", () -> GatherRows.apply(new float[4], 2, new int[] {-1}));
  }

  @Test
  @SuppressWarnings("NullAway") // callers without a null checker
  void missingParamsAreRefusedByName() {
    refused("params", () -> SliceAnchor.apply(new float[4], 2, null));
    refused("params", () -> AttentionMass.apply(new float[4], new float[4], 1, 2, null));
    refused("params", () -> NucleusSelect.apply(new float[4], null));
    refused(
        "params", () -> ContextualMerge.apply(new float[2], new float[2], new boolean[2], null));
    refused("params", () -> Prune.apply(new float[2], new float[2], new float[2], null));
  }

  @Test
  void outputsBeyondTheAddressSpaceAreRefused() {
    assertThrows(
        IllegalArgumentException.class, () -> NucleusSelect.Outputs.bytes(Long.MAX_VALUE / 8, 1));
    assertThrows(IllegalArgumentException.class, () -> NucleusSelect.Outputs.bytes(-1, 1));
  }

  @Test
  void paramsOutOfRangeAreRefusedByName() {
    refused("scale", () -> SliceAnchor.Params.of(1).withScale(0));
    refused("scale", () -> SliceAnchor.Params.of(1).withScale(Double.POSITIVE_INFINITY));
    refused("maxGap", () -> SliceAnchor.Params.of(1).withMaxGap(-1));
    refused(
        "params",
        () -> SliceAnchor.apply(new float[4], 2, SliceAnchor.Params.of(1).withDecideOnly()));
    for (double tau : new double[] {0, -0.1, 1.0000001, Double.NaN}) {
      refused("tau", () -> NucleusSelect.Params.mass(tau));
    }
    for (double temperature : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      refused("temperature", () -> NucleusSelect.Params.softmax(0.9, temperature));
    }
    refused("minTokens", () -> NucleusSelect.Params.mass(1).withTokens(5, 4));
    refused("volumeMaxTokens", () -> NucleusSelect.Params.mass(1).withVolumeTokens(0, -4));
    refused("ratio", () -> new ContextualMerge.Params(1.1));
    refused("ratio", () -> new ContextualMerge.Params(Double.NaN));
    refused("group", () -> new AttentionMass.Contiguous(0));
    refused("gridWidth", () -> new AttentionMass.Grid(4, 6, 2, 4));
    refused("blockHeight", () -> new AttentionMass.Grid(4, 6, 0, 3));
    refused("gridHeight * gridWidth", () -> new AttentionMass.Grid(1L << 40, 1L << 40, 1, 1));
  }
}
