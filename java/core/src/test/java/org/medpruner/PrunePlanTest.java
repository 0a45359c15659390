package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** A plan run again and again on changing contents against single calls. */
class PrunePlanTest {
  private static final int TOKENS = 60;
  private static final int SEGMENTS = 4;
  private static final int COLUMNS = 7;
  private static final int KEY_DIM = 5;
  private static final Prune.Params PARAMS =
      Prune.Params.of(NucleusSelect.Params.mass(0.8), 0.2).withDroppedTokens(1);

  Device device() {
    return Device.CPU;
  }

  /** Tensors of a call of fixed extents. */
  private record Tensors(
      TensorView mass,
      TensorView keys,
      TensorView features,
      TensorView offsets,
      TensorView segments,
      TensorView volumes,
      Prune.Outputs out) {

    static Tensors in(DeviceMemory memory) {
      return new Tensors(
          memory.output(DType.F32, TOKENS),
          memory.output(DType.F32, TOKENS, KEY_DIM),
          memory.output(DType.F32, TOKENS, COLUMNS),
          memory.output(DType.I64, SEGMENTS + 1),
          memory.output(DType.U8, SEGMENTS),
          memory.output(DType.I64, 3),
          new Prune.Outputs(
              memory.output(DType.F32, TOKENS, COLUMNS),
              memory.output(DType.I64, TOKENS),
              memory.output(DType.I64, SEGMENTS + 1),
              memory.output(DType.U8, TOKENS),
              memory.output(DType.I64, TOKENS),
              memory.output(DType.F64, SEGMENTS),
              memory.output(DType.U32, SEGMENTS)));
    }

    /** New contents; the extents stay, the segments' lengths do not. */
    void fill(Random random) {
      copy(mass, floats(random, TOKENS, true));
      copy(keys, floats(random, TOKENS * KEY_DIM, false));
      copy(features, floats(random, TOKENS * COLUMNS, false));
      long[] bounds = new long[SEGMENTS + 1];
      for (int s = 1; s < SEGMENTS; s++) {
        bounds[s] = bounds[s - 1] + random.nextInt(TOKENS / SEGMENTS + 1);
      }
      bounds[SEGMENTS] = TOKENS;
      buffer(offsets).copyFrom(bounds);
      byte[] kept = new byte[SEGMENTS];
      for (int s = 0; s < SEGMENTS; s++) {
        kept[s] = (byte) random.nextInt(2);
      }
      buffer(segments).copyFrom(kept);
      buffer(volumes).copyFrom(new long[] {0, random.nextInt(SEGMENTS + 1), SEGMENTS});
    }

    PrunePlan plan() {
      return PrunePlan.of(
          PARAMS, new Prune.Given(mass, keys), features, offsets, segments, volumes, out);
    }

    private static float[] floats(Random random, int n, boolean positive) {
      float[] v = new float[n];
      for (int i = 0; i < n; i++) {
        v[i] = (float) (positive ? Math.exp(random.nextGaussian()) : random.nextGaussian());
      }
      return v;
    }

    private static void copy(TensorView to, float[] values) {
      buffer(to).copyFrom(MemorySegment.ofArray(values), 0);
    }
  }

  private static NativeBuffer buffer(TensorView view) {
    if (view.owner() instanceof NativeBuffer b) {
      return b;
    }
    throw new AssertionError("not a test tensor: " + view);
  }

  @Test
  void everyRunGivesWhatASingleCallGives() {
    Random random = new Random(211);
    Device device = device();
    try (DeviceMemory memory = new DeviceMemory(device);
        Stream stream = Stream.create(device)) {
      Tensors t = Tensors.in(memory);
      Tensors single = Tensors.in(memory);
      try (PrunePlan plan = t.plan()) {
        for (int round = 0; round < 6; round++) {
          t.fill(random);
          // Rows past the total keep what an earlier run left there: begin equal.
          byte[] before = memory.bytes(t.out.packed());
          buffer(single.out.packed()).copyFrom(before);
          buffer(single.out.packedRows()).copyFrom(memory.bytes(t.out.packedRows()));
          plan.run(stream);
          Prune.run(
              PARAMS,
              new Prune.Given(t.mass, t.keys),
              t.features,
              t.offsets,
              t.segments,
              t.volumes,
              single.out,
              memory.workspace(),
              stream);
          stream.synchronize();
          assertEquals(device.isCuda() && round > 0, plan.recorded());
          for (int i = 0; i < 7; i++) {
            assertArrayEquals(
                memory.bytes(listed(single.out).get(i)),
                memory.bytes(listed(t.out).get(i)),
                "round " + round + ", output " + i);
          }
        }
      }
    }
  }

  private static List<TensorView> listed(Prune.Outputs o) {
    return List.of(
        o.packed(),
        o.packedRows(),
        o.packedOffsets(),
        o.role(),
        o.assignment(),
        o.keptMass(),
        o.flags());
  }

  @Test
  void aPlanOwnsTheWorkspaceOfItsCall() {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      Tensors t = Tensors.in(memory);
      try (PrunePlan plan = t.plan()) {
        assertEquals(
            Prune.workspaceBytes(
                PARAMS, new Prune.Given(t.mass, t.keys), t.features, t.offsets, t.volumes),
            plan.workspaceBytes());
        assertFalse(plan.recorded());
      }
    }
  }

  @Test
  void aClosedPlanOrBufferIsRefused() {
    try (DeviceMemory memory = new DeviceMemory(device())) {
      Tensors t = Tensors.in(memory);
      t.fill(new Random(212));
      PrunePlan plan = t.plan();
      plan.close();
      plan.close();
      assertThrows(IllegalStateException.class, () -> plan.run(Stream.DEFAULT));
      try (PrunePlan other = t.plan()) {
        buffer(t.features).close();
        assertThrows(IllegalStateException.class, () -> other.run(Stream.DEFAULT));
      }
    }
  }
}
