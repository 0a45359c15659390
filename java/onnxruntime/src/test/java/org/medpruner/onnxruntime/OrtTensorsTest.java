package org.medpruner.onnxruntime;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.medpruner.onnxruntime.Messages.assertOneLine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.TensorView;

/** Whose memory a tensor is, shown by writing to one side and reading the other. */
class OrtTensorsTest {
  private static final long[] SHAPE = {2, 3};

  private static int onnxType(DType dtype) {
    return switch (dtype) {
      case U8 -> OnnxGraph.UINT8;
      case I8 -> 3;
      case I16 -> OnnxGraph.INT16;
      case I32 -> OnnxGraph.INT32;
      case I64 -> OnnxGraph.INT64;
      case F16 -> OnnxGraph.FLOAT16;
      case BF16 -> OnnxGraph.BFLOAT16;
      case F32 -> OnnxGraph.FLOAT;
      case F64 -> OnnxGraph.DOUBLE;
      case U32 -> 12;
    };
  }

  private static OnnxTensor borrow(TensorView view) throws OrtException {
    return OrtTensors.borrow(Model.ENVIRONMENT, view);
  }

  private static OrtSession identity(DType dtype) throws OrtException {
    OnnxGraph graph =
        new OnnxGraph()
            .input("x", onnxType(dtype), "rows", 3)
            .output("y", onnxType(dtype))
            .onnxNode("Identity", List.of("x"), List.of("y"), Map.of());
    try (var options = new OrtSession.SessionOptions()) {
      return Model.ENVIRONMENT.createSession(graph.toByteArray(), options);
    }
  }

