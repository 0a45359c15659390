package org.medpruner.volume.dicom;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The slices of a series in the order of their positions along the slice normal, and the grid they
 * form. Immutable.
 */
final class SliceStacking {
  /** Positions closer than this are the same plane; headers round to 0.1 mm at worst. */
  private static final double SAME_PLANE_MM = 1e-3;

  /** Repetitions of a plane may lie so far apart, as a share of the distance of planes ... */
  private static final double REPEATED_SHARE = 0.05;

  /** ... and in all; scanners move the table, or round, between echoes. */
  private static final double REPEATED_MM = 0.1;

  /** How far a slice may lie from an even grid, as a share of the distance. */
  private static final double EVEN_SHARE = 0.05;

  /** Rounding two positions to 0.1 mm moves a slice so far, fine stacks apart. */
  private static final double ROUNDING_MM = 0.1;

  private static final double MAX_ROUNDING_SHARE = 0.25;

  /** Of a real head scan, positions rounded to 0.1 mm alone look like 0.4 degrees. */
  private static final double MIN_TILT_DEGREES = 1;

  /** Slices from low to high. */
  final List<Slice> slices;

  /** How many pictures every plane has, and which of them these are. */
  final int frames;

  final int frame;

  /** Voxel (column, row, slice) to LPS mm, rows of four; null when positions are unknown. */
  final double @Nullable [][] affine;

  /**
   * How far, in LPS mm, each slice lies from where {@link #affine} puts it; empty when it never
   * does by more than rounding.
   */
  final double[][] deviations;

  private SliceStacking(
      List<Slice> slices,
      int frames,
      int frame,
      double @Nullable [][] affine,
      double[][] deviations) {
    this.slices = slices;
    this.frames = frames;
    this.frame = frame;
    this.affine = affine;
    this.deviations = deviations;
  }

  /**
   * Orders a series and says what is unusual about it.
   *
   * @param frame which picture of planes that have several
   * @throws DicomException when there is no such frame, or no order
   */
  static SliceStacking of(List<Slice> series, int frame, List<String> warnings)
      throws DicomException {
    return series.get(0).plane() == null
        ? unplaced(series, frame, warnings)
        : placed(series, frame, warnings);
  }

  /** In the order of instance numbers when every file has its own, and of the frames in a file. */
  private static SliceStacking unplaced(List<Slice> series, int frame, List<String> warnings)
      throws DicomException {
    checkFrame(frame, 1);
    boolean oneFile = series.stream().allMatch(s -> s.file() == series.get(0).file());
    List<Slice> sorted = new ArrayList<>(series);
    if (!oneFile) {
      sorted.sort(
          Comparator.comparingInt(SliceStacking::instance)
              .thenComparingInt(Slice::file)
              .thenComparingInt(s -> s.info().frame));
      for (int i = 1; i < sorted.size(); i++) {
        Slice a = sorted.get(i - 1);
        Slice b = sorted.get(i);
        if (a.file() != b.file() && instance(a) == instance(b)) {
          throw new DicomException(
              "the slices have neither positions nor different instance numbers, so their order"
                  + " is unknown; export the series again");
        }
      }
    }
    if (sorted.size() > 1) {
      warnings.add(
          "the DICOM header gives the slices no position: they are in the order of "
              + (oneFile ? "the frames" : "their instance numbers")
              + ", and spacing and orientation are unknown");
    } else {
      warnings.add("the DICOM header gives no position: spacing and orientation are unknown");
    }
    return new SliceStacking(sorted, 1, 0, null, new double[0][]);
  }

  private static int instance(Slice s) {
    return s.header().repetition.instance();
  }

  private static SliceStacking placed(List<Slice> series, int frame, List<String> warnings)
      throws DicomException {
    double[] normal = planeOf(series.get(0)).normal;
    List<List<Slice>> planes = planes(series, normal, warnings);
    checkToldApart(planes, warnings);
    int most = planes.stream().mapToInt(List::size).max().orElse(1);
    int fewest = planes.stream().mapToInt(List::size).min().orElse(1);
    int frames = most == fewest ? most : 1;
    checkFrame(frame, frames);
    if (most > fewest) {
      warnings.add(
          "duplicate positions: "
              + planes.stream().filter(p -> p.size() > 1).count()
              + " of "
              + planes.size()
              + " slice positions hold more than one picture; the first of each was taken");
    }
    List<Slice> slices = planes.stream().map(p -> p.get(frame)).toList();
    return grid(slices, frames, frame, normal, warnings);
  }

