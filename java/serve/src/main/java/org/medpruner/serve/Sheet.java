package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import org.medpruner.volume.SliceImages;

/**
 * All slices of a volume as one small picture, row by row, for a viewer.
 *
 * @param columns slices beside each other
 * @param width of one, in pixels
 * @param height of one
 * @param jpeg the picture; not copied
 */
@SuppressWarnings("ArrayRecordComponent")
record Sheet(int columns, int width, int height, byte[] jpeg) {
  private static final int SIDE = 160;

  /** Shrinks the slices; none becomes larger. */
  static Sheet of(SliceImages slices) {
    double scale = Math.min(1, (double) SIDE / Math.max(slices.width(), slices.height()));
    int width = Math.max(1, (int) Math.round(slices.width() * scale));
    int height = Math.max(1, (int) Math.round(slices.height() * scale));
    int columns = (int) Math.ceil(Math.sqrt(slices.count()));
    int rows = (slices.count() + columns - 1) / columns;
    BufferedImage sheet =
        new BufferedImage(columns * width, rows * height, BufferedImage.TYPE_INT_RGB);
    Graphics2D g = sheet.createGraphics();
    try {
      g.setRenderingHint(
          RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
      for (int i = 0; i < slices.count(); i++) {
        BufferedImage slice = picture(slices, i);
        g.drawImage(slice, i % columns * width, i / columns * height, width, height, null);
      }
    } finally {
      g.dispose();
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      ImageIO.write(sheet, "jpeg", out);
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written", e);
    }
    return new Sheet(columns, width, height, out.toByteArray());
  }

  private static BufferedImage picture(SliceImages slices, int index) {
    byte[] rgb = slices.pixels().get(index);
    int[] packed = new int[slices.width() * slices.height()];
    for (int i = 0; i < packed.length; i++) {
      packed[i] = (rgb[3 * i] & 0xff) << 16 | (rgb[3 * i + 1] & 0xff) << 8 | rgb[3 * i + 2] & 0xff;
    }
    BufferedImage image =
        new BufferedImage(slices.width(), slices.height(), BufferedImage.TYPE_INT_RGB);
    image.setRGB(0, 0, slices.width(), slices.height(), packed, 0, slices.width());
    return image;
  }

  /** For a viewer, the picture as data URL. */
  ObjectNode json() {
    return Json.object()
        .put("columns", columns)
        .put("width", width)
        .put("height", height)
        .put("image", "data:image/jpeg;base64," + Base64.getEncoder().encodeToString(jpeg));
  }
}