  /** Both ends of a run in memory of ours: what ONNX Runtime reads and writes is not a copy. */
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "U32")
  void inputsAndPinnedOutputsAreOurMemory(DType dtype) throws OrtException {
    int bytes = 6 * dtype.byteSize();
    byte[] first = pattern(bytes, 1);
    byte[] second = pattern(bytes, 7);
    try (var in = NativeBuffer.allocate(Device.CPU, bytes);
        var out = NativeBuffer.allocate(Device.CPU, bytes);
        OnnxTensor x = borrow(in.view(dtype, SHAPE));
        OnnxTensor y = borrow(out.view(dtype, SHAPE));
        OrtSession session = identity(dtype)) {
      for (byte[] values : List.of(first, second)) {
        in.copyFrom(values); // after the tensor was made
        session.run(Map.of("x", x), Set.of(), Map.of("y", y)).close();
        byte[] actual = new byte[bytes];
        out.copyTo(actual);
        assertArrayEquals(values, actual);
      }
      assertEquals(in.view(dtype, SHAPE).address(), OrtTensors.view(x).address());
      assertEquals(dtype, OrtTensors.view(x).dtype());
      assertArrayEquals(SHAPE, OrtTensors.view(x).shape());
    }
  }

  // Small positive bytes: no NaN, whose bits Identity would keep too, but readers may not.
  private static byte[] pattern(int bytes, int step) {
    byte[] values = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      values[i] = (byte) (i * step % 60);
    }
    return values;
  }

  /** The reason why view() refuses results: the Java API has no other access to them. */
  @Test
  void resultsAreOnlyCopied() throws OrtException {
    try (OnnxTensor x = Model.tensor(new float[] {1, 2, 3, 4, 5, 6}, SHAPE);
        OrtSession session = identity(DType.F32);
        var result = session.run(Map.of("x", x))) {
      OnnxTensor y = (OnnxTensor) result.get(0);
      ByteBuffer bytes = y.getByteBuffer();
      assertFalse(bytes.isDirect());
      bytes.putFloat(0, 99);
      assertEquals(1, y.getFloatBuffer().get(0));
      var e = assertThrows(IllegalArgumentException.class, () -> OrtTensors.view(y));
      assertOneLine(e, "FLOAT[2, 3] lies in memory of ONNX Runtime");
      try (NativeBuffer copy = OrtTensors.copy(y)) {
        float[] values = new float[6];
        copy.copyTo(values);
        assertArrayEquals(new float[] {1, 2, 3, 4, 5, 6}, values);
      }
    }
  }

  @Test
  void aViewOutlivesItsTensor() throws OrtException {
    OnnxTensor x = Model.tensor(new float[] {1, 2, 3}, 3);
    TensorView view = OrtTensors.view(x);
    x.close();
    assertTrue(view.owner() instanceof MemorySegment);
    MemorySegment memory = (MemorySegment) view.owner();
    assertEquals(2, memory.getAtIndex(ValueLayout.JAVA_FLOAT, 1));
    assertThrows(IllegalStateException.class, () -> OrtTensors.view(x));
    assertThrows(IllegalStateException.class, () -> OrtTensors.copy(x));
  }

  @Test
  void aTensorKeepsAClosedBuffersMemory() throws OrtException {
    OnnxTensor x;
    try (var buffer = NativeBuffer.allocate(Device.CPU, DType.F32, SHAPE)) {
      buffer.copyFrom(new float[] {1, 2, 3, 4, 5, 6});
      x = borrow(buffer.view(DType.F32, SHAPE));
    }
    try (x;
        OrtSession session = identity(DType.F32);
        var result = session.run(Map.of("x", x))) {
      assertEquals(6, ((OnnxTensor) result.get(0)).getFloatBuffer().get(5));
    }
  }

  @Test
  void partsOfMemory() throws OrtException {
    try (var arena = Arena.ofConfined();
        var buffer = NativeBuffer.allocate(Device.CPU, 64)) {
      buffer.copyFrom(new float[] {0, 1, 2, 3, 4, 5, 6, 7});
      MemorySegment segment = arena.allocateFrom(ValueLayout.JAVA_LONG, 5, 6, 7);
      try (OnnxTensor part = borrow(buffer.viewAt(8, DType.F32, 3));
          OnnxTensor tail =
              OrtTensors.borrow(Model.ENVIRONMENT, segment.asSlice(8), DType.I64, 2)) {
        assertArrayEquals(new float[] {2, 3, 4}, part.getFloatBuffer().array());
        assertArrayEquals(new long[] {6, 7}, tail.getLongBuffer().array());
        segment.setAtIndex(ValueLayout.JAVA_LONG, 2, 8);
        assertEquals(8, tail.getLongBuffer().get(1));
        assertEquals(segment.address() + 8, OrtTensors.view(tail).address());
      }
    }
  }

  /**
   * ONNX Runtime took the buffer's position when the tensor was made, and nobody tells it of
   * another.
   */
  @Test
  void aBufferWhoseMarksMovedIsRefused() throws OrtException {
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(32).order(ByteOrder.nativeOrder()).asFloatBuffer();
    buffer.put(new float[] {0, 1, 2, 3, 4, 5, 6, 7}).position(4);
    try (OnnxTensor x = OnnxTensor.createTensor(Model.ENVIRONMENT, buffer, new long[] {4})) {
      TensorView view = OrtTensors.view(x);
      assertTrue(view.owner() instanceof MemorySegment memory && memory.get(JAVA_FLOAT, 0) == 4);
      for (Consumer<FloatBuffer> move :
          List.<Consumer<FloatBuffer>>of(
              FloatBuffer::rewind, b -> b.put(new float[4]), b -> b.limit(6))) {
        move.accept(buffer);
        var e = assertThrows(IllegalArgumentException.class, () -> OrtTensors.view(x));
        assertOneLine(e, "tensor: its buffer has ", "FLOAT[4] takes 16", "position and limit");
        buffer.limit(8).position(4);
      }
      assertEquals(view.address(), OrtTensors.view(x).address());
    }
  }

  @Test
  void nothingIsATensorToo() throws OrtException {
    try (var buffer = NativeBuffer.allocate(Device.CPU, 0);
        OnnxTensor x = borrow(buffer.view(DType.F32, 0, 3));
        OrtSession session = identity(DType.F32);
        var result = session.run(Map.of("x", x));
        NativeBuffer copy = OrtTensors.copy((OnnxTensor) result.get(0))) {
      assertArrayEquals(new long[] {0, 3}, ((OnnxTensor) result.get(0)).getInfo().getShape());
      assertEquals(0, copy.byteSize());
    }
  }

  private static void assertRefused(TensorView view, String... parts) {
    assertOneLine(assertThrows(IllegalArgumentException.class, () -> borrow(view).close()), parts);
  }

  @Test
  void whatCannotBeBorrowedIsRefusedInOneLine() {
    try (var buffer = NativeBuffer.allocate(Device.CPU, 64)) {
      TensorView view = buffer.view(DType.F32, 4, 4);
      assertRefused(
          TensorView.of(0x1000, DType.F32, SHAPE, Device.cuda(0)), "cuda:0", "device memory");
      assertRefused(
          TensorView.strided(view.address(), DType.F32, SHAPE, new long[] {4, 1}, Device.CPU)
              .withOwner(buffer),
          "not compact");
      assertRefused(TensorView.of(view.address(), DType.F32, SHAPE, Device.CPU), "an address");
      assertRefused(buffer.view(DType.U32, SHAPE), "U32", "I32");
      assertRefused(
          TensorView.of(view.address() + 32, DType.F32, new long[] {16}, Device.CPU)
              .withOwner(buffer),
          "does not lie inside");
      assertRefused(
          TensorView.of(view.address(), DType.U8, new long[] {1L << 31}, Device.CPU)
              .withOwner(buffer),
          "2147483648 bytes",
          "2 GiB");
    }
  }

  @Test
  void closedAndConfinedMemoryIsNotBorrowed() throws Exception {
    TensorView closed;
    try (Arena arena = Arena.ofConfined()) {
      closed = TensorView.of(arena.allocate(32, 8), DType.F32, 2, 3);
      TensorView confined = closed;
      IllegalStateException elsewhere =
          CompletableFuture.supplyAsync(
                  () -> assertThrows(IllegalStateException.class, () -> borrow(confined).close()))
              .get();
      assertOneLine(elsewhere, "view: its segment is confined to another thread");
    }
    assertOneLine(
        assertThrows(IllegalStateException.class, () -> borrow(closed).close()),
        "view: the arena of its segment is closed");
    NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, 24);
    TensorView freed = buffer.view(DType.F32, 2, 3);
    buffer.close();
    assertOneLine(assertThrows(IllegalStateException.class, () -> borrow(freed).close()), "closed");
  }
}