  /**
   * Pictures of one position are put in order by what the headers say, and no name or number of a
   * file stands in for that: it would mix the times of a series.
   */
  private static void checkToldApart(List<List<Slice>> planes, List<String> warnings)
      throws DicomException {
    boolean alike = false;
    for (List<Slice> p : planes) {
      for (int i = 1; i < p.size(); i++) {
        if (Slice.compareStated(p.get(i - 1), p.get(i)) == 0) {
          if (p.get(i - 1).file() != p.get(i).file()) {
            throw new DicomException(
                "files hold different pictures of one position (times, echoes, reconstructions, or"
                    + " copies of one picture that were encoded differently), and the headers do"
                    + " not tell which belong together; give a folder with one of each position,"
                    + " or export the series again");
          }
          alike = true;
        }
      }
    }
    if (alike) {
      warnings.add(
          "the header does not tell the pictures of one slice position apart: they were taken in"
              + " the order of the file");
    }
  }

  private static void checkFrame(int frame, int frames) throws DicomException {
    if (frame < 0 || frame >= frames) {
      throw new DicomException(
          "frame "
              + frame
              + " does not exist, the series has "
              + frames
              + "; choose "
              + (frames == 1 ? "0" : "0 to " + (frames - 1)));
    }
  }

  /** Every position once, low to high, its pictures in the order of their repetition. */
  private static List<List<Slice>> planes(
      List<Slice> series, double[] normal, List<String> warnings) {
    List<Slice> sorted = new ArrayList<>(series);
    sorted.sort(Comparator.comparingDouble(s -> height(s, normal)));
    List<List<Slice>> planes = within(SAME_PLANE_MM, sorted, normal);
    int repetitions = (int) sorted.stream().map(SliceStacking::repetition).distinct().count();
    double apart = repeatedApart(sorted, normal, repetitions);
    if (apart > SAME_PLANE_MM) {
      List<List<Slice>> joined = within(apart, sorted, normal);
      if (joined.size() < planes.size() && repeat(joined, repetitions)) {
        planes = joined;
        warnings.add(
            String.format(
                Locale.ROOT,
                "repetitions of a slice lie up to %.2g mm apart and were taken as one position",
                joined.stream().mapToDouble(p -> extent(p, normal)).max().orElse(0)));
      }
    }
    planes.forEach(p -> p.sort(Slice::compareRepetition));
    return planes;
  }

  /** Slices that are no further than this from the first of their plane. */
  private static List<List<Slice>> within(double mm, List<Slice> sorted, double[] normal) {
    List<List<Slice>> planes = new ArrayList<>();
    double first = Double.NEGATIVE_INFINITY;
    for (Slice s : sorted) {
      double h = height(s, normal);
      if (h - first > mm) {
        planes.add(new ArrayList<>());
        first = h;
      }
      planes.get(planes.size() - 1).add(s);
    }
    return planes;
  }

  private static Repetition repetition(Slice s) {
    return s.header().repetition.withoutInstance();
  }

  /** How far repetitions may lie apart by the distance of their planes; 0 when none is known. */
  private static double repeatedApart(List<Slice> sorted, double[] normal, int repetitions) {
    int between = sorted.size() / repetitions - 1;
    if (repetitions < 2 || between < 1) {
      return 0;
    }
    double[] gaps = new double[sorted.size() - 1];
    Arrays.setAll(gaps, i -> height(sorted.get(i + 1), normal) - height(sorted.get(i), normal));
    Arrays.sort(gaps);
    // The largest are those between planes, where each repetition has all of them.
    double usual = gaps[gaps.length - 1 - (between - 1) / 2];
    return Math.min(REPEATED_MM, REPEATED_SHARE * usual);
  }

  /**
   * Whether planes are repetitions: no plane has one twice, most have all. An acquisition number
   * that counts slices makes nothing of thin slices one plane.
   */
  private static boolean repeat(List<List<Slice>> planes, int repetitions) {
    int whole = 0;
    for (List<Slice> p : planes) {
      long different = p.stream().map(SliceStacking::repetition).distinct().count();
      if (different < p.size()) {
        return false;
      }
      whole += p.size() == repetitions ? 1 : 0;
    }
    return 2 * whole > planes.size();
  }

  private static double extent(List<Slice> plane, double[] normal) {
    return height(plane.get(plane.size() - 1), normal) - height(plane.get(0), normal);
  }

  private static Plane planeOf(Slice s) {
    Plane p = s.plane();
    if (p == null) {
      throw new IllegalStateException("slices with and without a position in one series");
    }
    return p;
  }

