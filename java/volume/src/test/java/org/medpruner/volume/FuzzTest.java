package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Damaged files either read or end in a {@link VolumeException} of one line, never otherwise. */
final class FuzzTest {
  @TempDir Path dir;

  private static final long[] INTERESTING = {
    0, 1, -1, 2, 255, 256, 32767, -32768, 0x7fffffffL, 0x80000000L, Long.MAX_VALUE, Long.MIN_VALUE
  };

  private static List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (boolean v2 : new boolean[] {false, true}) {
      for (ByteOrder order : List.of(ByteOrder.LITTLE_ENDIAN, ByteOrder.BIG_ENDIAN)) {
        seeds.add(new NiftiBytes(v2, order, 4, 16, 5, 4, 3, 2).data(new byte[240]).bytes());
        seeds.add(new NiftiBytes(v2, order, 64, 64, 3, 2, 2).data(new byte[96]).bytes());
      }
    }
    return seeds;
  }

  @Test
  void mutatedNifti() throws IOException {
    Random random = new Random(20260311);
    List<byte[]> seeds = seeds();
    int read = 0;
    int refused = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = mutate(seeds.get(i % seeds.size()), random, i % 3 == 0 ? 1 : 4);
      byte[] stored = i % 4 == 0 ? damage(NiftiBytes.gzip(bytes), random) : bytes;
      Path file = Files.write(dir.resolve("f.nii"), stored);
      if (survives(file, i)) {
        read++;
      } else {
        refused++;
      }
    }
    assertTrue(read > 300 && refused > 300, "read " + read + ", refused " + refused);
  }

  @Test
  void mutatedPictures() throws IOException {
    Random random = new Random(20260312);
    int read = 0;
    int refused = 0;
    List<String> names = List.of("grey.png", "palette.png", "colour-alpha.png", "jpeg-420.jpeg");
    for (int i = 0; i < 800; i++) {
      String name = names.get(i % names.size());
      byte[] bytes = mutate(Resources.bytes("pictures/" + name), random, 2);
      Path file = dir.resolve(name);
      Files.write(file, bytes);
      if (survives(dir, i)) {
        read++;
      } else {
        refused++;
      }
      Files.delete(file);
    }
    assertTrue(read > 20 && refused > 100, "read " + read + ", refused " + refused);
  }

  /** Whether it read; fails on any other throwable than the promised one. */
  private static boolean survives(Path path, int round) {
    try {
      Volume v = Volumes.read(path, ReadOptions.DEFAULT);
      SliceStack stack = v.slices();
      if (3L * stack.height() * stack.width() * stack.count() < 1 << 20) {
        stack.sample(85).images(Recipe.forModality(Modality.AUTO, v));
      }
      return true;
    } catch (VolumeException e) {
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(": ") && message.lines().count() == 1, message);
      return false;
    } catch (RuntimeException | Error e) {
      return fail("round " + round + " threw " + e, e);
    }
  }

  private static byte[] mutate(byte[] original, Random random, int edits) {
    byte[] bytes = original.clone();
    for (int e = 0; e < edits; e++) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(4)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt();
        case 2 -> {
          long value = INTERESTING[random.nextInt(INTERESTING.length)];
          int width = 1 << random.nextInt(4);
          boolean little = random.nextBoolean();
          for (int k = 0; k < width && at + k < bytes.length; k++) {
            bytes[at + k] = (byte) (value >> (8 * (little ? k : width - 1 - k)));
          }
        }
        default -> {
          if (random.nextInt(8) == 0) {
            bytes = Arrays.copyOf(bytes, 1 + at);
          }
        }
      }
    }
    return bytes;
  }

  private static byte[] damage(byte[] zipped, Random random) {
    return random.nextInt(3) == 0 ? mutate(zipped, random, 1) : zipped;
  }
}
