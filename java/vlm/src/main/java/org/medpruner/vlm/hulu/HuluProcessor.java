package org.medpruner.vlm.hulu;

import java.nio.file.Path;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.engine.SmartResize.Size;

/**
 * Hulu-Med's image processor: all frames of a volume get one size, chosen so that together they
 * stay within one allowance of tokens. Absent keys, or an absent {@link PreprocessorConfig#file},
 * take the released class's defaults; its mean and deviation are OpenAI CLIP's, about half the
 * deviation of other models, which halves the grey levels that one gamma stands for.
 *
 * @param patchSize side of a patch in pixels
 * @param minTokens least tokens of a frame
 * @param maxTokens most tokens of all frames together
 * @param values filter and normalisation; its height and width mean nothing
 */
record HuluProcessor(int patchSize, int minTokens, int maxTokens, PreprocessorConfig values) {
  private static final double[] CLIP_MEAN = {0.48145466, 0.4578275, 0.40821073};
  private static final double[] CLIP_STD = {0.26862954, 0.26130258, 0.27577711};

  /** Pillow's number of bicubic interpolation. */
  private static final int BICUBIC = 3;

  /**
   * Reads the file of a folder.
   *
   * @param patchSize of the vision encoder, which the file must agree with
   * @throws org.medpruner.InputException if it is not JSON or a value is out of range
   */
  static HuluProcessor read(Path folder, int patchSize) {
    JsonFile json = PreprocessorConfig.file(folder);
    int stated = json.integer("patch_size", patchSize, 1);
    if (stated != patchSize) {
      throw json.bad(
          "patch_size = "
              + stated
              + ", but config.json says "
              + patchSize
              + "; the files are not of one model");
    }
    if (!PreprocessorConfig.on(json, "do_resize")) {
      throw json.bad("do_resize is off, but a volume's slices must fit the patch grid");
    }
    int min = json.integer("min_tokens", 16, 1);
    int max = json.integer("max_tokens", 16_384, 1);
    if (min > max) {
      throw json.bad("min_tokens = " + min + " is more than max_tokens = " + max);
    }
    return new HuluProcessor(patchSize, min, max, values(json));
  }

  private static PreprocessorConfig values(JsonFile json) {
    PreprocessorConfig c = PreprocessorConfig.ofSize(json, 0, 0, BICUBIC);
    boolean normalise = PreprocessorConfig.on(json, "do_normalize");
    return new PreprocessorConfig(
        0,
        0,
        c.resample(),
        c.rescale(),
        normalise && !json.has("image_mean") ? CLIP_MEAN.clone() : c.mean(),
        normalise && !json.has("image_std") ? CLIP_STD.clone() : c.std());
  }

  /**
   * The size every frame is resized to. Both sides are rounded to whole blocks, halves to even. If
   * that has more pixels than the frame's share of the allowance, both are scaled down by one
   * factor and rounded down; if it has fewer than the least, scaled up and rounded up. In double
   * precision throughout, as Python computes it.
   *
   * @param frames of the volume, which share the allowance
   * @param merge side, in patches, of the block that makes one token
   */
  Size target(int height, int width, int frames, int merge) {
    long factor = (long) patchSize * merge;
    long least = minTokens * factor * factor;
    long most = maxTokens * factor * factor / frames;
    double area = (double) height * width;
    long h = (long) Math.rint((double) height / factor) * factor;
    long w = (long) Math.rint((double) width / factor) * factor;
    if (h * w > most) {
      double beta = Math.sqrt(area / most);
      h = (long) Math.floor(height / beta / factor) * factor;
      w = (long) Math.floor(width / beta / factor) * factor;
    }
    if (h * w < least) {
      double beta = Math.sqrt(least / area);
      h = (long) Math.ceil(height * beta / factor) * factor;
      w = (long) Math.ceil(width * beta / factor) * factor;
    }
    return new Size(Math.toIntExact(h), Math.toIntExact(w));
  }

  /**
   * {@link #target} as the released code has it for PIL pictures: it reads their size as (height,
   * width) where PIL says (width, height), so the sides of pictures that are not square change
   * places and the picture is distorted. Reproduced for comparison only.
   */
  Size swappedTarget(int height, int width, int frames, int merge) {
    return target(width, height, frames, merge);
  }
}