  private static double height(Slice s, double[] normal) {
    return Vec.dot(planeOf(s).origin, normal);
  }

  private static SliceStacking grid(
      List<Slice> slices, int frames, int frame, double[] normal, List<String> warnings) {
    int n = slices.size();
    Plane first = planeOf(slices.get(0));
    if (!first.spacingStated) {
      warnings.add("the DICOM header gives no pixel spacing; 1 mm was assumed");
    }
    double[] step;
    if (n == 1) {
      double stated = slices.get(0).header().sliceDistance;
      if (Double.isNaN(stated)) {
        warnings.add("the DICOM header gives the one slice no thickness; 1 mm was assumed");
      }
      step = Vec.add(new double[3], Double.isNaN(stated) ? 1 : stated, normal);
    } else {
      double[] span = Vec.add(planeOf(slices.get(n - 1)).origin, -1, first.origin);
      step = Vec.add(new double[3], 1.0 / (n - 1), span);
    }
    double[][] deviations = new double[n][];
    for (int i = 0; i < n; i++) {
      deviations[i] = Vec.add(Vec.add(planeOf(slices.get(i)).origin, -1, first.origin), -i, step);
    }
    warnAboutGaps(slices, normal, step, deviations, warnings);
    warnAboutShift(first, normal, step, deviations, warnings);
    double[][] affine = new double[3][4];
    for (int r = 0; r < 3; r++) {
      affine[r][0] = first.alongRow[r] * first.columnSpacing;
      affine[r][1] = first.alongColumn[r] * first.rowSpacing;
      affine[r][2] = step[r];
      affine[r][3] = first.origin[r];
    }
    return new SliceStacking(slices, frames, frame, affine, deviations);
  }

  private static double tolerance(double distance) {
    return Math.max(EVEN_SHARE * distance, Math.min(ROUNDING_MM, MAX_ROUNDING_SHARE * distance));
  }

  private static void warnAboutGaps(
      List<Slice> slices,
      double[] normal,
      double[] step,
      double[][] deviations,
      List<String> warnings) {
    int n = slices.size() - 1;
    double off = 0;
    for (double[] d : deviations) {
      off = Math.max(off, Math.abs(Vec.dot(d, normal)));
    }
    if (n < 2 || off <= tolerance(Math.abs(Vec.dot(step, normal)))) {
      return;
    }
    double[] gaps = new double[n];
    Arrays.setAll(gaps, i -> height(slices.get(i + 1), normal) - height(slices.get(i), normal));
    double[] sorted = gaps.clone();
    Arrays.sort(sorted);
    double usual = sorted[(n - 1) / 2];
    long missing = 0;
    int holes = 0;
    boolean uneven = false;
    for (double gap : gaps) {
      double multiple = Math.rint(gap / usual);
      if (Math.abs(gap - usual) <= tolerance(usual)) {
        continue;
      }
      if (multiple >= 2 && Math.abs(gap - multiple * usual) <= multiple * tolerance(usual)) {
        missing += (long) multiple - 1;
        holes++;
      } else {
        uneven = true;
      }
    }
    uneven |= holes == 0;
    if (missing > 0) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "missing slices: %d seem to be missing in %d %s, where the distance is a multiple of"
                  + " the usual %.3g mm",
              missing,
              holes,
              holes == 1 ? "place" : "places",
              usual));
    }
    if (uneven) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "uneven spacing: slices lie %.3g to %.3g mm apart; the stated spacing is the mean",
              sorted[0],
              sorted[n - 1]));
    }
  }

  private static void warnAboutShift(
      Plane first, double[] normal, double[] step, double[][] deviations, List<String> warnings) {
    double cos = Math.min(1, Math.abs(Vec.dot(step, normal)) / Vec.norm(step));
    double tilt = Math.toDegrees(Math.acos(cos));
    if (tilt > MIN_TILT_DEGREES) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "gantry tilt: each slice is shifted in its plane against the one before, the stack"
                  + " leans by %.1f degrees; it was not straightened",
              tilt));
    }
    double worst = 0;
    for (double[] d : deviations) {
      double[] inPlane = Vec.add(d, -Vec.dot(d, normal), normal);
      worst = Math.max(worst, Vec.norm(inPlane));
    }
    if (worst > Math.max(first.columnSpacing, first.rowSpacing)) {
      warnings.add(
          String.format(
              Locale.ROOT,
              "shifted slices: some lie up to %.3g mm beside the others in their planes; they were"
                  + " not moved",
              worst));
    }
  }
}
