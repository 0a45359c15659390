package org.medpruner.vlm.pruning;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.Device;
import org.medpruner.MedPruner;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.PruningPolicy;
import org.medpruner.Stream;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.Scopes;

/** Stages of the same and of other extents, one after the other, against slices one by one. */
class TokenPlansTest {
  private static final int SLICES = 5;
  private static final int TOKENS = 24;
  private static final int KEY_DIM = 6;
  private static final int WIDTH = 9;
  private static final double TAU = 0.7;
  private static final double RATIO = 0.2;
  private static final PruningPolicy POLICY =
      PruningPolicy.PAPER.toBuilder()
          .score(NucleusSelect.Score.MASS)
          .tau(TAU)
          .contextualRatio(RATIO)
          .build()
          .resolved(1);

  @Test
  void onTheCpu() {
    check(Device.CPU);
  }

  /** From the second use of equal extents on a recorded graph runs. */
  @Test
  @Tag("gpu")
  void onCuda() {
    String missing = cudaMissing();
    if (missing != null && !Boolean.getBoolean("medpruner.requireGpu")) {
      System.out.println("skipped TokenPlansTest.onCuda: " + missing);
      assumeTrue(false, missing);
    }
    TorchRuntime.requireCuda();
    check(Device.cuda(0));
  }

  private static @Nullable String cudaMissing() {
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u) {
      return u.reason();
    }
    return TorchRuntime.status() instanceof TorchRuntime.Available a
        ? a.cudaUnavailable()
        : "LibTorch is unavailable";
  }

  /** Made and closed with any scopes open: the memory is the plan's for as long as it is open. */
  @ParameterizedTest
  @CsvSource({"0, 0", "0, 1", "1, 0", "1, 1", "2, 0", "2, 2"})
  void aPlanFreesItsMemoryWhenItIsClosed(int scopes, int later) {
    TokenPlan.Extents extents =
        new TokenPlan.Extents(
            Prune.Params.of(NucleusSelect.Params.mass(TAU), RATIO),
            2L * TOKENS,
            2,
            1,
            KEY_DIM,
            WIDTH,
            ScalarType.Float);
    TokenPlan plan = Scopes.in(scopes, () -> new TokenPlan(Device.CPU, extents));
    List<Tensor> all =
        List.of(
            plan.mass,
            plan.keys,
            plan.features,
            plan.packed,
            plan.packedRows,
            plan.packedOffsets,
            plan.role,
            plan.assignment,
            plan.keptMass,
            plan.flags);
    for (Tensor t : all) {
      assertFalse(t.isNull(), "freed with the scope it was made in");
      assertEquals(1, t.referenceCount());
    }
    try (PointerScope scope = new PointerScope()) {
      plan.mass.fill_(new Scalar(1.0));
      plan.keys.fill_(new Scalar(1.0));
      plan.features.fill_(new Scalar(1.0));
    }
    Scopes.in(
        later,
        () -> {
          plan.slices(TokenStage.Slices.whole(2, TOKENS));
          plan.run(Stream.DEFAULT);
          assertTrue(TorchTensors.longs(plan.packedOffsets)[2] > 0);
          plan.close();
          return true;
        });
    all.forEach(t -> assertTrue(t.isNull(), "still held"));
  }

  private static void check(Device device) {
    Random random = new Random(77);
    try (Workspace workspace = Workspace.create(device);
        TokenPlans plans = new TokenPlans(workspace)) {
      for (int round = 0; round < 9; round++) {
        prune(plans, device, random, round % 4 == 3 ? 2 : SLICES, "round " + round);
      }
    }
  }

  private static void prune(
      TokenPlans plans, Device device, Random random, int slices, String what) {
    int n = slices * TOKENS;
    float[] mass = floats(random, n);
    for (int i = 0; i < n; i++) {
      mass[i] = (float) Math.exp(mass[i]);
    }
    float[] keys = floats(random, n * KEY_DIM);
    float[] features = floats(random, n * WIDTH);
    TokenStage.Slices layout = TokenStage.Slices.whole(slices, TOKENS);
    layout.kept()[random.nextInt(slices)] = false;
    try (PointerScope scope = new PointerScope();
        TokenStage stage = plans.stage(POLICY, layout, KEY_DIM, WIDTH, ScalarType.Float)) {
      fill(stage.mass(), mass, device, n);
      fill(stage.pooledKeys(), keys, device, n, KEY_DIM);
      fill(stage.features(), features, device, n, WIDTH);
      TokenStage.Pruned pruned = stage.prune();
      float[] packed = TorchTensors.floats(pruned.packed().contiguous());
      int row = 0;
      for (int s = 0; s < slices; s++) {
        int first = s * TOKENS;
        Prune.Result expected =
            Prune.apply(
                Arrays.copyOfRange(mass, first, first + TOKENS),
                Arrays.copyOfRange(keys, first * KEY_DIM, (first + TOKENS) * KEY_DIM),
                Arrays.copyOfRange(features, first * WIDTH, (first + TOKENS) * WIDTH),
                Prune.Params.of(NucleusSelect.Params.mass(TAU), RATIO));
        TokenStage.Result r = pruned.result().part(s, s + 1, first, first + TOKENS);
        assertArrayEquals(expected.roles(), r.role(), what);
        assertArrayEquals(expected.assignment(), r.assignment(), what);
        assertEquals(expected.keptMass(), r.keptMass()[0], what);
        if (layout.kept()[s]) {
          int count = expected.packedRows().length;
          int from = row;
          assertArrayEquals(
              Arrays.stream(expected.packedRows()).map(t -> t + first).toArray(),
              Arrays.copyOfRange(pruned.rows(), from, from + count),
              what);
          assertArrayEquals(
              expected.packed(),
              Arrays.copyOfRange(packed, from * WIDTH, (from + count) * WIDTH),
              what);
          row += count;
        }
      }
      assertEquals(row, pruned.rows().length, what);
    }
  }

  private static void fill(Tensor to, float[] values, Device device, long... shape) {
    to.copy_(
        torch
            .tensor(values)
            .view(shape)
            .to(new org.bytedeco.pytorch.Device(device.toString()), ScalarType.Float));
  }

  private static float[] floats(Random random, int n) {
    float[] v = new float[n];
    for (int i = 0; i < n; i++) {
      v[i] = (float) random.nextGaussian();
    }
    return v;
  }

  /** More offsets than slices cannot be copied into the plan's memory. */
  @Test
  void aStageThatCannotBeMadeLeavesNoMemory() {
    TokenStage.Slices whole = TokenStage.Slices.whole(2, TOKENS);
    TokenStage.Slices bad =
        new TokenStage.Slices(
            new long[] {0, TOKENS, 2 * TOKENS, 3 * TOKENS, 4 * TOKENS},
            whole.kept(),
            whole.volumes());
    try (Workspace workspace = Workspace.create(Device.CPU);
        TokenPlans plans = new TokenPlans(workspace)) {
      Runnable stage = () -> plans.stage(POLICY, bad, 64, 4096, ScalarType.Float);
      assertThrows(RuntimeException.class, stage::run);
      long before = Pointer.totalCount();
      for (int i = 0; i < 20; i++) {
        assertThrows(RuntimeException.class, stage::run);
      }
      assertTrue(Pointer.totalCount() < before + 20, "tensors of 20 plans are still held");
    }
  }
}
