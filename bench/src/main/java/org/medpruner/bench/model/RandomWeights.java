package org.medpruner.bench.model;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import org.medpruner.oracle.LowPrecision;
import org.medpruner.vlm.checkpoint.SafetensorsWriter;
import org.medpruner.vlm.checkpoint.SafetensorsWriter.Tensor;
import org.medpruner.vlm.checkpoint.StorageType;

/**
 * Normal values of standard deviation 0.02, as models are initialised; around 1 for the factors of
 * layer norms, around 0 for everything else (Gemma stores the factors of its RMS norms less 1). A
 * value depends on the seed, the tensor's name and its index alone.
 */
final class RandomWeights implements SafetensorsWriter.Source {
  private static final double DEVIATION = 0.02;

  /** Draws a value is picked from; one normal draw per weight would take minutes. */
  private static final int DRAWS = 1 << 16;

  private final long seed;
  private final float[] draws = new float[DRAWS];

  RandomWeights(long seed) {
    this.seed = seed;
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < DRAWS; i++) {
      draws[i] = (float) (DEVIATION * random.nextGaussian());
    }
  }

  @Override
  public void fill(Tensor tensor, long first, ByteBuffer buffer) {
    float mean = isLayerNormFactor(tensor.name()) ? 1 : 0;
    long base = mix(seed ^ ((long) tensor.name().hashCode() << 32));
    if (tensor.type() == StorageType.BF16) {
      short[] table = new short[DRAWS];
      for (int i = 0; i < DRAWS; i++) {
        table[i] = LowPrecision.floatToBf16(mean + draws[i]);
      }
      for (long i = first; buffer.hasRemaining(); i++) {
        buffer.putShort(table[draw(base, i)]);
      }
    } else if (tensor.type() == StorageType.F32) {
      for (long i = first; buffer.hasRemaining(); i++) {
        buffer.putFloat(mean + draws[draw(base, i)]);
      }
    } else {
      throw new IllegalArgumentException(tensor.name() + " is " + tensor.type());
    }
  }

  private static boolean isLayerNormFactor(String name) {
    return name.startsWith("vision_tower.")
        && name.endsWith(".weight")
        && (name.contains(".layer_norm") || name.contains("post_layernorm"));
  }

  private static int draw(long base, long index) {
    return (int) mix(base + index) & (DRAWS - 1);
  }

  /** The finaliser of SplitMix64. */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}
