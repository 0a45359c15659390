package org.medpruner.eval.html;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Iterator;
import java.util.List;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import org.medpruner.volume.SliceImages;

/** Slices as data URIs, shrunk so that a page of any number of them stays small. */
public final class Pictures {
  /** Pictures used to foresee the size of a whole set before it is encoded. */
  private static final int PROBES = 12;

  private static final Step[] THUMBNAILS = {
    new Step(128, 0.82f),
    new Step(112, 0.8f),
    new Step(96, 0.78f),
    new Step(80, 0.75f),
    new Step(64, 0.7f),
    new Step(48, 0.65f),
    new Step(32, 0.6f)
  };

  /** Lossless first: on a small volume JPEG's ringing is as large as a lesion. */
  private static final Step[] LARGE = {
    new Step(512, 0),
    new Step(512, 0.9f),
    new Step(448, 0.88f),
    new Step(384, 0.85f),
    new Step(320, 0.82f),
    new Step(256, 0.8f),
    new Step(192, 0.75f),
    new Step(128, 0.7f)
  };

  private Pictures() {}

  /**
   * One rung of a quality ladder.
   *
   * @param side longest side in pixels
   * @param quality JPEG quality in (0, 1], 0 for PNG
   */
  private record Step(int side, float quality) {}

  /** Small pictures of the slices at {@code positions}, together at most {@code budget} chars. */
  public static List<String> thumbnails(SliceImages slices, List<Integer> positions, long budget) {
    return encode(slices, positions, THUMBNAILS, budget);
  }

  /** Large pictures of the slices at {@code positions}, together at most {@code budget} chars. */
  public static List<String> large(SliceImages slices, List<Integer> positions, long budget) {
    return encode(slices, positions, LARGE, budget);
  }

  private static List<String> encode(
      SliceImages slices, List<Integer> positions, Step[] ladder, long budget) {
    for (int k = 0; k < ladder.length; k++) {
      boolean last = k == ladder.length - 1;
      if (!last && foreseen(slices, positions, ladder[k]) > budget) {
        continue;
      }
      List<String> uris = new ArrayList<>(positions.size());
      long total = 0;
      for (int p : positions) {
        String uri = encode(slices, p, ladder[k]);
        total += uri.length();
        uris.add(uri);
      }
      if (last || total <= budget) {
        return uris;
      }
    }
    throw new AssertionError("the last rung always returns");
  }

  private static double foreseen(SliceImages slices, List<Integer> positions, Step step) {
    int probes = Math.min(PROBES, positions.size());
    long chars = 0;
    for (int k = 0; k < probes; k++) {
      int at = (int) ((long) k * positions.size() / probes);
      chars += encode(slices, positions.get(at), step).length();
    }
    return probes == 0 ? 0 : (double) chars / probes * positions.size();
  }

  private static String encode(SliceImages slices, int position, Step step) {
    byte[] rgb = slices.pixels().get(position);
    int h = slices.height();
    int w = slices.width();
    double shrink = Math.min(1, (double) step.side() / Math.max(h, w));
    int newH = Math.max(1, (int) Math.round(h * shrink));
    int newW = Math.max(1, (int) Math.round(w * shrink));
    if (newH != h || newW != w) {
      rgb = areaAverage(rgb, h, w, newH, newW);
    }
    BufferedImage image = image(rgb, newH, newW);
    return step.quality() == 0 ? png(image) : jpeg(image, step.quality());
  }

  /** Every target pixel is the mean of the source area it covers; exact, the same everywhere. */
  static byte[] areaAverage(byte[] rgb, int h, int w, int newH, int newW) {
    float[] rows = new float[newH * w * 3];
    for (int y = 0; y < newH; y++) {
      double from = (double) y * h / newH;
      double to = (double) (y + 1) * h / newH;
      for (int sy = (int) from; sy < Math.min(h, Math.ceil(to)); sy++) {
        float share = (float) ((Math.min(to, sy + 1) - Math.max(from, sy)) / (to - from));
        for (int x = 0; x < w * 3; x++) {
          rows[y * w * 3 + x] += share * (rgb[sy * w * 3 + x] & 0xFF);
        }
      }
    }
    byte[] out = new byte[newH * newW * 3];
    for (int x = 0; x < newW; x++) {
      double from = (double) x * w / newW;
      double to = (double) (x + 1) * w / newW;
      for (int y = 0; y < newH; y++) {
        for (int c = 0; c < 3; c++) {
          double sum = 0;
          for (int sx = (int) from; sx < Math.min(w, Math.ceil(to)); sx++) {
            double share = (Math.min(to, sx + 1) - Math.max(from, sx)) / (to - from);
            sum += share * rows[(y * w + sx) * 3 + c];
          }
          out[(y * newW + x) * 3 + c] = (byte) Math.min(255, Math.round(sum));
        }
      }
    }
    return out;
  }

  /** Whether no slice has any colour. */
  public static boolean grey(SliceImages slices) {
    return slices.pixels().stream().allMatch(Pictures::grey);
  }

  static boolean grey(byte[] rgb) {
    for (int i = 0; i < rgb.length; i += 3) {
      if (rgb[i] != rgb[i + 1] || rgb[i] != rgb[i + 2]) {
        return false;
      }
    }
    return true;
  }

  /** Grey pictures get one band: a third of the raw size and no chroma to lose. */
  static BufferedImage image(byte[] rgb, int h, int w) {
    boolean grey = grey(rgb);
    BufferedImage image =
        new BufferedImage(w, h, grey ? BufferedImage.TYPE_BYTE_GRAY : BufferedImage.TYPE_INT_RGB);
    int[] samples = new int[grey ? w * h : w * h * 3];
    for (int i = 0; i < samples.length; i++) {
      samples[i] = rgb[grey ? 3 * i : i] & 0xFF;
    }
    // Through the raster: setRGB would apply the grey colour space's gamma.
    image.getRaster().setPixels(0, 0, w, h, samples);
    return image;
  }

  /** The picture as a PNG data URI. */
  public static String png(BufferedImage image) {
    return write(image, "png", 0);
  }

  /** The picture as a JPEG data URI. */
  static String jpeg(BufferedImage image, float quality) {
    return write(image, "jpeg", quality);
  }

  private static String write(BufferedImage image, String format, float quality) {
    Iterator<ImageWriter> writers = ImageIO.getImageWritersByFormatName(format);
    if (!writers.hasNext()) {
      throw new IllegalStateException("this Java runtime has no " + format + " writer");
    }
    ImageWriter writer = writers.next();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    // Memory, not ImageIO's default disk cache: the report must not depend on a temporary folder.
    try (MemoryCacheImageOutputStream stream = new MemoryCacheImageOutputStream(bytes)) {
      ImageWriteParam param = writer.getDefaultWriteParam();
      if (quality > 0) {
        param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
        param.setCompressionQuality(quality);
      }
      writer.setOutput(stream);
      writer.write(null, new IIOImage(image, null, null), param);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot encode a picture in memory", e);
    } finally {
      writer.dispose();
    }
    return "data:image/"
        + format
        + ";base64,"
        + Base64.getEncoder().encodeToString(bytes.toByteArray());
  }
}
