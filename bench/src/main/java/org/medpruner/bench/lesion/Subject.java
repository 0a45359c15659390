package org.medpruner.bench.lesion;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.medpruner.volume.Axis;
import org.medpruner.volume.PillowResize;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;
import org.medpruner.volume.SliceStack;
import org.medpruner.volume.Volumes;

/** A volume as MedGemma is shown it: axial slices, 8-bit, resized to 896 x 896. */
final class Subject {
  static final int SIDE = 896;
  static final int PATCH = 14;

  /** Least grey value at a lesion's centre: what is darker is air. */
  private static final int TISSUE = 40;

  /** Slices of a CT or MRI scanner are as thick as they are apart on the original grid. */
  private final double thicknessMm;

  private final String name;
  private final int height;
  private final int width;
  private final int channels;
  private final double dx;
  private final double dy;
  private final double spacingMm;
  private final double[] z;
  private final List<byte[]> pictures = new ArrayList<>();
  private final List<byte[]> resized = new ArrayList<>();

  private Subject(Path path, SliceStack stack, SliceImages images) {
    double[] spacing = stack.volume().spacingMm();
    name = String.valueOf(path.getFileName());
    height = images.height();
    width = images.width();
    dx = spacing[0];
    dy = spacing[1];
    thicknessMm = spacing[2];
    spacingMm = images.spacingMm();
    z = images.info().stream().mapToDouble(SliceInfo::positionMm).toArray();
    channels = images.pixels().stream().allMatch(Subject::grey) ? 1 : 3;
    for (byte[] rgb : images.pixels()) {
      byte[] picture = channels == 3 ? rgb : firstChannel(rgb);
      pictures.add(picture);
      resized.add(resize(picture));
    }
  }

  /**
   * Reads and shows a volume.
   *
   * @param most slices that are sampled of it
   */
  static Subject read(Path path, Recipe recipe, int most) {
    SliceStack stack = Volumes.read(path).slices(Axis.AXIAL, false).sample(most);
    return new Subject(path, stack, stack.images(recipe));
  }

  private static boolean grey(byte[] rgb) {
    for (int i = 0; i < rgb.length; i += 3) {
      if (rgb[i] != rgb[i + 1] || rgb[i] != rgb[i + 2]) {
        return false;
      }
    }
    return true;
  }

  private static byte[] firstChannel(byte[] rgb) {
    byte[] grey = new byte[rgb.length / 3];
    for (int i = 0; i < grey.length; i++) {
      grey[i] = rgb[3 * i];
    }
    return grey;
  }

  private byte[] resize(byte[] picture) {
    return PillowResize.resize(
        picture, height, width, channels, SIDE, SIDE, PillowResize.Filter.BILINEAR);
  }

  String name() {
    return name;
  }

  int channels() {
    return channels;
  }

  int count() {
    return pictures.size();
  }

  double spacingMm() {
    return spacingMm;
  }

  /** What the model is shown. */
  List<byte[]> resized() {
    return resized;
  }

  String description() {
    return String.format(
        "%s: %d slices of %d x %d, %.2f x %.2f mm, %.2f mm apart",
        name, count(), height, width, dx, dy, spacingMm);
  }

  /**
   * A lesion at a random place inside the body, brighter where there is room for it, else darker.
   *
   * @param contrast of 255
   */
  Lesion place(Random random, double diameterMm, double contrast) {
    while (true) {
      int slice = random.nextInt(count());
      int row = random.nextInt(height);
      int column = random.nextInt(width);
      int grey = value(slice, row, column);
      double margin = diameterMm / 2;
      boolean inside =
          grey >= TISSUE
              && tissue(slice, row, column - margin / dx)
              && tissue(slice, row, column + margin / dx)
              && tissue(slice, row - margin / dy, column)
              && tissue(slice, row + margin / dy, column);
      if (inside) {
        double shift = grey + contrast <= 255 ? contrast : -contrast;
        return new Lesion((column + 0.5) * dx, (row + 0.5) * dy, z[slice], diameterMm, shift);
      }
    }
  }

  private int value(int slice, int row, int column) {
    return pictures.get(slice)[(row * width + column) * channels] & 0xff;
  }

  private boolean tissue(int slice, double row, double column) {
    int r = (int) Math.round(row);
    int c = (int) Math.round(column);
    return r >= 0 && r < height && c >= 0 && c < width && value(slice, r, c) >= TISSUE / 2;
  }

  /** Whether a slice's plane goes through the lesion. */
  boolean shows(int slice, Lesion lesion) {
    return lesion.cuts(z[slice]);
  }

  /** The slice nearest to the lesion's centre. */
  int centre(Lesion lesion) {
    int nearest = 0;
    for (int i = 1; i < count(); i++) {
      nearest = Math.abs(z[i] - lesion.z()) < Math.abs(z[nearest] - lesion.z()) ? i : nearest;
    }
    return nearest;
  }

  /** A slice with the lesion as the model is shown it; null where it does not touch the slice. */
  byte @Nullable [] with(Lesion lesion, int slice) {
    byte[] picture = pictures.get(slice).clone();
    boolean touched = false;
    for (int row = 0; row < height; row++) {
      for (int column = 0; column < width; column++) {
        double share =
            lesion.share((column + 0.5) * dx, (row + 0.5) * dy, z[slice], dx, dy, thicknessMm);
        if (share > 0) {
          touched = true;
          for (int c = 0; c < channels; c++) {
            int at = (row * width + column) * channels + c;
            double shifted = (picture[at] & 0xff) + share * lesion.shift();
            picture[at] = (byte) Math.round(Math.clamp(shifted, 0, 255));
          }
        }
      }
    }
    return touched ? resize(picture) : null;
  }
}
