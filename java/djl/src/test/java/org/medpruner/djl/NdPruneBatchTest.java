package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.AttentionMass;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;
import org.medpruner.oracle.PruneOracle;

/** Slices of any length, of several volumes, some of them dropped by stage 1. */
class NdPruneBatchTest extends PyTorchTest {
  private static final Prune.Params PARAMS =
      Prune.Params.of(NucleusSelect.Params.softmax(0.7, 1).withVolumeTokens(3, 25), 0.1)
          .withDroppedTokens(2);

  /** Parts, some of them empty, that make up a whole. */
  private static long[] bounds(Random random, int parts, long whole) {
    long[] bounds =
        LongStream.generate(() -> random.nextLong(whole + 1)).limit(parts + 1).toArray();
    bounds[0] = 0;
    bounds[parts] = whole;
    Arrays.sort(bounds);
    return bounds;
  }

  private static long[] even(long slices, long tokens) {
    return LongStream.rangeClosed(0, slices).map(i -> i * tokens).toArray();
  }

  private static PruneOracle.Result expected(
      NDArray mass,
      NDArray keys,
      long[] offsets,
      byte @Nullable [] kept,
      long @Nullable [] volumes) {
    float[] m = mass.toFloatArray();
    float[] k = keys.toFloatArray();
    return PruneOracle.select(PARAMS, m, k, k.length / m.length, offsets, kept, volumes);
  }

  private NDArray segments(byte[] kept, DataType type) {
    return PyTorch.array(manager, floats(kept), type, kept.length);
  }

  private static float[] floats(byte[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      floats[i] = values[i];
    }
    return floats;
  }

