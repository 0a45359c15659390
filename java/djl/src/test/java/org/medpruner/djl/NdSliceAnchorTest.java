package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.SegmentFlags;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.oracle.SliceAnchorOracle;

/** Stage 1 on NDArrays against the plain-Java specification, bit for bit. */
class NdSliceAnchorTest extends PyTorchTest {
  private static final int DEPTH = 40;
  private static final int SIDE = 12;

  /** A walk from slice to slice, with steps around the threshold. */
  private static float[] walk(Random random, float unit) {
    float[] values = new float[DEPTH * SIDE * SIDE];
    float level = 10 * unit;
    for (int i = 0; i < DEPTH; i++) {
      level += random.nextInt(3) * unit;
      for (int j = 0; j < SIDE * SIDE; j++) {
        values[i * SIDE * SIDE + j] = level + random.nextInt(2) * unit;
      }
    }
    return values;
  }

  private NDArray volume(float[] values, DataType type) {
    if (type != DataType.INT16 && type != DataType.BFLOAT16) {
      return PyTorch.array(manager, values, type, DEPTH, SIDE, SIDE);
    }
    short[] bits = new short[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = type == DataType.INT16 ? (short) values[i] : LowPrecision.floatToBf16(values[i]);
    }
    return PyTorch.shorts(manager, bits, type, DEPTH, SIDE, SIDE);
  }

  private static SliceAnchorOracle.Result expected(NDArray volume, SliceAnchor.Params params) {
    byte[] bytes = PyTorch.bytes(volume);
    long[] offsets = {0, volume.getShape().get(0)};
    int size = (int) (volume.size() / offsets[1]);
    return switch (volume.getDataType()) {
      case UINT8 -> SliceAnchorOracle.run(params, bytes, size, offsets);
      case INT16 -> SliceAnchorOracle.run(params, PyTorch.shorts(bytes), size, offsets);
      case FLOAT16 ->
          SliceAnchorOracle.run(
              params, LowPrecision.f16ToFloat(PyTorch.shorts(bytes)), size, offsets);
      case BFLOAT16 ->
          SliceAnchorOracle.run(
              params, LowPrecision.bf16ToFloat(PyTorch.shorts(bytes)), size, offsets);
      default -> SliceAnchorOracle.run(params, PyTorch.floats(bytes), size, offsets);
    };
  }

  private static void assertAsOracle(NDArray volume, SliceAnchor.Params params) {
    SliceAnchorOracle.Result e = expected(volume, params);
    SliceAnchor.Result r = NdSliceAnchor.apply(volume, params);
    assertArrayEquals(e.distance(), r.distances());
    assertArrayEquals(e.representative(), r.representatives());
    assertArrayEquals(Arrays.copyOf(e.keptIndices(), e.keptCounts()[0]), r.keptIndices());
    assertArrayEquals(e.flags(), r.flags());
    assertArrayEquals(e.patchDistance(), r.patchDistances());
    assertArrayEquals(e.patchIndex(), r.patchIndices());
    for (int i = 0; i < r.kept().length; i++) {
      assertEquals(e.keep()[i] == 1, r.kept()[i]);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"UINT8", "INT16", "FLOAT16", "BFLOAT16", "FLOAT32"})
  void everyTypeIsBitForBitTheOracles(DataType type) {
    Random random = new Random(7);
    float unit = type.isFloating() ? 0.05f : 1;
    for (int i = 0; i < 20; i++) {
      NDArray volume = volume(walk(random, unit), type);
      SliceAnchor.Params params = SliceAnchor.Params.of(unit * random.nextInt(4));
      assertAsOracle(volume, params.withMaxGap(random.nextInt(5)));
      assertAsOracle(
          volume, params.withPatches(2 * unit, SlicePatches.planar(1, SIDE, SIDE, 4, 4)));
    }
  }

  @Test
  void slicesAlongAnotherAxis() {
    float[] values = walk(new Random(1), 0.05f);
    NDArray stored = manager.create(values, new Shape(DEPTH, SIDE, SIDE)).transpose(2, 1, 0);
    assertEquals(new Shape(SIDE, SIDE, DEPTH), stored.getShape());
    assertAsOracle(stored, SliceAnchor.Params.of(0.01));
    NDArray back = stored.transpose(2, 1, 0);
    assertAsOracle(back, SliceAnchor.Params.of(0.05));
  }

