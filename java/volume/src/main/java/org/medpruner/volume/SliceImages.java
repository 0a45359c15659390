package org.medpruner.volume;

import java.util.List;

/**
 * Slices as 8-bit RGB pictures, the input of every model's processor.
 *
 * @param height rows of every picture
 * @param width columns of every picture
 * @param pixels one byte[height * width * 3] per slice, rows top to bottom, R G B interleaved; not
 *     copied, must not be changed
 * @param info one entry per picture
 * @param spacingMm distance between neighbouring presented slices, NaN when unknown
 * @param recipe how voxels became pixels, one line for reports ("CT windows [-1024,1024] [-135,215]
 *     [0,80]")
 */
public record SliceImages(
    int height,
    int width,
    List<byte[]> pixels,
    List<SliceInfo> info,
    double spacingMm,
    String recipe) {

  /** Checks sizes. */
  public SliceImages {
    pixels = List.copyOf(pixels);
    info = List.copyOf(info);
    if (pixels.size() != info.size()) {
      throw new IllegalArgumentException(
          "pixels has " + pixels.size() + " pictures, info " + info.size());
    }
    for (byte[] p : pixels) {
      if (p.length != Math.multiplyExact(Math.multiplyExact(height, width), 3)) {
        throw new IllegalArgumentException(
            "a picture has " + p.length + " bytes, not " + height + " x " + width + " x 3");
      }
    }
  }

  /** {@return the number of slices, which is that of the pictures and of the infos} */
  public int count() {
    return pixels.size();
  }
}
