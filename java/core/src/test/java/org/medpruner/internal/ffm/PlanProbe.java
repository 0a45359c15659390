package org.medpruner.internal.ffm;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.NativeBuffer;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.PrunePlan;
import org.medpruner.Stream;

/** A plan on a device that records no graphs, as one without memory for them: each run calls. */
final class PlanProbe {
  private static final int TOKENS = 40;
  private static final int KEY_DIM = 3;
  private static final int CHANNELS = 5;
  private static final int RUNS = 3;

  private PlanProbe() {}

  private static float[] positive(Random random, int n) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) Math.exp(random.nextGaussian());
    }
    return values;
  }

  public static void main(String[] args) {
    Device device = Device.cuda(0);
    Random random = new Random(213);
    float[] keys = positive(random, TOKENS * KEY_DIM);
    float[] features = positive(random, TOKENS * CHANNELS);
    Prune.Params params = Prune.Params.of(NucleusSelect.Params.mass(0.6), 0.2);
    try (NativeBuffer mass = NativeBuffer.allocate(device, DType.F32, TOKENS);
        NativeBuffer key = NativeBuffer.allocate(device, DType.F32, TOKENS, KEY_DIM);
        NativeBuffer feature = NativeBuffer.allocate(device, DType.F32, TOKENS, CHANNELS);
        NativeBuffer offsets = NativeBuffer.allocate(device, DType.I64, 2);
        NativeBuffer out =
            NativeBuffer.allocate(
                device, Prune.Outputs.bytes(DType.F32, TOKENS, CHANNELS, TOKENS, 1))) {
      key.copyFrom(keys);
      feature.copyFrom(features);
      offsets.copyFrom(new long[] {0, TOKENS});
      Prune.Outputs outputs = Prune.Outputs.in(out, DType.F32, TOKENS, CHANNELS, TOKENS, 1);
      try (PrunePlan plan =
          PrunePlan.of(
              params,
              new Prune.Given(mass.view(DType.F32, TOKENS), key.view(DType.F32, TOKENS, KEY_DIM)),
              feature.view(DType.F32, TOKENS, CHANNELS),
              offsets.view(DType.I64, 2),
              null,
              null,
              outputs)) {
        for (int run = 1; run <= RUNS; run++) {
          float[] masses = positive(random, TOKENS);
          mass.copyFrom(masses);
          plan.run(Stream.DEFAULT);
          Stream.of(device, 0).synchronize();
          float[] expected = Prune.apply(masses, keys, features, params).packed();
          float[] packed = new float[expected.length];
          out.copyTo(MemorySegment.ofArray(packed), out.offsetOf(outputs.packed()));
          if (plan.recorded() || !Arrays.equals(packed, expected)) {
            throw new AssertionError("run " + run + ": " + plan);
          }
        }
      }
    }
    System.out.println("alive");
  }
}
