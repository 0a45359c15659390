package org.medpruner.bench.model;

import java.nio.ByteBuffer;
import java.util.SplittableRandom;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
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

  /** Values that one thread fills at a time. */
  private static final int BLOCK = 1 << 16;

  private final long seed;
  private final float[] draws = new float[DRAWS];
  private final short[] around0;
  private final short[] around1;

  RandomWeights(long seed) {
    this.seed = seed;
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < DRAWS; i++) {
      draws[i] = (float) (DEVIATION * random.nextGaussian());
    }
    around0 = bf16(0);
    around1 = bf16(1);
  }

  private short[] bf16(float mean) {
    short[] table = new short[DRAWS];
    for (int i = 0; i < DRAWS; i++) {
      table[i] = LowPrecision.floatToBf16(mean + draws[i]);
    }
    return table;
  }

  @Override
  public void fill(Tensor tensor, long first, ByteBuffer buffer) {
    boolean factor = isLayerNormFactor(tensor.name());
    long base = mix(seed ^ ((long) tensor.name().hashCode() << 32));
    int start = buffer.position();
    if (tensor.type() == StorageType.BF16) {
      short[] table = factor ? around1 : around0;
      inBlocks(
          buffer.remaining() / Short.BYTES,
          i -> buffer.putShort(start + i * Short.BYTES, table[draw(base, first + i)]));
    } else if (tensor.type() == StorageType.F32) {
      float mean = factor ? 1 : 0;
      inBlocks(
          buffer.remaining() / Float.BYTES,
          i -> buffer.putFloat(start + i * Float.BYTES, mean + draws[draw(base, first + i)]));
    } else {
      throw new IllegalArgumentException(tensor.name() + " is " + tensor.type());
    }
    buffer.position(buffer.limit());
  }

  /** All processors: one alone takes half a minute for a model of four billion. */
  private static void inBlocks(int values, IntConsumer put) {
    IntStream.range(0, Math.ceilDiv(values, BLOCK))
        .parallel()
        .forEach(
            block -> {
              int end = (int) Math.min(values, (block + 1L) * BLOCK);
              for (int i = block * BLOCK; i < end; i++) {
                put.accept(i);
              }
            });
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
