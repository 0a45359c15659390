package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.AttentionMass;
import org.medpruner.ContextualMerge;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.GatherRows;
import org.medpruner.MedPrunerException;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;
import org.medpruner.SlicePatches;
import org.medpruner.TensorView;

/**
 * Random descriptors past Java's own checks: the native library refuses or computes, and never
 * touches memory outside the tensors. All of them lie inside real memory, so that what it accepts
 * is harmless.
 */
class DescriptorFuzzTest {
  private static final int BYTES = 1 << 14;

  private static final List<DType> DTYPES = List.of(DType.values());

  private final Random random = new Random(2024);

  private @Nullable TensorView tensor(NativeBuffer memory) {
    if (random.nextInt(30) == 0) {
      return null;
    }
    DType dtype = DTYPES.get(random.nextInt(DTYPES.size()));
    long[] shape = new long[random.nextInt(5)];
    long[] strides = new long[shape.length];
    long budget = BYTES / 2 / dtype.byteSize() - 1L;
    for (int i = shape.length - 1; i >= 0; i--) {
      shape[i] = random.nextInt(8);
      long reach = budget / (shape.length + 1) / Math.max(shape[i], 1);
      strides[i] = random.nextInt(4) == 0 ? random.nextLong(reach + 1) : 1;
    }
    boolean compact = random.nextBoolean();
    long offset = random.nextInt(16) * 8L + (random.nextInt(20) == 0 ? 1 : 0);
    long address = random.nextInt(40) == 0 ? 0 : memory.view(DType.U8, 1).address() + offset;
    Device device = random.nextInt(15) == 0 ? Device.cuda(random.nextInt(3)) : Device.CPU;
    TensorView view =
        compact && product(shape) <= budget
            ? TensorView.of(address, dtype, shape, device)
            : TensorView.strided(address, dtype, shape, strides, device);
    return view.withOwner(memory);
  }

  private static long product(long[] shape) {
    long p = 1;
    for (long s : shape) {
      p *= s;
    }
    return p;
  }

  // Null stands for a missing argument, which is what is tested.
  @SuppressWarnings("NullAway")
  private void call(String op, NativeBuffer[] memory) {
    TensorView[] t = new TensorView[16];
    for (int i = 0; i < t.length; i++) {
      t[i] = tensor(memory[i]);
    }
    TensorView workspace = memory[16].view(DType.U8, random.nextInt(2) * 8192L);
    switch (op) {
      case "slice_anchor", "slice_anchor_patches" -> {
        SliceAnchor.Params params = SliceAnchor.Params.of(0.1);
        params = random.nextInt(4) == 0 ? params.withDecideOnly() : params;
        boolean patches = op.endsWith("patches");
        SlicePatches grid =
            SlicePatches.planar(
                1 + random.nextInt(2), 1 + random.nextInt(2), 1, 1 + random.nextInt(2), 1);
        NativeOps.sliceAnchor(
            patches ? params.withPatches(0.1, grid) : params,
            t[0],
            t[1],
            new SliceAnchor.Outputs(
                t[2],
                random.nextInt(4) == 0 ? null : t[3],
                t[4],
                t[5],
                t[6],
                random.nextInt(4) == 0 ? null : t[7],
                random.nextInt(4) == 0 ? null : t[8],
                random.nextInt(4) == 0 ? null : t[9]),
            workspace,
            0);
      }
      case "attention_mass" ->
          NativeOps.attentionMass(
              AttentionMass.Params.of(new AttentionMass.Contiguous(1 + random.nextInt(2))),
              t[0],
              t[1],
              t[2],
              t[3],
              new AttentionMass.Outputs(t[4], t[5], t[6]),
              workspace,
              0);
      case "nucleus_select" ->
          NativeOps.nucleusSelect(
              NucleusSelect.Params.mass(0.9),
              t[0],
              t[1],
              t[2],
              new NucleusSelect.Outputs(t[3], t[4], t[5], t[6], t[7]),
              workspace,
              0);
      case "contextual_merge" ->
          NativeOps.contextualMerge(
              0.1,
              t[0],
              t[1],
              t[2],
              t[3],
              new ContextualMerge.Outputs(t[4], t[5], t[6], t[7], t[8], t[9]),
              workspace,
              0);
      case "prune" ->
          NativeOps.prune(
              Prune.Params.of(NucleusSelect.Params.mass(0.9), 0.1),
              random.nextBoolean()
                  ? new Prune.Given(t[3], t[4])
                  : new Prune.Attended(
                      AttentionMass.Params.of(new AttentionMass.Contiguous(1)),
                      t[0],
                      t[1],
                      t[2],
                      t[3],
                      t[4]),
              t[5],
              t[6],
              t[7],
              t[8],
              new Prune.Outputs(t[9], t[10], t[11], t[12], t[13], t[14], t[15]),
              workspace,
              0);
      default ->
          NativeOps.gatherRows(
              t[0], t[1], t[2], t[3], new GatherRows.Outputs(t[4], t[5], t[6]), workspace, 0);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "slice_anchor",
        "slice_anchor_patches",
        "attention_mass",
        "nucleus_select",
        "contextual_merge",
        "gather_rows",
        "prune"
      })
  void randomDescriptorsAreRefusedByName(String op) {
    NativeBuffer[] memory = new NativeBuffer[17];
    for (int i = 0; i < memory.length; i++) {
      memory[i] = NativeBuffer.allocate(Device.CPU, BYTES);
      memory[i].copyFrom(new byte[BYTES]);
    }
    int refused = 0;
    for (int round = 0; round < 4000; round++) {
      try {
        call(op, memory);
      } catch (IllegalArgumentException | MedPrunerException e) {
        String message = String.valueOf(e.getMessage());
        assertTrue(message.startsWith("medpruner_" + op) || message.contains(": "), message);
        refused++;
      }
    }
    assertTrue(refused > 3900, "only " + refused + " of 4000 were refused");
    for (NativeBuffer b : memory) {
      b.close();
    }
  }

  @Test
  void paramsAreCheckedByTheLibraryToo() {
    try (NativeBuffer b = NativeBuffer.allocate(Device.CPU, 64)) {
      b.copyFrom(new long[] {0, 1});
      TensorView keys = b.viewAt(16, DType.F32, 1, 1);
      TensorView offsets = b.view(DType.I64, 2);
      for (double bad : new double[] {-0.1, 1.1, Double.NaN, Double.POSITIVE_INFINITY}) {
        try {
          NativeOps.contextualMergeWorkspace(bad, keys, offsets);
          throw new AssertionError("ratio " + bad + " was accepted");
        } catch (IllegalArgumentException e) {
          assertTrue(String.valueOf(e.getMessage()).contains("ratio"), e.getMessage());
        }
      }
    }
  }
}