  @Test
  void everyVolumeOfABatchIsAnchoredByItself() {
    NDArray slices = volume(walk(new Random(5), 0.05f), DataType.FLOAT32);
    SliceAnchor.Params params =
        SliceAnchor.Params.of(0.05).withPatches(0.1, SlicePatches.planar(1, SIDE, SIDE, 4, 4));
    int[] bounds = {0, 13, 13, 14, DEPTH};
    SliceAnchor.Result batch =
        NdSliceAnchor.apply(
            slices, manager.create(Arrays.stream(bounds).asLongStream().toArray()), params);
    int kept = 0;
    for (int v = 0; v < 4; v++) {
      int from = bounds[v];
      int to = bounds[v + 1];
      if (from == to) {
        continue;
      }
      SliceAnchor.Result one = NdSliceAnchor.apply(slices.get(from + ":" + to), params);
      for (int i = 0; i < to - from; i++) {
        assertEquals(one.kept()[i], batch.kept()[from + i]);
        assertEquals(one.distances()[i], batch.distances()[from + i]);
        assertEquals(from + one.representatives()[i], batch.representatives()[from + i]);
        assertEquals(one.flags()[i], batch.flags()[from + i]);
        assertEquals(one.patchDistances()[i], batch.patchDistances()[from + i]);
        assertEquals(one.patchIndices()[i], batch.patchIndices()[from + i]);
      }
      for (int i : one.keptIndices()) {
        assertEquals(from + i, batch.keptIndices()[kept++]);
      }
    }
    assertEquals(kept, batch.keptIndices().length);
    assertTrue(kept > 3 && kept < DEPTH, Arrays.toString(batch.keptIndices()));
  }

  @Test
  void whatDoesNotDivideABatchIsNamed() {
    NDArray slices = manager.create(new Shape(4, 2));
    SliceAnchor.Params params = SliceAnchor.Params.of(0.1);
    assertEquals(
        "offsets: is int32 (2), but must be int64 (volumes + 1)",
        refused(() -> NdSliceAnchor.apply(slices, manager.create(new int[] {0, 4}), params)));
    assertEquals(
        "offsets: the last value is 3, expected 4, the rows of slices",
        refused(() -> NdSliceAnchor.apply(slices, manager.create(new long[] {0, 3}), params)));
    assertEquals(
        "slices: has shape (4), but must be [slices, ...], not empty",
        refused(
            () ->
                NdSliceAnchor.apply(
                    manager.create(new Shape(4)), manager.create(new long[] {0, 4}), params)));
    SliceAnchorBlock block = new SliceAnchorBlock(params).withOffsets();
    assertEquals(
        "inputs: 1 arrays, but must be slices, offsets",
        refused(
            () -> block.forward(new ParameterStore(manager, false), new NDList(slices), false)));
  }

  private static String refused(Runnable call) {
    return assertThrows(IllegalArgumentException.class, call::run).getMessage();
  }

  @Test
  void aSliceThatIsNotFiniteIsKeptAndFlagged() {
    float[] values = new float[3 * 4];
    values[5] = Float.NaN;
    SliceAnchor.Result r =
        NdSliceAnchor.apply(manager.create(values, new Shape(3, 4)), SliceAnchor.Params.of(0.1));
    assertEquals(SegmentFlags.NON_FINITE, r.flags()[1] & SegmentFlags.NON_FINITE);
    assertTrue(r.kept()[1]);
  }

  @Test
  void whatIsNoVolumeIsRefused() {
    SliceAnchor.Params params = SliceAnchor.Params.of(0.1);
    for (Shape shape : new Shape[] {new Shape(), new Shape(4), new Shape(0, 4), new Shape(4, 0)}) {
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () -> NdSliceAnchor.apply(manager.create(shape), params));
      assertTrue(e.getMessage().startsWith("volume: has shape"), e.getMessage());
    }
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> NdSliceAnchor.apply(manager.create(new double[2][2]), params));
    assertTrue(e.getMessage().startsWith("slices: dtype is F64"), e.getMessage());
    NDArray volume = manager.create(new Shape(2, 2));
    assertThrows(
        IllegalArgumentException.class, () -> NdSliceAnchor.apply(volume, params.withDecideOnly()));
    volume.close();
    assertThrows(IllegalStateException.class, () -> NdSliceAnchor.apply(volume, params));
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"UINT8", "FLOAT16", "FLOAT32"})
  void theBlockHandsOnTheKeptSlices(DataType type) {
    NDArray volume = PyTorch.array(manager, walk(new Random(3), 1), type, DEPTH, SIDE, SIDE);
    SliceAnchor.Params params = SliceAnchor.Params.of(2);
    int[] kept = NdSliceAnchor.apply(volume, params).keptIndices();
    assertTrue(kept.length > 1 && kept.length < DEPTH, Arrays.toString(kept));
    SequentialBlock model = new SequentialBlock().add(new SliceAnchorBlock(params));
    NDList result = model.forward(new ParameterStore(manager, false), new NDList(volume), false);
    assertArrayEquals(
        Arrays.stream(kept).asLongStream().toArray(), result.get("indices").toLongArray());
    NDArray slices = result.get("slices");
    assertEquals(type, slices.getDataType());
    assertEquals(new Shape(kept.length, SIDE, SIDE), slices.getShape());
    for (int i = 0; i < kept.length; i++) {
      assertArrayEquals(PyTorch.bytes(volume.get(kept[i])), PyTorch.bytes(slices.get(i)));
    }
    assertArrayEquals(
        new Shape[] {new Shape(DEPTH, SIDE, SIDE), new Shape(DEPTH)},
        model.getOutputShapes(new Shape[] {volume.getShape()}));
    assertArrayEquals(
        new Shape[] {new Shape(DEPTH, SIDE, SIDE), new Shape(DEPTH), new Shape(3)},
        new SliceAnchorBlock(params)
            .withOffsets()
            .getOutputShapes(new Shape[] {volume.getShape(), new Shape(3)}));
  }
}
