package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;

/**
 * How a checkpoint's pictures are processed; absent keys, or an absent {@link #file}, take the
 * values of Gemma 3: bilinear resizing to the tower's picture, pixels scaled to [-1, 1].
 *
 * @param height rows of the processed picture
 * @param width columns of the processed picture
 * @param resample Pillow's filter number: 0 nearest, 2 bilinear, 3 bicubic
 * @param rescale factor of the 8-bit pixels before normalisation, usually 1/255
 * @param mean per channel, subtracted after rescaling
 * @param std per channel, divided by after that
 */
@SuppressWarnings("ArrayRecordComponent")
public record PreprocessorConfig(
    int height, int width, int resample, double rescale, double[] mean, double[] std) {

  /**
   * What a folder says about its pictures: the {@code image_processor} of {@code
   * processor_config.json}, where transformers 5 saves it and looks first, else {@code
   * preprocessor_config.json}; empty where there is neither.
   *
   * @throws org.medpruner.InputException if a file is not JSON
   */
  public static JsonFile file(Path folder) {
    JsonFile processor = JsonFile.readIfPresent(folder.resolve("processor_config.json"));
    return processor.has("image_processor")
        ? processor.object("image_processor")
        : JsonFile.readIfPresent(folder.resolve("preprocessor_config.json"));
  }

  /**
   * Reads the {@link #file} of a folder for a tower that sees pictures of one size.
   *
   * @param side rows and columns of that picture
   * @throws org.medpruner.InputException if it is not JSON, a value is out of range, or the picture
   *     is not the one the vision tower sees
   */
  public static PreprocessorConfig read(Path folder, int side) {
    JsonFile json = file(folder);
    JsonFile size = json.object("size");
    JsonNode given = json.get("size");
    if (given != null && !(size.has("height") && size.has("width"))) {
      throw json.bad("size", given, "a height and a width");
    }
    int height = size.integer("height", side, 1);
    int width = size.integer("width", side, 1);
    if (height != side || width != side) {
      throw json.bad(
          "size " + height + " x " + width + " is not the vision tower's " + side + " x " + side);
    }
    if (!on(json, "do_resize")) {
      throw json.bad("do_resize is off, but the vision tower sees pictures of one size");
    }
    if (json.bool("do_pan_and_scan", false)) {
      throw json.bad("do_pan_and_scan is set, but is not supported for volumes");
    }
    return ofSize(json, height, width, 2);
  }

  /**
   * What a file says about pictures of a size that is decided elsewhere.
   *
   * @param resample the filter where the file names none
   * @throws org.medpruner.InputException if a value is out of range
   */
  public static PreprocessorConfig ofSize(JsonFile json, int height, int width, int resample) {
    boolean normalise = on(json, "do_normalize");
    PreprocessorConfig c =
        new PreprocessorConfig(
            height,
            width,
            json.integer("resample", resample, 0),
            on(json, "do_rescale") ? json.positive("rescale_factor", 1 / 255.0) : 1,
            normalise ? json.numbers("image_mean", 3, 0.5) : new double[3],
            normalise ? json.numbers("image_std", 3, 0.5) : new double[] {1, 1, 1});
    for (double s : c.std) {
      if (!(s > 0)) {
        throw json.bad("image_std must be > 0");
      }
    }
    if (c.resample != 0 && c.resample != 2 && c.resample != 3) {
      throw json.bad(
          "resample = " + c.resample + ", must be 0 (nearest), 2 (bilinear) or 3 (bicubic)");
    }
    return c;
  }

  /** Whether a step is done: it is where the file does not name it; null turns it off. */
  public static boolean on(JsonFile json, String step) {
    return !json.isNull(step) && json.bool(step, true);
  }

  /** The same for pictures of another size. */
  public PreprocessorConfig withSize(int newHeight, int newWidth) {
    return new PreprocessorConfig(newHeight, newWidth, resample, rescale, mean, std);
  }

  /** Whether all channels are normalised alike, so that distances of 8-bit pixels just scale. */
  public boolean uniform() {
    return mean[0] == mean[1] && mean[1] == mean[2] && std[0] == std[1] && std[1] == std[2];
  }

  /** Normalised distance of two 8-bit pixels that differ by one; only if {@link #uniform}. */
  public double unitStep() {
    return rescale / std[0];
  }
}
