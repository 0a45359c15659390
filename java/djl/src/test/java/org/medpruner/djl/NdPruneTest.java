package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.AttentionMass;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SegmentFlags;
import org.medpruner.oracle.AttentionMassOracle;
import org.medpruner.oracle.PruneOracle;

/** Stage 2 on NDArrays against the plain-Java specification. */
class NdPruneTest extends PyTorchTest {
  private static final Prune.Params PARAMS =
      Prune.Params.of(NucleusSelect.Params.softmax(0.7, 1), 0.1);

  private static byte[] packed(NDArray features, PruneOracle.Result e, int channels) {
    byte[] in = PyTorch.bytes(features);
    int bytes = features.getDataType().getNumOfBytes();
    ByteBuffer out =
        ByteBuffer.allocate(e.packedRows().length * channels * bytes)
            .order(ByteOrder.nativeOrder());
    switch (features.getDataType()) {
      case FLOAT16 -> out.asShortBuffer().put(PruneOracle.packF16(PyTorch.shorts(in), channels, e));
      default -> out.asFloatBuffer().put(PruneOracle.pack(PyTorch.floats(in), channels, e));
    }
    return out.array();
  }

  private static PruneOracle.Result expected(NDArray features, float[] mass, float[] keys) {
    long[] s = features.getShape().getShape();
    int rank = s.length;
    long slices = rank == 2 ? 1 : s[0];
    long tokens = s[rank - 2];
    return PruneOracle.select(
        PARAMS,
        mass,
        keys,
        keys.length / mass.length,
        LongStream.rangeClosed(0, slices).map(i -> i * tokens).toArray(),
        null,
        null);
  }

