package org.medpruner.volume;

import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;
import org.medpruner.volume.dicom.Codestream;

/**
 * Reads a folder of PNG, JPEG or BMP slices. Pixels are taken from the raster: {@code getRGB}
 * applies a gamma to 8-bit grey (128 reads as 188). Alpha is dropped and palettes looked up, as
 * Pillow's {@code convert("RGB")} does.
 */
final class PictureFolder {
  /** Those of the JDK's readers. */
  private static final Set<String> FORMATS = Set.of("png", "jpeg", "bmp");

  /** A picture larger than this is no slice; checked before it is decoded. */
  private static final long MAX_PIXELS = 1L << 27;

  /**
   * A byte of deflate expands to 1032 at most, of one bit a pixel; JPEG and BMP cannot reach that.
   */
  private static final long MAX_PIXELS_PER_BYTE = 8 * 1032;

  private static final double[][] NONE = {};

  private PictureFolder() {}

  /** One decoded slice: 1 or 3 bytes per pixel, interleaved. */
  private static final class Picture {
    final int width;
    final int height;
    final int channels;
    final byte[] bytes;

    /** Whether it had 16 bits. */
    final boolean windowed;

    Picture(int width, int height, int channels, byte[] bytes, boolean windowed) {
      this.width = width;
      this.height = height;
      this.channels = channels;
      this.bytes = bytes;
      this.windowed = windowed;
    }
  }

  static boolean looksLikePicture(byte[] start) {
    return start.length > 4
        && (((start[0] & 0xff) == 0x89 && start[1] == 'P' && start[2] == 'N')
            || ((start[0] & 0xff) == 0xff && (start[1] & 0xff) == 0xd8)
            || (start[0] == 'B' && start[1] == 'M'));
  }

  static Volume read(Path folder, ReadOptions options) {
    List<String> warnings = new ArrayList<>();
    List<Path> files = PictureListing.of(folder, warnings);
    if (options.frame() != 0) {
      throw Failures.bad(
          folder, "frame " + options.frame() + " does not exist, a folder has one; choose 0");
    }
    List<String> names = new ArrayList<>();
    List<String> hashes = new ArrayList<>();
    List<Picture> pictures = new ArrayList<>();
    long total = 0;
    try {
      for (Path file : files) {
        byte[] bytes = bytes(file);
        names.add(FileNames.of(file));
        hashes.add(Hashes.hex(bytes));
        Picture p = decode(file, bytes, options.pictureWindow(), warnings);
        if (!pictures.isEmpty()) {
          checkSize(file, p, files.get(0), pictures.get(0));
        }
        pictures.add(p);
        total += p.bytes.length;
      }
      if (options.pictureWindow() != null) {
        warnAboutShallow(pictures, warnings);
      }
      return volume(folder, names, hashes, pictures, warnings);
    } catch (OutOfMemoryError e) {
      throw Failures.bad(
          folder,
          "the pictures do not fit into the Java heap ("
              + Failures.megabytes(total)
              + " read so far, the heap is "
              + Failures.megabytes(Runtime.getRuntime().maxMemory())
              + "); raise -Xmx",
          e);
    }
  }

  /** A window is for 16 bits; 8 bits have been through one already. */
  private static void warnAboutShallow(List<Picture> pictures, List<String> warnings) {
    long shallow = pictures.stream().filter(p -> !p.windowed).count();
    if (shallow == pictures.size()) {
      warnings.add("the window was not used: 8-bit pictures are taken as they are");
    } else if (shallow > 0) {
      warnings.add(
          shallow
              + " of "
              + pictures.size()
              + " pictures have 8 bits and were taken as they are, without the window of the others");
    }
  }

