package org.medpruner.bench.model;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.medpruner.vlm.gemma.GemmaConfig;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volumes;

/** Slices of a volume as a model sees them, and a prompt of made-up words for them. */
final class PhantomInput {
  /** Tokens of a label "SLICE 12" with its line breaks, beside the picture's two markers. */
  private static final int LABEL_TOKENS = 6;

  /** Tokens of the turn markers, the instruction, and a question. */
  private static final int LEADING_TOKENS = 40;

  private static final int QUESTION_TOKENS = 24;

  private PhantomInput() {}

  /**
   * The middle slices of a volume, normalised to [-1, 1].
   *
   * @return F32 [slices, 3, side, side]
   * @throws IllegalArgumentException if the volume has fewer slices
   */
  static MemorySegment pixels(Path volume, int slices, int side, Arena arena) {
    SliceImages all = pictures(volume);
    if (all.count() < slices) {
      throw new IllegalArgumentException(
          "--slices is " + slices + ", but " + volume.getFileName() + " has " + all.count());
    }
    int first = (all.count() - slices) / 2;
    return pixels(all, all.pixels().subList(first, first + slices), side, arena);
  }

  /**
   * A volume from its first to its last slice in as many slices as wanted, interpolated: the same
   * body scanned coarsely or finely, so that more slices are more alike. Normalised to [-1, 1].
   *
   * @return F32 [slices, 3, side, side]
   */
  static MemorySegment resampled(Path volume, int slices, int side, Arena arena) {
    SliceImages all = pictures(volume);
    List<byte[]> pictures = new ArrayList<>();
    for (int s = 0; s < slices; s++) {
      double at = slices == 1 ? 0 : s * (all.count() - 1.0) / (slices - 1);
      int below = Math.min((int) at, all.count() - 1);
      int above = Math.min(below + 1, all.count() - 1);
      pictures.add(mix(all.pixels().get(below), all.pixels().get(above), at - below));
    }
    return pixels(all, pictures, side, arena);
  }

  private static byte[] mix(byte[] a, byte[] b, double share) {
    byte[] out = new byte[a.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (byte) Math.rint((1 - share) * (a[i] & 0xff) + share * (b[i] & 0xff));
    }
    return out;
  }

  private static SliceImages pictures(Path volume) {
    return Volumes.read(volume).slices().images(Recipe.ctWindows());
  }

  private static MemorySegment pixels(
      SliceImages size, List<byte[]> pictures, int side, Arena arena) {
    long plane = (long) side * side;
    MemorySegment out = arena.allocate(pictures.size() * 3L * plane * Float.BYTES, 64);
    for (int s = 0; s < pictures.size(); s++) {
      byte[] picture =
          PillowResize.resize(
              pictures.get(s),
              size.height(),
              size.width(),
              3,
              side,
              side,
              PillowResize.Filter.BILINEAR);
      for (int i = 0; i < picture.length; i++) {
        long index = (s * 3L + i % 3) * plane + i / 3;
        float value = ((picture[i] & 0xff) - 127.5f) / 127.5f;
        out.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
      }
    }
    return out;
  }

  /** A prompt of the form the model's template gives: per slice a picture and a label. */
  static Prompt prompt(GemmaConfig config, int slices) {
    List<Integer> ids = new ArrayList<>();
    List<Integer> owners = new ArrayList<>();
    words(ids, owners, LEADING_TOKENS, -1);
    for (int s = 0; s < slices; s++) {
      add(ids, owners, config.beginOfImageToken(), s);
      for (int i = 0; i < config.tokensPerImage(); i++) {
        add(ids, owners, config.imageToken(), s);
      }
      add(ids, owners, config.endOfImageToken(), s);
      words(ids, owners, LABEL_TOKENS, s);
    }
    words(ids, owners, QUESTION_TOKENS, -1);
    boolean[] image = new boolean[ids.size()];
    for (int i = 0; i < image.length; i++) {
      image[i] = ids.get(i) == config.imageToken();
    }
    return new Prompt(
        ids.stream().mapToInt(Integer::intValue).toArray(),
        owners.stream().mapToInt(Integer::intValue).toArray(),
        image);
  }

  /** Ids from 10 on: below are the special tokens of small vocabularies. */
  private static void words(List<Integer> ids, List<Integer> owners, int count, int slice) {
    for (int i = 0; i < count; i++) {
      add(ids, owners, 10 + (ids.size() * 7) % 200, slice);
    }
  }

  private static void add(List<Integer> ids, List<Integer> owners, int id, int slice) {
    ids.add(id);
    owners.add(slice);
  }
}
