package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.DType;
import org.medpruner.TensorView;

/** Memory of NDArrays: whose it is, and how long. */
class BorrowedArrayTest extends PyTorchTest {
  private static MemorySegment memory(TensorView view) {
    return MemorySegment.ofAddress(view.address())
        .reinterpret(view.elements() * view.dtype().byteSize());
  }

  @Test
  void aWriteIsSeenOnTheOtherSide() {
    NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3));
    try (BorrowedArray borrowed = BorrowedArray.of(array)) {
      assertTrue(borrowed.isShared());
      TensorView view = borrowed.view();
      assertArrayEquals(new long[] {2, 3}, view.shape());
      memory(view).setAtIndex(ValueLayout.JAVA_FLOAT, 4, 50);
      assertEquals(50, array.getFloat(1, 1));
      array.addi(1);
      assertEquals(51, memory(view).getAtIndex(ValueLayout.JAVA_FLOAT, 4));
    }
    assertArrayEquals(new float[] {2, 3, 4, 5, 51, 7}, array.toFloatArray());
  }

  /** All that the engine has; asking it for others ends the process. */
  @ParameterizedTest
  @CsvSource({
    "UINT8,U8",
    "BOOLEAN,U8",
    "INT8,I8",
    "INT32,I32",
    "INT64,I64",
    "FLOAT16,F16",
    "FLOAT32,F32",
    "FLOAT64,F64"
  })
  void everyTypeIsShared(DataType type, DType dtype) {
    NDArray array = manager.create(new float[] {0, 1, 1, 0}).toType(type, true);
    try (BorrowedArray borrowed = BorrowedArray.of(array)) {
      assertTrue(borrowed.isShared());
      assertEquals(dtype, borrowed.view().dtype());
      assertArrayEquals(
          PyTorch.bytes(array), memory(borrowed.view()).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void typesThatOtherEnginesHave() {
    assertEquals(DType.I16, BorrowedArray.dtype(DataType.INT16));
    assertEquals(DType.BF16, BorrowedArray.dtype(DataType.BFLOAT16));
    assertEquals(DType.U32, BorrowedArray.dtype(DataType.UINT32));
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"UINT16", "UINT64", "COMPLEX64", "STRING", "UNKNOWN"})
  void otherTypesAreRefused(DataType type) {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> BorrowedArray.dtype(type));
    assertEquals("array: data type " + type + " has no dtype", e.getMessage());
  }

  @Test
  void whatDoesNotLieDenselyIsCopiedInOrder() {
    NDArray array = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(2, 3)).transpose();
    int before = manager.getManagedArrays().size();
    try (BorrowedArray borrowed = BorrowedArray.of(array)) {
      assertFalse(borrowed.isShared());
      assertArrayEquals(
          new float[] {1, 4, 2, 5, 3, 6}, memory(borrowed.view()).toArray(ValueLayout.JAVA_FLOAT));
    }
    assertEquals(before, manager.getManagedArrays().size(), "the copy was left behind");
    assertArrayEquals(new float[] {1, 4, 2, 5, 3, 6}, array.toFloatArray());
  }

  @Test
  void aViewOfAnotherArrayIsSharedToo() {
    NDArray all = manager.create(new float[] {1, 2, 3, 4, 5, 6}, new Shape(3, 2));
    NDArray rows = all.get("1:3");
    try (BorrowedArray borrowed = BorrowedArray.of(rows)) {
      assertTrue(borrowed.isShared());
      memory(borrowed.view(4)).setAtIndex(ValueLayout.JAVA_FLOAT, 0, 30);
    }
    assertEquals(30, all.getFloat(1, 0));
  }

  @Test
  void anArrayWithoutElements() {
    try (BorrowedArray borrowed = BorrowedArray.of(manager.create(new Shape(0, 4)))) {
      assertFalse(borrowed.isShared());
      assertArrayEquals(new long[] {0, 4}, borrowed.view().shape());
    }
  }

  @Test
  void whatIsClosedIsNotLentOut() {
    NDArray array = manager.create(new float[] {1, 2});
    BorrowedArray borrowed = BorrowedArray.of(array);
    borrowed.close();
    borrowed.close();
    assertThrows(IllegalStateException.class, borrowed::view);
    assertEquals(2, array.getFloat(1));
    try (BorrowedArray open = BorrowedArray.of(array)) {
      array.close();
      assertThrows(IllegalStateException.class, open::view);
    }
    IllegalStateException e =
        assertThrows(IllegalStateException.class, () -> BorrowedArray.of(array));
    assertEquals("array: the NDArray is closed", e.getMessage());
  }

  @Test
  void anotherShapeHasAsManyElements() {
    try (BorrowedArray borrowed = BorrowedArray.of(manager.create(new float[6]))) {
      assertEquals(3, borrowed.view(2, 3).size(1));
      assertThrows(IllegalArgumentException.class, () -> borrowed.view(2, 2));
    }
  }

  @Test
  void anEngineThatTellsNoAddressIsCopied() {
    NDArray array = manager.create(new float[] {1, 2, 3});
    ByteBuffer heap = ByteBuffer.allocate(12).order(ByteOrder.nativeOrder());
    heap.asFloatBuffer().put(array.toFloatArray());
    try (BorrowedArray borrowed = BorrowedArray.of(PyTorch.as(array, "toByteBuffer", heap))) {
      assertFalse(borrowed.isShared());
      assertArrayEquals(
          array.toFloatArray(), memory(borrowed.view()).toArray(ValueLayout.JAVA_FLOAT));
    }
  }

  @Test
  void deviceMemoryIsRefused() {
    NDArray array = PyTorch.as(manager.create(new float[1]), "getDevice", ai.djl.Device.gpu(0));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> BorrowedArray.of(array));
    assertTrue(e.getMessage().startsWith("array: is on gpu(0), of whose memory"), e.getMessage());
  }

  @Test
  void sparseArraysAreRefused() {
    NDArray array =
        manager.createCoo(
            ByteBuffer.allocateDirect(8).order(ByteOrder.nativeOrder()).asFloatBuffer().put(0, 1),
            new long[][] {{0, 1}, {1, 0}},
            new Shape(2, 2));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> BorrowedArray.of(array));
    assertEquals("array: is sparse; use toDense()", e.getMessage());
  }
}
