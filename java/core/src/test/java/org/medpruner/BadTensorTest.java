package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.medpruner.OpCases.Argument;
import org.medpruner.OpCases.OpCase;

/**
 * Every tensor of every op, spoiled in every way: a typed exception that names it, never a crash.
 */
class BadTensorTest {

  private interface Spoiler {
    /** The spoiled tensor; the same object where the way does not apply. */
    @Nullable TensorView spoil(Argument argument, TensorView valid);
  }

  private static void eachTensor(Spoiler spoiler, boolean namedEvenIfLeading) {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      for (OpCase op : OpCases.all(memory)) {
        assertDoesNotThrow(() -> op.call().run(op.tensors()), op.op());
        for (int i = 0; i < op.arguments().size(); i++) {
          Argument a = op.arguments().get(i);
          TensorView valid = a.value();
          if (valid == null) {
            continue;
          }
          TensorView spoiled = spoiler.spoil(a, valid);
          if (spoiled == valid) {
            continue;
          }
          int index = i;
          String what = op + "." + a.name() + " as " + spoiled;
          IllegalArgumentException e =
              assertThrows(IllegalArgumentException.class, () -> op.runWith(index, spoiled), what);
          String message = String.valueOf(e.getMessage());
          if (namedEvenIfLeading || !a.leads()) {
            assertTrue(names(message, a.name()), what + ": " + message);
          }
        }
      }
    }
  }

  /** Whoever found it, the native library too: under the name that the argument has in Java. */
  private static boolean names(String message, String name) {
    return message.contains(name);
  }

  @Test
  void missing() {
    eachTensor(
        (a, t) ->
            List.of("lse", "volumes", "segments", "pooledKeys", "features").contains(a.name())
                ? t
                : null,
        true);
  }

  @Test
  void wrongDtype() {
    eachTensor(
        (a, t) -> {
          DType wrong = a.wrongDtype();
          return wrong == null
              ? t
              : TensorView.of(t.address() & -8, wrong, t.shape(), Device.CPU).withOwner(t);
        },
        true);
  }

  @Test
  void tooManyDimensions() {
    eachTensor(
        (a, t) -> {
          long[] shape = Arrays.copyOf(t.shape(), t.rank() + 1);
          shape[t.rank()] = 1;
          return TensorView.of(t.address(), t.dtype(), shape, Device.CPU).withOwner(t);
        },
        true);
  }

  @Test
  void noDimensions() {
    eachTensor(
        (a, t) -> TensorView.of(t.address(), t.dtype(), new long[0], Device.CPU).withOwner(t),
        true);
  }

  @Test
  void oneTooShort() {
    eachTensor(
        (a, t) -> {
          if (a.name().equals("packed") || a.name().equals("workspace")) {
            return t; // larger than it needs to be
          }
          long[] shape = t.shape();
          shape[0]--;
          return TensorView.of(t.address(), t.dtype(), shape, Device.CPU).withOwner(t);
        },
        false);
  }

  @Test
  void gapsBetweenValues() {
    eachTensor(
        (a, t) -> {
          long[] shape = t.shape();
          long[] strides = t.strides();
          shape[t.rank() - 1] = 2;
          strides[t.rank() - 1] = 2;
          return TensorView.strided(t.address(), t.dtype(), shape, strides, Device.CPU)
              .withOwner(t);
        },
        false);
  }

  @Test
  void misaligned() {
    eachTensor(
        (a, t) ->
            t.dtype().byteSize() == 1 && !a.name().equals("workspace")
                ? t
                : TensorView.strided(t.address() + 1, t.dtype(), t.shape(), t.strides(), Device.CPU)
                    .withOwner(t),
        true);
  }

  @Test
  void nullAddress() {
    eachTensor((a, t) -> TensorView.of(0, t.dtype(), t.shape(), Device.CPU), true);
  }

  @Test
  void onAnotherDevice() {
    eachTensor(
        (a, t) -> TensorView.of(t.address(), t.dtype(), t.shape(), Device.cuda(3)).withOwner(t),
        false);
  }

  @Test
  void readOnlyOutputs() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(1 << 16, 64).asReadOnly();
      eachTensor((a, t) -> a.output() ? TensorView.of(block, t.dtype(), t.shape()) : t, true);
    }
  }

  /** A segment of a confined arena, used by another thread, as every tensor of every op. */
  @Test
  void confinedToAnotherThread() throws Exception {
    try (Arena arena = Arena.ofConfined();
        DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      MemorySegment block = arena.allocate(1 << 16, 64);
      for (OpCase op : OpCases.all(memory)) {
        for (int i = 0; i < op.arguments().size(); i++) {
          Argument a = op.arguments().get(i);
          TensorView valid = a.value();
          if (valid == null) {
            continue;
          }
          TensorView confined = TensorView.of(block, valid.dtype(), valid.shape());
          int index = i;
          AtomicReference<Throwable> thrown = new AtomicReference<>();
          Thread other =
              Thread.ofPlatform()
                  .uncaughtExceptionHandler((thread, e) -> thrown.set(e))
                  .start(() -> op.runWith(index, confined));
          other.join();
          String what = op + "." + a.name() + ": " + thrown.get();
          IllegalStateException e =
              assertInstanceOf(IllegalStateException.class, thrown.get(), what);
          assertTrue(String.valueOf(e.getMessage()).startsWith(a.name() + ":"), what);
          assertTrue(String.valueOf(e.getMessage()).contains("another thread"), what);
        }
      }
    }
  }

  @Test
  void outputsOverlappingInputs() {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      for (OpCase op : OpCases.all(memory)) {
        TensorView offsets = op.arguments().get(op.indexOf("offsets")).value();
        for (int i = 0; i < op.arguments().size(); i++) {
          Argument a = op.arguments().get(i);
          TensorView t = a.value();
          if (!a.output()
              || t == null
              || offsets == null
              || (a.name().equals("workspace") && op.workspaceBytes() == 0)) {
            continue;
          }
          TensorView over =
              TensorView.of(offsets.address() & -16, t.dtype(), t.shape(), Device.CPU)
                  .withOwner(offsets);
          int index = i;
          assertThrows(
              IllegalArgumentException.class, () -> op.runWith(index, over), op + "." + a.name());
        }
      }
    }
  }

  @Test
  void offsetsThatDoNotAscendFromZeroToTheRows() {
    long[][] bad = {
      {1, 5, 12},
      {0, 5, 11},
      {0, 5, 13},
      {0, 13, 12},
      {0, -1, 12},
      {0, Long.MAX_VALUE, 12},
      {0, Long.MIN_VALUE, 12},
      {-12, 0, 12},
      {12, 5, 0}
    };
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      for (OpCase op : OpCases.all(memory)) {
        for (long[] offsets : bad) {
          refused(op, "offsets", memory.input(offsets), Arrays.toString(offsets));
        }
      }
    }
  }

  private static void refused(OpCase op, String name, TensorView value, String what) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> op.runWith(op.indexOf(name), value),
            op + " " + what);
    assertTrue(names(String.valueOf(e.getMessage()), name), what + ": " + e.getMessage());
  }

  private static OpCase named(List<OpCase> ops, String name) {
    return ops.stream().filter(o -> o.op().equals(name)).findFirst().orElseThrow();
  }

  @Test
  void contentsThatLeadOutOfTheTensors() {
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      List<OpCase> ops = OpCases.all(memory);
      OpCase gather = named(ops, "gatherRows");
      for (long row : new long[] {-1, 12, Long.MAX_VALUE, Long.MIN_VALUE}) {
        long[] indices = new long[12];
        indices[6] = row; // second row of the second segment
        refused(gather, "indices", memory.input(indices), "row " + row);
      }
      refused(gather, "counts", memory.input(new long[] {6, 0}), "more than the segment");
      refused(gather, "counts", memory.input(new long[] {-1, 0}), "negative");
      refused(gather, "packed", memory.output(DType.F32, 4, 4), "too few rows");
      for (String op : List.of("nucleusSelect", "prune", "pruneAttended")) {
        for (long[] volumes : new long[][] {{0, 1}, {1, 2}, {0, 3}, {0, 2, 1, 2}, {0, -1, 2}}) {
          refused(named(ops, op), "volumes", memory.input(volumes), op + Arrays.toString(volumes));
        }
      }
    }
  }

  @Test
  void theWorkspaceMustHoldWhatTheQuerySays() {
    MedPruner.setCpuThreads(1); // one thread's workspace serves any number
    try (DeviceMemory memory = new DeviceMemory(Device.CPU)) {
      int needy = 0;
      for (OpCase op : OpCases.all(memory)) {
        int index = op.indexOf("workspace");
        op.runWith(index, memory.output(DType.U8, op.workspaceBytes()));
        if (op.workspaceBytes() > 0) {
          needy++;
          refused(op, "workspace", memory.output(DType.U8, op.workspaceBytes() - 1), "too small");
        }
      }
      assertTrue(needy > 0, "no op needs a workspace on the CPU: this test tests nothing");
    } finally {
      MedPruner.setCpuThreads(0);
    }
  }

  @Test
  void whatTheNativeLibraryNamesHasItsNameInJava() {
    try (NativeBuffer memory = NativeBuffer.allocate(Device.CPU, 256);
        Workspace workspace = Workspace.create(Device.CPU)) {
      memory.copyFrom(MemorySegment.ofArray(new float[4]), 192);
      memory.copyFrom(MemorySegment.ofArray(new long[] {0, 4}), 224);
      NucleusSelect.Outputs overlapping =
          new NucleusSelect.Outputs(
              memory.viewAt(0, DType.U8, 4),
              memory.viewAt(64, DType.I64, 4),
              memory.viewAt(64, DType.I64, 1),
              memory.viewAt(128, DType.F64, 1),
              memory.viewAt(160, DType.U32, 1));
      IllegalArgumentException e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  NucleusSelect.run(
                      NucleusSelect.Params.mass(0.5),
                      memory.viewAt(192, DType.F32, 4),
                      memory.viewAt(224, DType.I64, 2),
                      null,
                      overlapping,
                      workspace,
                      Stream.DEFAULT));
      assertTrue(
          String.valueOf(e.getMessage()).startsWith("keptCounts: overlaps keptIndices"),
          e.toString());
    }
  }
}
