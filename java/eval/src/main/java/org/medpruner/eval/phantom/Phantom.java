package org.medpruner.eval.phantom;

import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * A generated CT-like volume: body, lungs, liver, spleen, kidneys, heart, aorta, spine, and lesions
 * whose truth is known. Slices are thick and organs smooth, so that neighbours are nearly alike;
 * noise (2.5 to 3.5 HU) changes a whole-slice mean by less than 0.02 in the units of gamma.
 *
 * <p>It is no model of real anatomy: it lets the whole path from file to answer be measured with
 * known truth. Immutable but for {@link #hu()}, which is not copied.
 */
public final class Phantom {
  /** Rows and columns of a slice. */
  public static final int SIZE = 112;

  /** Slices. */
  public static final int SLICES = 24;

  /** Size of a pixel, mm. */
  public static final double PIXEL_MM = 3.2;

  /** Distance of slices, mm. */
  public static final double SLICE_MM = 15;

  private static final int PLANE = SIZE * SIZE;

  /** A lesion of fewer voxels is drawn again: it would be hard to see in any rendering. */
  private static final int MIN_VOXELS = 12;

  private final short[] hu;
  private final List<Lesion> lesions;

  private Phantom(short[] hu, List<Lesion> lesions) {
    this.hu = hu;
    this.lesions = List.copyOf(lesions);
  }

  /**
   * The phantom of a seed, with one lesion in each of the organs. The same arguments give the same
   * voxels on every machine.
   *
   * @param organs organs with a lesion; repetitions count once
   */
  public static Phantom generate(long seed, Collection<Organ> organs) {
    Set<Organ> distinct = EnumSet.noneOf(Organ.class);
    distinct.addAll(organs);
    PhantomRandom r = new PhantomRandom(seed);
    Anatomy anatomy = new Anatomy(r);
    double[] volume = new double[SLICES * PLANE];
    byte[] label = new byte[SLICES * PLANE];
    double[] slice = new double[PLANE];
    byte[] sliceLabel = new byte[PLANE];
    for (int s = 0; s < SLICES; s++) {
      anatomy.paint(s, slice, sliceLabel);
      System.arraycopy(slice, 0, volume, s * PLANE, PLANE);
      System.arraycopy(sliceLabel, 0, label, s * PLANE, PLANE);
    }
    List<Lesion> lesions = new ArrayList<>();
    for (Organ organ : distinct) {
      lesions.add(addLesion(r, anatomy, organ, volume, label));
    }
    double noise = r.uniform(2.5, 3.5);
    short[] hu = new short[volume.length];
    for (int i = 0; i < hu.length; i++) {
      double v = Math.rint(volume[i] + noise * r.bell());
      hu[i] = (short) Math.clamp(v, -1024, 3071);
    }
    return new Phantom(hu, lesions);
  }

  private static Lesion addLesion(
      PhantomRandom r, Anatomy anatomy, Organ organ, double[] volume, byte[] label) {
    int drawn = r.below(10);
    Lesion.Kind kind =
        drawn == 0 ? Lesion.Kind.SMALL : drawn == 1 ? Lesion.Kind.FAINT : Lesion.Kind.TYPICAL;
    Ellipsoid home = anatomy.shape(organ);
    // The largest that leave room for a place of their own; 54 mm but in the spleen.
    double largest = Math.min(27, 0.55 * Math.min(home.rx(), home.ry()));
    double radius =
        kind == Lesion.Kind.SMALL
            ? r.uniform(7, 11)
            : r.uniform(Math.min(15, 0.75 * largest), largest);
    double height = r.uniform(1, 1.6);
    double contrast = organ.isLung() ? r.uniform(860, 960) : -r.uniform(100, 150);
    if (kind == Lesion.Kind.FAINT) {
      contrast *= r.uniform(0.28, 0.4);
    }
    for (int attempt = 1; ; attempt++) {
      Ellipsoid e =
          new Ellipsoid(
              home.x() + home.rx() * r.uniform(-0.75, 0.75),
              home.y() + home.ry() * r.uniform(-0.75, 0.75),
              home.z() + home.rz() * r.uniform(-0.75, 0.75),
              radius,
              radius,
              radius * height);
      List<Integer> voxels = voxelsInside(e, label, organ);
      if (voxels.size() >= MIN_VOXELS) {
        for (int v : voxels) {
          volume[v] += contrast;
        }
        return new Lesion(
            organ,
            kind,
            List.of(e.x(), e.y(), e.z()),
            List.of(e.rx(), e.ry(), e.rz()),
            contrast,
            voxels.stream().map(v -> v / PLANE).distinct().toList(),
            voxels.size());
      }
      if (attempt % 200 == 0 && radius > 9) {
        radius *= 0.9; // an organ smaller than most
      }
    }
  }

  /** Voxels of a shape, ascending; none if one of them lies outside the organ or the volume. */
  private static List<Integer> voxelsInside(Ellipsoid e, byte[] label, Organ organ) {
    if (Math.abs(e.z()) + e.rz() > SLICES * SLICE_MM / 2) {
      return List.of();
    }
    List<Integer> voxels = new ArrayList<>();
    for (int s = 0; s < SLICES; s++) {
      if (Math.abs(sliceMm(s) - e.z()) >= e.rz()) {
        continue;
      }
      for (int row = 0; row < SIZE; row++) {
        if (Math.abs(pixelMm(row) - e.y()) >= e.ry()) {
          continue;
        }
        for (int column = 0; column < SIZE; column++) {
          if (e.contains(pixelMm(column), pixelMm(row), sliceMm(s))) {
            int v = (s * SIZE + row) * SIZE + column;
            if (label[v] != organ.ordinal()) {
              return List.of();
            }
            voxels.add(v);
          }
        }
      }
    }
    return voxels;
  }

  /** Centre of a row or column, mm from the volume's centre. */
  static double pixelMm(int index) {
    return (index - (SIZE - 1) / 2.0) * PIXEL_MM;
  }

  /** Centre of a slice, mm from the volume's centre. */
  static double sliceMm(int index) {
    return (index - (SLICES - 1) / 2.0) * SLICE_MM;
  }

  /**
   * HU of {@code [SLICES, SIZE, SIZE]} voxels: slices from superior to inferior, rows from anterior
   * to posterior, columns from the patient's right to left. Not copied.
   */
  public short[] hu() {
    return hu;
  }

  /** The lesions, in the order of {@link Organ}. */
  public List<Lesion> lesions() {
    return lesions;
  }
}
