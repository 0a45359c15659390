package org.medpruner.volume;

import java.util.List;
import java.util.Locale;
import java.util.function.DoubleFunction;

/**
 * How voxels become 8-bit RGB. Preset {@code google} is {@link #forModality}; preset {@code
 * reference}, which reads ready-made pictures, is {@link #readyMade}. NaN and infinite voxels
 * become black. Immutable; {@link #toString} is the one line for reports.
 */
public final class Recipe {
  private enum Kind {
    WINDOWS,
    MIN_MAX,
    READY_MADE
  }

  /** MedGemma 1.5's CT windows in HU, the R, G and B channel. */
  private static final List<Window> GOOGLE_CT =
      List.of(new Window(-1024, 1024), new Window(-135, 215), new Window(0, 80));

  private final Kind kind;
  private final List<Window> windows;
  private final String text;

  private Recipe(Kind kind, List<Window> windows, String text) {
    this.kind = kind;
    this.windows = windows;
    this.text = text;
  }

  /**
   * CT as MedGemma 1.5 takes it: R [-1024, 1024], G [-135, 215], B [0, 80] HU, in float32, rounded
   * half to even.
   *
   * @return a recipe for volumes of one channel in Hounsfield units; it refuses ready-made pictures
   */
  public static Recipe ctWindows() {
    return new Recipe(
        Kind.WINDOWS,
        GOOGLE_CT,
        "CT windows " + GOOGLE_CT.get(0) + " " + GOOGLE_CT.get(1) + " " + GOOGLE_CT.get(2));
  }

  /**
   * One window, grey copied to R, G and B; the same arithmetic as {@link #ctWindows}.
   *
   * @param window in the volume's values, HU for CT
   * @return a recipe for volumes of one channel
   */
  public static Recipe window(Window window) {
    return new Recipe(Kind.WINDOWS, List.of(window), "window " + window);
  }

  /**
   * Minimum and maximum over the whole acquisition become 0 and 255, in float64, rounded half to
   * even; a constant volume becomes 255 everywhere. Grey copied to R, G and B.
   *
   * @return a recipe for volumes of one channel
   */
  public static Recipe minMax() {
    return new Recipe(Kind.MIN_MAX, List.of(), "MRI min-max over the volume");
  }

  /**
   * Ready-made 8-bit pictures, grey copied to R, G and B.
   *
   * @return a recipe for folders of pictures, and for uint8 and RGB files without a scaling; it
   *     refuses others
   */
  public static Recipe readyMade() {
    return new Recipe(Kind.READY_MADE, List.of(), "ready-made 8-bit pictures");
  }

  /**
   * The recipe for a modality: {@link #ctWindows} for CT, {@link #minMax} for MRI. {@link
   * Modality#AUTO} takes a folder or an RGB file as {@link #readyMade}, believes what a file states
   * ({@link Provenance#modality}) and asks {@link Modality#detect} otherwise; the text then says
   * what was detected and why.
   *
   * @param modality what the voxels are, or {@link Modality#AUTO} to find out
   * @param volume looked at for {@link Modality#AUTO} alone
   * @return the recipe; whether it suits the volume shows when pictures are made
   */
  public static Recipe forModality(Modality modality, Volume volume) {
    return switch (modality) {
      case CT -> ctWindows();
      case MRI -> minMax();
      case AUTO -> {
        if (isPictures(volume)) {
          yield readyMade();
        }
        Modality stated = volume.provenance().modality();
        if (stated != Modality.AUTO) {
          Recipe r = forModality(stated, volume);
          yield new Recipe(r.kind, r.windows, r.text + " (" + stated + ", the header says)");
        }
        Recipe r = Modality.detect(volume) == Modality.CT ? ctWindows() : minMax();
        double air = 100 * Modality.airShare(volume.stats());
        yield new Recipe(
            r.kind,
            r.windows,
            String.format(
                Locale.ROOT,
                "%s (detected %s: values %s to %s, %.1f %% at or below -500)",
                r.text,
                r.kind == Kind.WINDOWS ? "CT" : "MRI",
                Window.plain(volume.min()),
                Window.plain(volume.max()),
                air));
      }
    };
  }

  private static boolean isPictures(Volume volume) {
    return volume.channels() == 3 || volume.provenance().kind() == Provenance.Kind.PICTURES;
  }

  /** Binds to a volume, checking that it suits. */
  Painter painter(Volume volume) {
    VoxelArray voxels = volume.voxels();
    if (kind == Kind.READY_MADE) {
      if (voxels.scaled()
          || !(voxels.type() == VoxelType.UINT8 || voxels.type() == VoxelType.RGB24)) {
        throw Failures.bad(
            volume.provenance().path(),
            "holds "
                + (voxels.scaled() ? "scaled " : "")
                + voxels.type().label
                + ", not ready-made 8-bit pictures; choose the modality ct or mri, or a window");
      }
      int last = volume.channels() - 1;
      return (i, out, at) -> {
        out[at] = (byte) (int) voxels.value(i, 0);
        out[at + 1] = (byte) (int) voxels.value(i, Math.min(1, last));
        out[at + 2] = (byte) (int) voxels.value(i, last);
      };
    }
    if (volume.channels() != 1) {
      throw Failures.bad(
          volume.provenance().path(),
          "holds colour pictures, which have no values to window; choose the modality auto");
    }
    if (windows.size() == 3 && isPictures(volume)) {
      throw Failures.bad(
          volume.provenance().path(),
          "holds 8-bit pictures, not Hounsfield units; choose the modality auto, which takes"
              + " pictures as they are");
    }
    DoubleFunction<byte[]> colour =
        kind == Kind.MIN_MAX ? minMaxColour(volume) : Recipe.this::windowColour;
    int different = 1 << (8 * Math.min(2, voxels.type().bytes));
    if (!voxels.isNarrow() || voxels.length() < different) {
      return (i, out, at) -> {
        double v = voxels.value(i, 0);
        if (Double.isFinite(v)) {
          System.arraycopy(colour.apply(v), 0, out, at, 3);
        }
      };
    }
    // Fewer different values than voxels: one table entry each instead of three roundings a voxel.
    byte[] table = new byte[3 * different];
    for (int bits = 0; bits < different; bits++) {
      double v = voxels.valueOfBits(bits);
      if (Double.isFinite(v)) {
        System.arraycopy(colour.apply(v), 0, table, 3 * bits, 3);
      }
    }
    return (i, out, at) -> System.arraycopy(table, 3 * voxels.bits(i), out, at, 3);
  }

  private byte[] windowColour(double v) {
    int last = windows.size() - 1;
    return new byte[] {
      windows.get(0).grey(v), windows.get(Math.min(1, last)).grey(v), windows.get(last).grey(v)
    };
  }

  private static DoubleFunction<byte[]> minMaxColour(Volume volume) {
    double min = volume.min();
    double range = volume.max() - min;
    return v -> {
      // A table also holds values that the volume does not: any byte will do there.
      byte g = range == 0 ? (byte) 255 : (byte) (int) Math.rint((v - min) / range * 255.0);
      return new byte[] {g, g, g};
    };
  }

  @Override
  public String toString() {
    return text;
  }
}