  private static Volume volume(
      Path folder,
      List<String> names,
      List<String> hashes,
      List<Picture> pictures,
      List<String> warnings) {
    boolean colour = pictures.stream().anyMatch(p -> p.channels == 3);
    VoxelType type = colour ? VoxelType.RGB24 : VoxelType.UINT8;
    Picture first = pictures.get(0);
    List<byte[]> planes = new ArrayList<>();
    for (Picture p : pictures) {
      planes.add(colour && p.channels == 1 ? copyGrey(p.bytes) : p.bytes);
    }
    VoxelArray voxels =
        VoxelArray.ofPictures(type, planes, Math.multiplyExact(first.width, first.height));
    int[] shape = {first.width, first.height, pictures.size()};
    double[][] affine = new double[4][4];
    for (int r = 0; r < 3; r++) {
      Arrays.fill(affine[r], Double.NaN);
    }
    Provenance provenance =
        new Provenance(
            folder,
            Hashes.ofListing(names, hashes),
            Provenance.Kind.PICTURES,
            "pictures",
            type.label,
            List.of(shape[0], shape[1], shape[2]),
            1,
            0,
            "",
            Modality.AUTO,
            warnings);
    return new Volume(
        voxels,
        VoxelStats.of(voxels),
        shape,
        affine,
        NONE,
        Orientation.AS_PRESENTED,
        false,
        provenance);
  }

  private static byte[] copyGrey(byte[] grey) {
    byte[] rgb = new byte[grey.length * 3];
    for (int i = 0; i < grey.length; i++) {
      rgb[3 * i] = grey[i];
      rgb[3 * i + 1] = grey[i];
      rgb[3 * i + 2] = grey[i];
    }
    return rgb;
  }

  private static void checkSize(Path file, Picture p, Path firstFile, Picture first) {
    if (p.width != first.width || p.height != first.height) {
      throw Failures.bad(
          file,
          String.format(
              Locale.ROOT,
              "%d x %d pixels, but %s has %d x %d; all slices of a folder must have one size",
              p.width,
              p.height,
              FileNames.of(firstFile),
              first.width,
              first.height));
    }
  }