  static void assertAsOracle(
      NDArray features, PruneOracle.Result e, NdPrune.Result r, String what) {
    int channels = (int) features.getShape().get(features.getShape().dimension() - 1);
    assertEquals(new Shape(e.packedRows().length, channels), r.packed().getShape(), what);
    assertEquals(features.getDataType(), r.packed().getDataType(), what);
    assertArrayEquals(packed(features, e, channels), PyTorch.bytes(r.packed()), what);
    assertArrayEquals(e.packedRows(), r.rows().toLongArray(), what);
    assertArrayEquals(e.packedOffsets(), r.offsets().toLongArray(), what);
    assertArrayEquals(e.merge().role(), PyTorch.bytes(r.role()), what);
    assertArrayEquals(e.merge().assignment(), r.assignment().toLongArray(), what);
    assertArrayEquals(e.keptMass(), r.keptMass(), what);
    assertArrayEquals(e.flags(), r.flags(), what);
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT16", "FLOAT32"})
  void givenTheMassesEveryTypeIsBitForBitTheOracles(DataType type) {
    Random random = new Random(7);
    for (int i = 0; i < 20; i++) {
      int g = 1 + random.nextInt(4);
      int t = 1 + random.nextInt(60);
      NDArray features = normal(random, type, g, t, 1 + random.nextInt(20));
      NDArray mass = normal(random, DataType.FLOAT32, g, t).abs();
      NDArray keys = normal(random, DataType.FLOAT32, g, t, 1 + random.nextInt(9));
      byte[] before = PyTorch.bytes(features);
      NdPrune.Result r = NdPrune.byMass(PARAMS, features, mass, keys);
      PruneOracle.Result e = expected(features, mass.toFloatArray(), keys.toFloatArray());
      assertAsOracle(features, e, r, "case " + i);
      assertArrayEquals(before, PyTorch.bytes(features), "the features were written");
    }
  }

  @Test
  void anArrayWithoutSlicesIsOne() {
    Random random = new Random(1);
    NDArray features = normal(random, DataType.FLOAT32, 30, 8);
    NDArray mass = normal(random, DataType.FLOAT32, 30).abs();
    NDArray keys = normal(random, DataType.FLOAT32, 30, 4);
    assertAsOracle(
        features,
        expected(features, mass.toFloatArray(), keys.toFloatArray()),
        NdPrune.byMass(PARAMS, features, mass, keys),
        "one slice");
  }

  @Test
  void whatDoesNotLieDenselyIsPrunedAsItReads() {
    Random random = new Random(2);
    NDArray features = normal(random, DataType.FLOAT32, 30, 2, 8).transpose(1, 0, 2);
    NDArray mass = normal(random, DataType.FLOAT32, 30, 2).abs().transpose();
    NDArray keys = normal(random, DataType.FLOAT32, 4, 30, 2).transpose(2, 1, 0);
    assertAsOracle(
        features.duplicate().reshape(2, 30, 8),
        expected(
            features, PyTorch.floats(PyTorch.bytes(mass)), PyTorch.floats(PyTorch.bytes(keys))),
        NdPrune.byMass(PARAMS, features, mass, keys),
        "transposed");
  }

  /** From equal masses on it is the same; the masses are within the tolerance of the header. */
  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FLOAT16", "FLOAT32"})
  void byAttentionIsByTheMassesOfTheOracle(DataType type) {
    Random random = new Random(3);
    int g = 2;
    int heads = 3;
    int d = 8;
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Grid(8, 8, 2, 2));
    NDArray features = normal(random, DataType.FLOAT32, g, 16, 10);
    NDArray query = normal(random, type, g, 64, heads, d);
    NDArray key = normal(random, type, g, 64, heads, d);
    NdPrune.Result r = NdPrune.byAttention(PARAMS, attention, features, query, key);
    AttentionMassOracle.Result m =
        AttentionMassOracle.run(
            attention,
            query.toType(DataType.FLOAT32, false).toFloatArray(),
            key.toType(DataType.FLOAT32, false).toFloatArray(),
            heads,
            d,
            new long[] {0, 64, 128});
    float[] mass = new float[m.mass().length];
    float[] keys = new float[m.pooledKeys().length];
    for (int i = 0; i < mass.length; i++) {
      mass[i] = (float) m.mass()[i];
    }
    for (int i = 0; i < keys.length; i++) {
      keys[i] = (float) m.pooledKeys()[i];
    }
    PruneOracle.Result e = expected(features, mass, keys);
    assertArrayEquals(e.packedRows(), r.rows().toLongArray());
    assertArrayEquals(e.packedOffsets(), r.offsets().toLongArray());
    assertArrayEquals(e.merge().role(), PyTorch.bytes(r.role()));
    assertArrayEquals(e.keptMass(), r.keptMass(), 1e-5);
    assertArrayEquals(packed(features, e, 10), PyTorch.bytes(r.packed()));
  }

  @Test
  void noSlicesAndNoTokensLeaveNothing() {
    NdPrune.Result none =
        NdPrune.byMass(
            PARAMS,
            manager.create(new Shape(0, 5, 4)),
            manager.create(new Shape(0, 5)),
            manager.create(new Shape(0, 5, 3)));
    assertEquals(new Shape(0, 4), none.packed().getShape());
    assertArrayEquals(new long[] {0}, none.offsets().toLongArray());
    NdPrune.Result empty =
        NdPrune.byMass(
            PARAMS,
            manager.create(new Shape(2, 0, 4)),
            manager.create(new Shape(2, 0)),
            manager.create(new Shape(2, 0, 3)));
    assertEquals(new Shape(0, 4), empty.packed().getShape());
    assertArrayEquals(new long[] {0, 0, 0}, empty.offsets().toLongArray());
  }

  @Test
  void aSliceWhoseMassesAreNotFiniteIsKeptWhole() {
    NDArray mass = manager.create(new float[] {1, Float.NaN, 1, 1, 1, 1}, new Shape(2, 3));
    NdPrune.Result r =
        NdPrune.byMass(
            PARAMS, manager.ones(new Shape(2, 3, 2)), mass, manager.ones(new Shape(2, 3, 2)));
    assertEquals(SegmentFlags.NON_FINITE, r.flags()[0] & SegmentFlags.NON_FINITE);
    assertEquals(3, r.offsets().getLong(1));
  }

