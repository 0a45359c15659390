package org.medpruner.eval.html;

import java.util.List;
import org.medpruner.volume.SliceImages;

/**
 * All slices of a volume in one picture, row by row.
 *
 * @param uri a data URI
 * @param columns cells in a row
 * @param rows of cells
 * @param cell side of a cell in pixels
 */
public record SliceSheet(String uri, int columns, int rows, int cell) {
  private static final float QUALITY = 0.82f;

  /**
   * Draws the slices, each shrunk to fit a cell and centred in it.
   *
   * @param cell side of a cell in pixels
   */
  public static SliceSheet of(SliceImages slices, int columns, int cell) {
    int count = slices.count();
    int rows = (count + columns - 1) / columns;
    int width = columns * cell;
    byte[] sheet = new byte[rows * cell * width * 3];
    int h = slices.height();
    int w = slices.width();
    double shrink = (double) cell / Math.max(h, w);
    int newH = Math.clamp(Math.round(h * shrink), 1, cell);
    int newW = Math.clamp(Math.round(w * shrink), 1, cell);
    List<byte[]> pixels = slices.pixels();
    for (int i = 0; i < count; i++) {
      byte[] small = Pictures.areaAverage(pixels.get(i), h, w, newH, newW);
      int top = i / columns * cell + (cell - newH) / 2;
      int left = i % columns * cell + (cell - newW) / 2;
      for (int y = 0; y < newH; y++) {
        System.arraycopy(small, y * newW * 3, sheet, ((top + y) * width + left) * 3, newW * 3);
      }
    }
    return new SliceSheet(
        Pictures.jpeg(Pictures.image(sheet, rows * cell, width), QUALITY), columns, rows, cell);
  }
}
