package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.engine.SmartResize;

/**
 * How a Qwen3-VL checkpoint's pictures are processed. Without a {@link PreprocessorConfig#file} as
 * the published models': bicubic resizing to between 65,536 and 16,777,216 pixels, pixels scaled to
 * [-1, 1]. A file must say the bounds, mean and deviation.
 *
 * @param size to which a picture is resized
 * @param values filter and normalisation; its height and width mean nothing
 */
record QwenPreprocessor(SmartResize size, PreprocessorConfig values) {
  /** Pillow's number of bicubic interpolation. */
  private static final int BICUBIC = 3;

  private static final int MIN_PIXELS = 65_536;
  private static final int MAX_PIXELS = 16_777_216;

  /**
   * What the released code resizes to first: qwen-vl-utils is called without the model's patch
   * size, so it takes Qwen2-VL's 14.
   */
  static final SmartResize FIRST = new SmartResize(28, 4 * 784, 16_384 * 784, 28);

  /**
   * Reads the file of a folder.
   *
   * @throws org.medpruner.InputException if it is not JSON, a value is out of range, or the patches
   *     are not those of the vision tower
   */
  static QwenPreprocessor read(Path folder, QwenVisionConfig vision) {
    JsonFile json = PreprocessorConfig.file(folder);
    same(json, "patch_size", vision.patchSize());
    same(json, "temporal_patch_size", vision.temporalPatchSize());
    same(json, "merge_size", vision.mergeSize());
    if (!PreprocessorConfig.on(json, "do_resize")) {
      throw json.bad("do_resize is false, but the vision tower needs sides that fit its patches");
    }
    // transformers 4 says min_pixels and max_pixels, newer files size.
    JsonFile size = json.object("size");
    int min = json.integer("min_pixels", size.integer("shortest_edge", MIN_PIXELS, 1), 1);
    int max = json.integer("max_pixels", size.integer("longest_edge", MAX_PIXELS, 1), 1);
    if (json.exists()) {
      stated(json, "size.shortest_edge", size.has("shortest_edge") || json.has("min_pixels"));
      stated(json, "size.longest_edge", size.has("longest_edge") || json.has("max_pixels"));
      boolean normalise = PreprocessorConfig.on(json, "do_normalize");
      stated(json, "image_mean", !normalise || json.has("image_mean"));
      stated(json, "image_std", !normalise || json.has("image_std"));
    }
    if (max < min) {
      throw json.bad("size: " + min + " pixels at least, but " + max + " at most");
    }
    return new QwenPreprocessor(
        new SmartResize(vision.patchSize() * vision.mergeSize(), min, max),
        PreprocessorConfig.ofSize(json, 0, 0, BICUBIC));
  }

  /** transformers fills up with Qwen2-VL's values, with which no Qwen3-VL was trained. */
  private static void stated(JsonFile json, String key, boolean there) {
    if (!there) {
      throw json.bad(key + " is missing; Qwen2-VL's, which transformers takes then, is another");
    }
  }

  private static void same(JsonFile json, String key, int expected) {
    int found = json.integer(key, expected, 1);
    if (found != expected) {
      throw json.bad(key + " = " + found + ", but config.json says " + expected);
    }
  }
}