  private static void assertRefused(String start, Runnable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call::run);
    assertTrue(e.getMessage().startsWith(start), e.getMessage());
  }

  @Test
  void shapesThatDoNotFitAreNamed() {
    NDArray features = manager.ones(new Shape(2, 4, 3));
    NDArray mass = manager.ones(new Shape(2, 4));
    NDArray keys = manager.ones(new Shape(2, 4, 5));
    NDArray query = manager.ones(new Shape(2, 16, 2, 5));
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Contiguous(4));
    assertRefused("features: is", () -> NdPrune.byMass(PARAMS, mass.get(0), mass, keys));
    assertRefused("mass: is", () -> NdPrune.byMass(PARAMS, features, mass.get(0), keys));
    assertRefused("mass: is", () -> NdPrune.byMass(PARAMS, features, mass.get(":, :3"), keys));
    assertRefused("keys: is", () -> NdPrune.byMass(PARAMS, features, mass, mass));
    assertRefused("keys: is", () -> NdPrune.byMass(PARAMS, features, mass, keys.get("0:1")));
    assertRefused(
        "features: dtype is F64",
        () -> NdPrune.byMass(PARAMS, features.toType(DataType.FLOAT64, true), mass, keys));
    assertRefused(
        "mass: must be f32",
        () -> NdPrune.byMass(PARAMS, features, mass.toType(DataType.FLOAT64, true), keys));
    assertRefused(
        "query: is float32 (2, 15, 2, 5), but must be [.., 16",
        () -> NdPrune.byAttention(PARAMS, attention, features, query.get(":, :15"), query));
    assertRefused(
        "key: is",
        () -> NdPrune.byAttention(PARAMS, attention, features, query, query.get(":, :, :1")));
    int left = manager.getManagedArrays().size();
    assertRefused(
        "features: dtype is U8",
        () -> NdPrune.byMass(PARAMS, features.toType(DataType.UINT8, true), mass, keys));
    assertEquals(left + 1, manager.getManagedArrays().size(), "a failure left arrays behind");
    mass.close();
    assertThrows(IllegalStateException.class, () -> NdPrune.byMass(PARAMS, features, mass, keys));
  }

  /** Otherwise a manager that lives long grows by all tokens with each call. */
  @Test
  void theManagerHoldsWhatIsReturnedAndNothingElse() {
    Random random = new Random(4);
    AttentionMass.Params attention = AttentionMass.Params.of(new AttentionMass.Contiguous(1));
    NDArray features = normal(random, DataType.FLOAT32, 2, 30, 8);
    NDArray mass = normal(random, DataType.FLOAT32, 2, 30).abs();
    NDArray query = normal(random, DataType.FLOAT32, 2, 30, 1, 8);
    int before = manager.getManagedArrays().size();
    for (int i = 0; i < 3; i++) {
      NdPrune.Result byMass = NdPrune.byMass(PARAMS, features, mass, features);
      assertEquals(before + 5, manager.getManagedArrays().size());
      byMass.arrays().close();
      NdPrune.Result byAttention = NdPrune.byAttention(PARAMS, attention, features, query, query);
      assertEquals(before + 5, manager.getManagedArrays().size());
      byAttention.arrays().close();
      assertEquals(before, manager.getManagedArrays().size());
    }
  }

  @Test
  void resultsBelongToTheFeaturesManager() {
    NDList arrays;
    try (NDManager inner = manager.newSubManager()) {
      NDArray features = inner.ones(new Shape(1, 4, 3));
      arrays =
          NdPrune.byMass(
                  PARAMS, features, manager.ones(new Shape(1, 4)), manager.ones(new Shape(1, 4, 2)))
              .arrays();
      assertEquals("packed", arrays.head().getName());
      assertTrue(!arrays.head().isReleased());
    }
    arrays.forEach(array -> assertTrue(array.isReleased(), array.getName()));
  }
}
