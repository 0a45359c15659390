package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.stream.Stream;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** A null is refused as any other wrong argument is, by its name. */
@SuppressWarnings("NullAway") // callers without a null checker
class NullArgumentsTest {

  private static Arguments refused(String name, Executable call) {
    return Arguments.of(name, call);
  }

  static Stream<Arguments> constructors() {
    return Stream.of(
        refused("score", () -> new NucleusSelect.Params(null, 0.9, 2, 0, 0, 0, 0)),
        refused("pooling", () -> new AttentionMass.Params(null, 0)),
        refused("nucleus", () -> new Prune.Params(null, new ContextualMerge.Params(0.1), 0)),
        refused("merge", () -> new Prune.Params(NucleusSelect.Params.mass(0.9), null, 0)),
        refused("kind", () -> new Device(null, 0)),
        refused("score", () -> PruningPolicy.PAPER.toBuilder().score(null).build()),
        refused("positionsMm", () -> PruningPolicy.PAPER.maxGap(1, null)),
        refused("device", () -> Workspace.create(null)),
        refused("device", () -> org.medpruner.Stream.of(null, 0)),
        refused("device", () -> org.medpruner.Stream.create(null)),
        refused("ops", () -> org.medpruner.Stream.DEFAULT.capture(null)),
        refused("device", () -> NativeBuffer.allocate(null, 1)),
        refused("device", () -> NativeBuffer.allocate(null, DType.F32, 1)),
        refused("dtype", () -> NativeBuffer.allocate(Device.CPU, null, 1)),
        refused("shape", () -> NativeBuffer.allocate(Device.CPU, DType.F32, (long[]) null)),
        refused("dtype", () -> TensorView.of(0, null, new long[0], Device.CPU)),
        refused("shape", () -> TensorView.of(0, DType.F32, null, Device.CPU)),
        refused("device", () -> TensorView.of(0, DType.F32, new long[0], null)),
        refused("strides", () -> TensorView.strided(0, DType.F32, new long[0], null, Device.CPU)),
        refused("segment", () -> TensorView.of((MemorySegment) null, DType.F32)),
        refused("buffer", () -> GatherRows.Outputs.in(null, DType.F32, 1, 1, 1)));
  }

  static Stream<Arguments> copies() {
    return Stream.of(
        refused("source", () -> with(b -> b.copyFrom((byte[]) null))),
        refused("source", () -> with(b -> b.copyFrom((short[]) null))),
        refused("source", () -> with(b -> b.copyFrom((int[]) null))),
        refused("source", () -> with(b -> b.copyFrom((long[]) null))),
        refused("source", () -> with(b -> b.copyFrom((float[]) null))),
        refused("source", () -> with(b -> b.copyFrom((double[]) null))),
        refused("source", () -> with(b -> b.copyFrom(null, 0))),
        refused("destination", () -> with(b -> b.copyTo((byte[]) null))),
        refused("destination", () -> with(b -> b.copyTo((short[]) null))),
        refused("destination", () -> with(b -> b.copyTo((int[]) null))),
        refused("destination", () -> with(b -> b.copyTo((long[]) null))),
        refused("destination", () -> with(b -> b.copyTo((float[]) null))),
        refused("destination", () -> with(b -> b.copyTo((double[]) null))),
        refused("destination", () -> with(b -> b.copyTo(null, 0))),
        refused("dtype", () -> with(b -> b.view(null, 1))),
        refused("view", () -> with(b -> b.offsetOf(null))));
  }

  private static void with(java.util.function.Consumer<NativeBuffer> use) {
    try (NativeBuffer buffer = NativeBuffer.allocate(Device.CPU, 8)) {
      use.accept(buffer);
    }
  }

  @ParameterizedTest
  @MethodSource({"constructors", "copies"})
  void isRefusedByName(String name, Executable call) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
    assertEquals(name + ": must not be null", e.getMessage());
  }
}