  private static byte[] kept(Random random, int slices) {
    byte[] kept = new byte[slices];
    for (int i = 0; i < slices; i++) {
      kept[i] = (byte) random.nextInt(2);
    }
    return kept;
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"UINT8", "BOOLEAN"})
  void droppedSlicesOfSeveralVolumesAreBitForBitTheOracles(DataType type) {
    Random random = new Random(11);
    int other = 0;
    for (int i = 0; i < 20; i++) {
      int g = 1 + random.nextInt(8);
      int t = 1 + random.nextInt(30);
      NDArray features = normal(random, DataType.FLOAT32, g, t, 6);
      NDArray mass = normal(random, DataType.FLOAT32, g, t).abs();
      NDArray keys = normal(random, DataType.FLOAT32, g, t, 4);
      byte[] kept = kept(random, g);
      long[] volumes = bounds(random, 1 + random.nextInt(3), g);
      NDArray segments = segments(kept, type);
      PruneOracle.Result e = expected(mass, keys, even(g, t), kept, volumes);
      NdPruneTest.assertAsOracle(
          features,
          e,
          NdPrune.byMass(PARAMS, features, mass, keys, null, segments, manager.create(volumes)),
          "case " + i);
      PruneOracle.Result one = expected(mass, keys, even(g, t), kept, null);
      NdPruneTest.assertAsOracle(
          features,
          one,
          NdPrune.byMass(PARAMS, features, mass, keys, null, segments, null),
          "one volume, case " + i);
      other += Arrays.equals(e.packedRows(), one.packedRows()) ? 0 : 1;
    }
    assertTrue(other > 0, "the volumes changed nothing");
  }

  @Test
  void slicesOfAnyLengthAreBitForBitTheOracles() {
    Random random = new Random(12);
    for (int i = 0; i < 20; i++) {
      int g = 1 + random.nextInt(8);
      int n = 1 + random.nextInt(200);
      NDArray features = normal(random, DataType.FLOAT16, n, 6);
      NDArray mass = normal(random, DataType.FLOAT32, n).abs();
      NDArray keys = normal(random, DataType.FLOAT32, n, 4);
      long[] offsets = bounds(random, g, n);
      byte[] kept = kept(random, g);
      long[] volumes = bounds(random, 2, g);
      NdPrune.Result r =
          NdPrune.byMass(
              PARAMS,
              features,
              mass,
              keys,
              manager.create(offsets),
              segments(kept, DataType.UINT8),
              manager.create(volumes));
      NdPruneTest.assertAsOracle(
          features, expected(mass, keys, offsets, kept, volumes), r, "case " + i);
      assertEquals(new Shape(n), r.role().getShape());
      assertEquals(new Shape(n), r.assignment().getShape());
      assertEquals(new Shape(g + 1), r.offsets().getShape());
    }
  }

  private static void assertSame(NdPrune.Result expected, NdPrune.Result actual) {
    NDList a = expected.arrays();
    NDList b = actual.arrays();
    for (int i = 0; i < a.size(); i++) {
      assertArrayEquals(PyTorch.bytes(a.get(i)), PyTorch.bytes(b.get(i)), a.get(i).getName());
    }
    assertArrayEquals(expected.keptMass(), actual.keptMass());
    assertArrayEquals(expected.flags(), actual.flags());
  }

  @Test
  void byAttentionTheBatchIsThatByTheSameMasses() {
    Random random = new Random(13);
    long group = 4;
    long[] lengths = {5, 0, 9, 2};
    long[] offsets = {0, 5, 5, 14, 16};
    NDArray features = normal(random, DataType.FLOAT32, 16, 6);
    NDArray query = normal(random, DataType.FLOAT32, 16 * group, 2, 8);
    NDArray key = normal(random, DataType.FLOAT32, 16 * group, 2, 8);
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Contiguous(group));
    float[] mass = new float[16];
    float[] keys = new float[16 * 8];
    for (int g = 0; g < lengths.length; g++) {
      String rows = offsets[g] * group + ":" + offsets[g + 1] * group;
      if (lengths[g] > 0) {
        AttentionMass.Result one =
            AttentionMass.apply(
                query.get(rows).toFloatArray(), key.get(rows).toFloatArray(), 2, 8, attention);
        System.arraycopy(one.mass(), 0, mass, (int) offsets[g], one.mass().length);
        System.arraycopy(one.pooledKeys(), 0, keys, (int) offsets[g] * 8, one.pooledKeys().length);
      }
    }
    NDArray bounds = manager.create(offsets);
    NDArray segments = segments(new byte[] {1, 1, 0, 1}, DataType.BOOLEAN);
    NDArray volumes = manager.create(new long[] {0, 2, 4});
    assertSame(
        NdPrune.byMass(
            PARAMS,
            features,
            manager.create(mass),
            manager.create(keys, new Shape(16, 8)),
            bounds,
            segments,
            volumes),
        NdPrune.byAttention(PARAMS, attention, features, query, key, bounds, segments, volumes));
  }

  @Test
  void aBatchThatIsNoneIsTheCallWithoutOne() {
    Random random = new Random(14);
    NDArray features = normal(random, DataType.FLOAT32, 3, 10, 6);
    NDArray query = normal(random, DataType.FLOAT32, 3, 10, 2, 8);
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    NdPrune.Result plain = NdPrune.byAttention(PARAMS, attention, features, query, query);
    assertSame(
        plain,
        NdPrune.byAttention(
            PARAMS,
            attention,
            features,
            query,
            query,
            null,
            manager.ones(new Shape(3), DataType.UINT8),
            manager.create(new long[] {0, 3})));
    NDArray flat = query.reshape(30, 2, 8);
    assertSame(
        plain,
        NdPrune.byAttention(
            PARAMS,
            attention,
            features.reshape(30, 6),
            flat,
            flat,
            manager.create(even(3, 10)),
            null,
            null));
  }

  private static void assertRefused(String start, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().startsWith(start), e.getMessage());
    assertEquals(1, e.getMessage().lines().count());
  }

  @Test
  void whatDoesNotDivideTheBatchIsNamed() {
    NDArray features = manager.ones(new Shape(2, 4, 3));
    NDArray mass = manager.ones(new Shape(2, 4));
    NDArray keys = manager.ones(new Shape(2, 4, 5));
    assertRefused(
        "segments: is uint8 (3), but must be uint8 or boolean (2)",
        () ->
            NdPrune.byMass(
                PARAMS,
                features,
                mass,
                keys,
                null,
                manager.ones(new Shape(3), DataType.UINT8),
                null));
    assertRefused(
        "segments: is float32 (2)",
        () -> NdPrune.byMass(PARAMS, features, mass, keys, null, manager.ones(new Shape(2)), null));
    assertRefused(
        "volumes: is int32 (2), but must be int64 (volumes + 1)", () -> volumes(new int[] {0, 2}));
    assertRefused(
        "volumes: is int64 (0)",
        () ->
            NdPrune.byMass(PARAMS, features, mass, keys, null, null, manager.create(new long[0])));
    assertRefused("volumes: the last value is 1, expected 2", () -> volumes(new long[] {0, 1}));
    assertRefused("volumes: value 2 is 0, less than", () -> volumes(new long[] {0, 1, 0, 2}));
    assertRefused(
        "features: is float32 (2, 4, 3), but must be [tokens, channels], since offsets are given",
        () ->
            NdPrune.byMass(
                PARAMS, features, mass, keys, manager.create(new long[] {0, 4, 8}), null, null));
    assertRefused("offsets: is int32 (2)", () -> offsets(new int[] {0, 4}));
    assertRefused("offsets: the first value is 1, expected 0", () -> offsets(new long[] {1, 4}));
    assertRefused("offsets: the last value is 5, expected 4", () -> offsets(new long[] {0, 5}));
    int left = manager.getManagedArrays().size();
    NDArray closed = manager.create(new long[] {0, 2});
    closed.close();
    assertThrows(
        IllegalStateException.class,
        () -> NdPrune.byMass(PARAMS, features, mass, keys, null, null, closed));
    assertEquals(left, manager.getManagedArrays().size(), "a failure left arrays behind");
  }

  private void volumes(Object bounds) {
    NdPrune.byMass(
        PARAMS,
        manager.ones(new Shape(2, 4, 3)),
        manager.ones(new Shape(2, 4)),
        manager.ones(new Shape(2, 4, 5)),
        null,
        null,
        array(bounds));
  }

  private void offsets(Object bounds) {
    NdPrune.byMass(
        PARAMS,
        manager.ones(new Shape(4, 3)),
        manager.ones(new Shape(4)),
        manager.ones(new Shape(4, 5)),
        array(bounds),
        null,
        null);
  }

  private NDArray array(Object values) {
    return values instanceof int[] ints ? manager.create(ints) : manager.create((long[]) values);
  }

  /** Two volumes through both stages: what anchoring drops leaves a token, in each of them. */
  @Test
  void stageOneSaysWhichSlicesStay() {
    NDArray slices = manager.zeros(new Shape(7, 4, 4));
    slices.get("2:4").addi(1); // the first volume: 0 0 1 1, the second: 0 0 0
    NDArray volumes = manager.create(new long[] {0, 4, 7});
    SliceAnchor.Result anchored = NdSliceAnchor.apply(slices, volumes, SliceAnchor.Params.of(0.5));
    assertArrayEquals(new int[] {0, 2, 4}, anchored.keptIndices());
    NDArray tokens = normal(new Random(1), DataType.FLOAT32, 7, 9, 5);
    NdPrune.Result r =
        NdPrune.byMass(
            Prune.Params.of(NucleusSelect.Params.softmax(1, 1), 0.1).withDroppedTokens(1),
            tokens,
            manager.ones(new Shape(7, 9)),
            tokens,
            null,
            manager.create(anchored.kept()),
            volumes);
    assertArrayEquals(new long[] {0, 9, 10, 19, 20, 29, 30, 31}, r.offsets().toLongArray());
  }

  /** The same as blocks, where what was dropped is not encoded. */
  @Test
  void blocksOfSeveralVolumes() {
    NDArray slices = manager.zeros(new Shape(7, 4, 4));
    slices.get("2:4").addi(1);
    Prune.Params params =
        Prune.Params.of(NucleusSelect.Params.softmax(1, 1).withVolumeTokens(0, 5), 0.1);
    SequentialBlock model =
        new SequentialBlock()
            .add(new SliceAnchorBlock(SliceAnchor.Params.of(0.5)).withOffsets())
            .add(
                new LambdaBlock(
                    in -> {
                      assertArrayEquals(new long[] {0, 2, 2, 3}, in.get("offsets").toLongArray());
                      NDArray x = in.head(); // 4 tokens a slice
                      return new NDList(x, x.sum(new int[] {2}), x, in.get(2));
                    }))
            .add(PruneBlock.byMass(params).withVolumes());
    NDList out =
        model.forward(
            new ParameterStore(manager, false),
            new NDList(slices, manager.create(new long[] {0, 4, 4, 7})),
            false);
    NDArray kept = slices.get(manager.create(new long[] {0, 2, 4}));
    NdPrune.Result expected =
        NdPrune.byMass(
            params,
            kept,
            kept.sum(new int[] {2}),
            kept,
            null,
            null,
            manager.create(new long[] {0, 2, 2, 3}));
    assertEquals(expected.arrays().size(), out.size());
    for (int i = 0; i < out.size(); i++) {
      assertArrayEquals(PyTorch.bytes(expected.arrays().get(i)), PyTorch.bytes(out.get(i)));
    }
  }

  @Test
  void aBlockTakesWhatItSays() {
    Random random = new Random(15);
    NDArray features = normal(random, DataType.FLOAT32, 12, 6);
    NDArray mass = normal(random, DataType.FLOAT32, 12).abs();
    NDArray keys = normal(random, DataType.FLOAT32, 12, 4);
    NDArray offsets = manager.create(new long[] {0, 3, 7, 12});
    NDArray segments = segments(new byte[] {1, 0, 1}, DataType.UINT8);
    NDArray volumes = manager.create(new long[] {0, 1, 3});
    PruneBlock block = PruneBlock.byMass(PARAMS).withVolumes().withOffsets().withSegments();
    NDList inputs = new NDList(features, mass, keys, offsets, segments, volumes);
    NDList out = block.forward(new ParameterStore(manager, false), inputs, false);
    NdPrune.Result expected =
        NdPrune.byMass(PARAMS, features, mass, keys, offsets, segments, volumes);
    for (int i = 0; i < out.size(); i++) {
      assertArrayEquals(PyTorch.bytes(expected.arrays().get(i)), PyTorch.bytes(out.get(i)));
    }
    assertArrayEquals(
        new Shape[] {new Shape(12, 6), new Shape(12), new Shape(4), new Shape(12), new Shape(12)},
        block.getOutputShapes(inputs.getShapes()));
    assertRefused(
        "inputs: 3 arrays, but must be features, mass, keys, offsets, segments, volumes",
        () ->
            block.forward(
                new ParameterStore(manager, false), new NDList(features, mass, keys), false));
    assertRefused("features: have shape (3, 4, 6)", () -> ragged(new Shape(3, 4, 6)));
  }

  private static void ragged(Shape features) {
    Shape any = new Shape(4);
    Shape[] unused =
        PruneBlock.byMass(PARAMS)
            .withOffsets()
            .getOutputShapes(new Shape[] {features, any, any, any});
  }
}
