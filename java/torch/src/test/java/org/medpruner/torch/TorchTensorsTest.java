package org.medpruner.torch;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.CompletableFuture;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.openblas.global.openblas_nolapack;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.AttentionMass;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.MedPrunerUnavailableException;
import org.medpruner.NativeBuffer;
import org.medpruner.SliceAnchor;
import org.medpruner.Stream;
import org.medpruner.TensorView;
import org.medpruner.Workspace;

class TorchTensorsTest {

  @Test
  void aTensorsMemoryIsSeenWhereItLies() {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.arange(new Scalar(24.0f)).view(2, 3, 4);
      TensorView v = TorchTensors.view(t);
      assertEquals(t.data_ptr().address(), v.address());
      assertEquals(DType.F32, v.dtype());
      assertArrayEquals(new long[] {2, 3, 4}, v.shape());
      assertArrayEquals(new long[] {12, 4, 1}, v.strides());
      assertEquals(Device.CPU, v.device());
      assertSame(t, v.owner());
    }
  }

  @Test
  void stridesAndOffsetsOfViewsAreKept() {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.arange(new Scalar(24.0f)).view(2, 3, 4);
      Tensor part = t.transpose(0, 2).narrow(0, 1, 2);
      TensorView v = TorchTensors.view(part);
      assertEquals(t.data_ptr().address() + Float.BYTES, v.address());
      assertArrayEquals(new long[] {2, 3, 2}, v.shape());
      assertArrayEquals(new long[] {1, 4, 12}, v.strides());
      assertFalse(v.isCompact());
      try (BorrowedTensor back = TorchTensors.borrow(v)) {
        assertEquals(part.data_ptr().address(), back.tensor().data_ptr().address());
        assertTrue(torch.equal(part, back.tensor()));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyDtypeGoesThereAndBack(DType dtype) {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.ones(new long[] {3}).to(TorchTensors.scalarType(dtype));
      TensorView v = TorchTensors.view(t);
      assertEquals(dtype, v.dtype());
      try (BorrowedTensor back = TorchTensors.borrow(v)) {
        assertEquals(t.scalar_type().intern(), back.tensor().scalar_type().intern());
        assertTrue(torch.equal(t, back.tensor()));
      }
    }
  }

  @Test
  void boolIsU8AndComplexIsRefused() {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.ones(new long[] {3});
      assertEquals(DType.U8, TorchTensors.view(t.to(ScalarType.Bool)).dtype());
      Tensor complex = t.to(ScalarType.ComplexFloat);
      assertThrows(IllegalArgumentException.class, () -> TorchTensors.view(complex));
      assertThrows(IllegalArgumentException.class, () -> TorchTensors.view(t.to_sparse()));
      assertThrows(IllegalArgumentException.class, () -> TorchTensors.view(new Tensor()));
    }
  }

  @Test
  void aSegmentIsWrittenThroughTheTensor() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
      try (BorrowedTensor t = TorchTensors.borrow(memory, DType.F32, 2, 3);
          PointerScope scope = new PointerScope()) {
        assertEquals(memory.address(), t.tensor().data_ptr().address());
        t.tensor().mul_(new Scalar(2.0));
      }
      assertArrayEquals(new float[] {2, 4, 6, 8, 10, 12}, memory.toArray(ValueLayout.JAVA_FLOAT));
    }
  }

  @Test
  void badSegmentsAreRefused() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(16, 8);
      assertThrows(IllegalArgumentException.class, () -> TorchTensors.borrow(memory, DType.F32, 5));
      assertThrows(
          IllegalArgumentException.class,
          () -> TorchTensors.borrow(memory.asSlice(2), DType.F32, 2));
      TensorView odd = TensorView.of(memory.asSlice(2), DType.F32, 2);
      var e = assertThrows(IllegalArgumentException.class, () -> TorchTensors.borrow(odd));
      assertTrue(("" + e.getMessage()).matches("view: address 0x.* is not a multiple of 4 bytes"));
      assertThrows(
          IllegalArgumentException.class,
          () -> TorchTensors.borrow(MemorySegment.ofArray(new float[4]), DType.F32, 4));
    }
  }

  @Test
  void anOpWritesIntoLibTorchMemory() {
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(Device.CPU);
        NativeBuffer offsets = NativeBuffer.allocate(Device.CPU, 16)) {
      offsets.copyFrom(new long[] {0, 4});
      Tensor slices = torch.zeros(new long[] {4, 100});
      slices.narrow(0, 2, 2).fill_(new Scalar(1.0));
      Tensor keep = torch.zeros(new long[] {4}).to(ScalarType.Byte);
      Tensor distance = torch.zeros(new long[] {4});
      Tensor representative = torch.zeros(new long[] {4}).to(ScalarType.Int);
      Tensor indices = torch.zeros(new long[] {4}).to(ScalarType.Int);
      Tensor counts = torch.zeros(new long[] {1}).to(ScalarType.Int);
      Tensor flags = torch.zeros(new long[] {4}).to(ScalarType.UInt32);
      SliceAnchor.run(
          SliceAnchor.Params.of(0.05),
          TorchTensors.view(slices),
          offsets.view(DType.I64, 2),
          new SliceAnchor.Outputs(
              TorchTensors.view(keep),
              TorchTensors.view(distance),
              TorchTensors.view(representative),
              TorchTensors.view(indices),
              TorchTensors.view(counts),
              TorchTensors.view(flags)),
          workspace,
          TorchStreams.current(Device.CPU));
      assertTrue(torch.equal(keep, torch.tensor(new byte[] {1, 0, 1, 0}).to(ScalarType.Byte)));
      assertTrue(torch.equal(representative, torch.tensor(new int[] {0, 0, 2, 2})));
      assertTrue(torch.equal(distance, torch.tensor(new float[] {0, 0, 1, 0})));
    }
  }

  @Test
  void anOpReadsStridedQueriesInPlace() {
    try (PointerScope scope = new PointerScope();
        Workspace workspace = Workspace.create(Device.CPU)) {
      torch.manual_seed(7);
      Tensor heads = torch.randn(new long[] {3, 16, 8});
      Tensor query = heads.transpose(0, 1);
      Tensor key = torch.randn(new long[] {16, 3, 8});
      Tensor mass = torch.zeros(new long[] {16});
      Tensor flags = torch.zeros(new long[] {1}).to(ScalarType.UInt32);
      AttentionMass.run(
          AttentionMass.Params.of(new AttentionMass.Contiguous(1)),
          TorchTensors.view(query),
          TorchTensors.view(key),
          null,
          TorchTensors.view(torch.tensor(new long[] {0, 16})),
          new AttentionMass.Outputs(TorchTensors.view(mass), null, TorchTensors.view(flags)),
          workspace,
          Stream.DEFAULT);
      Tensor expected =
          heads
              .matmul(key.transpose(0, 1).transpose(1, 2))
              .mul(new Scalar(1 / Math.sqrt(8)))
              .softmax(-1)
              .sum(1)
              .mean(0);
      assertTrue(torch.allclose(mass, expected, 1e-5, 1e-6, false));
    }
  }

  @Test
  void scopesLetOnlyTheResultOut() {
    try (PointerScope scope = new PointerScope()) {
      Tensor[] inner = new Tensor[1];
      Tensor result =
          TorchScope.run(
              () -> {
                inner[0] = torch.ones(new long[] {2});
                return inner[0].add(new Scalar(1.0));
              });
      assertTrue(inner[0].isNull());
      assertFalse(result.isNull());
      Tensor kept = TorchScope.detach(torch.ones(new long[] {1}));
      try (PointerScope deeper = new PointerScope()) {
        TorchScope.attach(kept);
      }
      assertTrue(kept.isNull());
    }
  }

  @Test
  void aResultWithoutAnEnclosingScopeIsTheCallers() {
    Tensor t = TorchScope.run(() -> torch.ones(new long[] {2}));
    assertFalse(t.isNull());
    t.close();
    assertTrue(t.isNull());
  }

  @Test
  void theRuntimeSaysWhatItIs() {
    TorchRuntime.Available status = (TorchRuntime.Available) TorchRuntime.status();
    assertTrue(status.version().startsWith("2."), status.version());
    assertTrue(status.threads() >= 1);
    assertSame(status, TorchRuntime.require());
    assertTrue(TorchRuntime.buildConfiguration().contains("PyTorch"));
    if (status.cudaUnavailable() == null) {
      assertTrue(status.cudaDevices() > 0);
    } else {
      MedPrunerUnavailableException e =
          assertThrows(MedPrunerUnavailableException.class, TorchRuntime::requireCuda);
      assertEquals("CUDA is unavailable: " + status.cudaUnavailable(), e.getMessage());
      if (!TorchRuntime.buildConfiguration().contains("USE_CUDA=1")) {
        // What a program of anyone's own can add: it has none of this project's profiles.
        String dependency = "org.bytedeco:pytorch:" + status.version() + ":linux-x86_64-gpu";
        assertTrue(String.valueOf(e.getMessage()).contains(dependency), e.getMessage());
      }
      assertThrows(MedPrunerUnavailableException.class, () -> TorchStreams.current(Device.cuda(0)));
    }
  }

  /** JavaCPP's way to say that a C++ function gave 0, as LibTorch does for its default stream. */
  @Test
  void noStreamIsTheDefaultStream() {
    Stream stream = TorchStreams.borrowed(Device.cuda(0), null);
    assertEquals(0, stream.handle());
    assertEquals(Device.cuda(0), stream.device());
    assertEquals(
        0x1234, TorchStreams.borrowed(Device.cuda(0), new AddressPointer(0x1234, 0)).handle());
  }

  /** Their address is 0, which JavaCPP makes null too. */
  @Test
  void aTensorWithoutElementsHasAView() {
    try (PointerScope scope = new PointerScope()) {
      TensorView view = TorchTensors.view(torch.empty(new long[] {0, 3}));
      assertEquals(0, view.elements());
      assertArrayEquals(new long[] {0, 3}, view.shape());
      assertEquals(0, TorchTensors.floats(torch.empty(new long[] {0})).length);
    }
  }

  @Test
  void largeAttentionRunsWithOneBlasThreadAndTheSettingReturns() {
    TorchRuntime.require();
    int threads = openblas_nolapack.blas_get_num_threads();
    assertEquals(
        threads, TorchRuntime.withOneBlasThread(1, openblas_nolapack::blas_get_num_threads));
    assertEquals(1, TorchRuntime.withOneBlasThread(1e12, openblas_nolapack::blas_get_num_threads));
    assertThrows(
        IllegalStateException.class,
        () ->
            TorchRuntime.withOneBlasThread(
                1e12,
                () -> {
                  throw new IllegalStateException("inside");
                }));
    assertEquals(threads, openblas_nolapack.blas_get_num_threads());
  }

  @Test
  void elementsAreCopiedInRowMajorOrder() {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.arange(new Scalar(6.0f)).view(2, 3).transpose(0, 1);
      assertArrayEquals(new float[] {0, 3, 1, 4, 2, 5}, TorchTensors.floats(t));
      assertArrayEquals(new long[] {0, 3, 1, 4, 2, 5}, TorchTensors.longs(t.to(ScalarType.Long)));
      assertArrayEquals(new int[] {0, 3, 1, 4, 2, 5}, TorchTensors.ints(t.to(ScalarType.Int)));
      assertArrayEquals(new byte[] {0, 1, 1, 1, 1, 1}, TorchTensors.bytes(t.to(ScalarType.Bool)));
      assertArrayEquals(
          new double[] {0, 3, 1, 4, 2, 5}, TorchTensors.doubles(t.to(ScalarType.Double)));
      assertEquals(0, TorchTensors.floats(torch.zeros(new long[] {0, 3})).length);
    }
  }

  /** What LibTorch negates only when it reads it has the other sign in memory. */
  @Test
  void aLazilyNegatedTensorIsReadWithItsSignAndNotViewed() {
    try (PointerScope scope = new PointerScope()) {
      Tensor t = torch.arange(new Scalar(1.0f), new Scalar(4.0f));
      Tensor negated = t._neg_view();
      assertTrue(negated.is_neg());
      assertEquals(t.data_ptr().address(), negated.data_ptr().address());
      assertArrayEquals(new float[] {-1, -2, -3}, TorchTensors.floats(negated));
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> TorchTensors.view(negated));
      assertEquals(
          "tensor: its memory holds the negated values (is_neg); give its resolve_neg()",
          e.getMessage());
      Tensor resolved = negated.resolve_neg();
      assertEquals(DType.F32, TorchTensors.view(resolved).dtype());
      assertArrayEquals(new float[] {-1, -2, -3}, TorchTensors.floats(resolved));
    }
  }

  /** LibTorch would put another stride in its place, and read other elements. */
  @Test
  void negativeStridesAreNotBorrowed() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4, 5, 6);
      TensorView backwards =
          TensorView.strided(
              memory.address() + 2 * Float.BYTES,
              DType.F32,
              new long[] {2, 3},
              new long[] {3, -1},
              Device.CPU);
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class, () -> TorchTensors.borrow(backwards).close());
      assertEquals(
          "view: stride -1 of dimension 1 is negative, but LibTorch's are >= 0; copy the elements"
              + " in order",
          e.getMessage());
      TensorView same =
          TensorView.strided(
              memory.address(), DType.F32, new long[] {2, 3}, new long[] {0, 2}, Device.CPU);
      try (BorrowedTensor t = TorchTensors.borrow(same)) {
        assertArrayEquals(new float[] {1, 3, 5, 1, 3, 5}, TorchTensors.floats(t.tensor()));
      }
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
                  () ->
                      assertThrows(
                          IllegalStateException.class, () -> TorchTensors.borrow(confined).close()))
              .get();
      assertSays(elsewhere, "view: its segment is confined to another thread");
    }
    assertSays(
        assertThrows(IllegalStateException.class, () -> TorchTensors.borrow(closed).close()),
        "view: the arena of its segment is closed");
    NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, 24);
    TensorView freed = buffer.view(DType.F32, 2, 3);
    buffer.close();
    assertSays(
        assertThrows(IllegalStateException.class, () -> TorchTensors.borrow(freed).close()),
        "closed");
  }

  private static void assertSays(IllegalStateException e, String text) {
    assertTrue(String.valueOf(e.getMessage()).contains(text), e.getMessage());
  }
}