  private static byte[] bytes(Path file) {
    if (PictureListing.isBroken(file)) {
      throw unreadable(file, "a link to a file that is missing", null);
    }
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw Volumes.unreadable(file, e);
    }
  }

  private static Picture decode(
      Path file, byte[] bytes, @Nullable Window window, List<String> warnings) {
    List<String> said = new ArrayList<>();
    BufferedImage image;
    ImageReader reader = null;
    try (MemoryCacheImageInputStream in =
        new MemoryCacheImageInputStream(new ByteArrayInputStream(JpegMarkers.likePillow(bytes)))) {
      reader = reader(in);
      if (reader == null) {
        throw unreadable(file, "not a PNG, JPEG or BMP file", null);
      }
      reader.addIIOReadWarningListener((source, warning) -> said.add(warning));
      reader.setInput(in, true, true);
      long pixels = (long) reader.getWidth(0) * reader.getHeight(0);
      if (pixels > Math.min(MAX_PIXELS, bytes.length * MAX_PIXELS_PER_BYTE)) {
        throw unreadable(
            file,
            bytes.length
                + " bytes for "
                + reader.getWidth(0)
                + " x "
                + reader.getHeight(0)
                + " pixels",
            null);
      }
      image = reader.read(0);
    } catch (IOException | RuntimeException e) {
      if (e instanceof VolumeException v) {
        throw v;
      }
      throw unreadable(file, reason(e), e);
    } finally {
      if (reader != null) {
        reader.dispose();
      }
    }
    for (String warning : said) {
      if (Codestream.meansDamage(warning)) {
        throw unreadable(file, warning, null);
      }
      warnings.add(Failures.oneLine(FileNames.of(file) + ": " + warning));
    }
    return pixels(file, image, window, warnings);
  }

  /** The JDK's readers say nothing when a file ends too early. */
  private static String reason(Exception e) {
    if (e.getMessage() != null) {
      return e.getMessage();
    }
    return e instanceof EOFException ? "truncated" : e.getClass().getSimpleName();
  }

  /** The JDK's own: plug-ins that are there for DICOM or by chance read differently. */
  private static @Nullable ImageReader reader(MemoryCacheImageInputStream in) {
    for (Iterator<ImageReader> all = ImageIO.getImageReaders(in); all.hasNext(); ) {
      ImageReader candidate = all.next();
      if (candidate.getClass().getModule() != ImageIO.class.getModule()) {
        continue;
      }
      try {
        if (FORMATS.contains(candidate.getFormatName().toLowerCase(Locale.ROOT))) {
          return candidate;
        }
      } catch (IOException e) {
        // A reader that cannot say what it reads is not one of those.
      }
    }
    return null;
  }

  private static VolumeException unreadable(Path file, String why, @Nullable Throwable cause) {
    return Failures.bad(
        file, "cannot be read as a picture (" + why + "); replace or remove it", cause);
  }

  private static Picture pixels(
      Path file, BufferedImage image, @Nullable Window window, List<String> warnings) {
    Raster raster = image.getRaster();
    int w = raster.getWidth();
    int h = raster.getHeight();
    int bands = raster.getNumBands();
    boolean indexed = image.getColorModel() instanceof IndexColorModel;
    boolean grey = !indexed && bands <= 2;
    int bits = raster.getSampleModel().getSampleSize(0);
    boolean deep = bits > 8;
    int space = image.getColorModel().getColorSpace().getType();
    if (space != ColorSpace.TYPE_RGB && space != ColorSpace.TYPE_GRAY) {
      throw unreadable(file, "neither grey nor RGB colours", null);
    }
    if (bits < 8 && !indexed) {
      throw Failures.bad(
          file, bits + " bits per colour channel are not supported; convert the slices to 8 bits");
    }
    if (deep && !grey) {
      throw Failures.bad(
          file, "16 bits per colour channel are not supported; convert the slices to 8 bits");
    }
    if (deep && window == null) {
      throw Failures.bad(
          file,
          "16-bit grey needs a window that says which values become black and white; give one, or"
              + " convert the slices to 8 bits");
    }
    if (image.getColorModel().hasAlpha() && !hasWarning(warnings, ALPHA)) {
      warnings.add(Failures.oneLine(FileNames.of(file) + ALPHA));
    }
    int channels = grey ? 1 : 3;
    byte[] out = new byte[Math.multiplyExact(Math.multiplyExact(w, h), channels)];
    if (indexed) {
      channels = palette((IndexColorModel) image.getColorModel(), raster, out);
      if (channels == 1) {
        out = Arrays.copyOf(out, w * h);
      }
      return new Picture(w, h, channels, out, false);
    }
    byte[] table = deep && window != null ? table(window) : null;
    if (table != null && !hasWarning(warnings, WINDOWED + window)) {
      warnings.add(WINDOWED + window);
    }
    int[] row = new int[w * bands];
    for (int y = 0, at = 0; y < h; y++) {
      raster.getPixels(0, y, w, 1, row);
      for (int x = 0; x < w; x++) {
        for (int c = 0; c < channels; c++) {
          int v = row[x * bands + c];
          out[at++] = table == null ? (byte) v : table[v & 0xffff];
        }
      }
    }
    return new Picture(w, h, channels, out, table != null);
  }

  private static final String WINDOWED = "16-bit pictures were windowed to ";
  private static final String ALPHA = ": the alpha channel was ignored";

  private static boolean hasWarning(List<String> warnings, String text) {
    return warnings.stream().anyMatch(s -> s.endsWith(text));
  }

  private static byte[] table(Window window) {
    byte[] table = new byte[1 << 16];
    for (int v = 0; v < table.length; v++) {
      table[v] = window.grey(v);
    }
    return table;
  }

  /** Looks the colours up; returns 1, with grey in the first third, when every colour is grey. */
  private static int palette(IndexColorModel model, Raster raster, byte[] out) {
    int w = raster.getWidth();
    int h = raster.getHeight();
    boolean grey = true;
    for (int i = 0; i < model.getMapSize(); i++) {
      grey &= model.getRed(i) == model.getGreen(i) && model.getRed(i) == model.getBlue(i);
    }
    for (int y = 0, at = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        // Indices beyond the palette are black in Pillow; getRed would throw.
        int i = raster.getSample(x, y, 0);
        boolean known = i < model.getMapSize();
        out[at++] = known ? (byte) model.getRed(i) : 0;
        if (!grey) {
          out[at++] = known ? (byte) model.getGreen(i) : 0;
          out[at++] = known ? (byte) model.getBlue(i) : 0;
        }
      }
    }
    return grey ? 1 : 3;
  }
}
