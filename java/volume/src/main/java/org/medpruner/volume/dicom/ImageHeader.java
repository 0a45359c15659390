package org.medpruner.volume.dicom;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The header of one image object: what its pixels are, where its frames lie, what it belongs to.
 */
final class ImageHeader {
  /** SOP class of a DICOMDIR. */
  private static final String DIRECTORY = "1.2.840.10008.1.3.10";

  /** What storage classes begin with; vendors' own objects do not, and may describe no picture. */
  private static final String STORAGE = "1.2.840.10008.5.1.4.1.1.";

  /** Classes of nothing but pictures, by the end of {@link #STORAGE}: CR, CT, MR, PET, SC, ... */
  private static final Set<String> PICTURES =
      Set.of(
          "1", "1.1", "2", "2.1", "2.2", "3.1", "4", "4.1", "4.3", "4.4", "6.1", "7", "7.1", "7.2",
          "7.3", "7.4", "12.1", "12.2", "20", "128", "128.1", "130");

  /** Modalities of objects that have pixels and are no pictures of a patient. */
  private static final Set<String> DERIVED = Set.of("SEG", "RTDOSE", "REG", "PR", "KO", "SR");

  /** Modalities that may be named; any other text of the element stays unsaid. */
  private static final Set<String> NAMED =
      Set.of(
          "CR", "CT", "DX", "ES", "IO", "MG", "MR", "NM", "OCT", "OP", "OT", "PT", "PX", "RF",
          "RTIMAGE", "SC", "SM", "US", "XA", "XC");

  final TransferSyntax syntax;
  final PixelFormat format;
  final PixelFormat.@Nullable Padding padding;
  final List<FrameInfo> frames;

  /** "CT", "MR", ...; "" when unstated or not a known one. */
  final String modality;

  final boolean localizer;

  /** Whether stored values are Hounsfield units after scaling, as far as the header says. */
  final boolean hounsfield;

  final String seriesUid;
  final String instanceUid;
  final @Nullable Integer seriesNumber;

  /** Echo, temporal position, acquisition and instance number: tells repeated planes apart. */
  final int[] repetition;

  /** Distance to the next slice as far as the header says; NaN when it does not. */
  final double sliceDistance;

  private ImageHeader(TransferSyntax syntax, DataSet d, PixelFormat format, List<FrameInfo> frames)
      throws DicomException {
    this.syntax = syntax;
    this.format = format;
    this.padding = format.padding(d);
    this.frames = frames;
    String stated = d.text(Tag.MODALITY);
    this.modality = NAMED.contains(stated) ? stated : "";
    List<String> type = d.texts(Tag.IMAGE_TYPE);
    this.localizer = type.stream().anyMatch(t -> t.equals("LOCALIZER") || t.equals("SCOUT"));
    String unit = rescaleType(d);
    this.hounsfield = modality.equals("CT") && (unit.isEmpty() || unit.equals("HU"));
    this.seriesUid = d.text(Tag.SERIES_INSTANCE_UID);
    this.instanceUid = d.text(Tag.SOP_INSTANCE_UID);
    this.seriesNumber = d.integer(Tag.SERIES_NUMBER);
    this.repetition =
        new int[] {
          orZero(d.integer(Tag.ECHO_NUMBERS)),
          orZero(d.integer(Tag.TEMPORAL_POSITION)),
          orZero(d.integer(Tag.ACQUISITION_NUMBER)),
          orZero(d.integer(Tag.INSTANCE_NUMBER))
        };
    double apart = d.decimal(Tag.SPACING_BETWEEN_SLICES, Double.NaN);
    double distance = apart > 0 ? apart : d.decimal(Tag.SLICE_THICKNESS, Double.NaN);
    this.sliceDistance = distance > 0 ? distance : Double.NaN;
  }

  private static int orZero(@Nullable Integer i) {
    return i == null ? 0 : i;
  }

  /**
   * Reads the header of an open file.
   *
   * @return null for an object without pixels of a patient: a directory, a report, a segmentation
   * @throws DicomException when the image cannot be used, or ends before its pixels
   */
  static @Nullable ImageHeader of(DicomFile file) throws DicomException {
    DataSet d = file.dataSet();
    DataSetParser.PixelElement pixels = file.pixels();
    if (file.sopClass().equals(DIRECTORY) || DERIVED.contains(d.text(Tag.MODALITY))) {
      return null;
    }
    if (pixels == null) {
      if (lacksPixels(file)) {
        throw DicomStream.truncated();
      }
      return null;
    }
    if (pixels.tag() != Tag.PIXEL_DATA) {
      throw new DicomException("floating point pixels are not supported; choose another series");
    }
    PixelFormat format = PixelFormat.of(d, pixels.length() < 0);
    if (d.hasSequence(Tag.MODALITY_LUT)) {
      throw new DicomException(
          "a modality look-up table maps the stored values, which is not supported; convert the"
              + " series to NIfTI first");
    }
    List<String> type = d.texts(Tag.IMAGE_TYPE);
    if (type.contains("MOSAIC")) {
      throw new DicomException(
          "each picture is a mosaic of all slices side by side (Siemens); convert the series to"
              + " NIfTI with dcm2niix");
    }
    return new ImageHeader(file.syntax(), d, format, frames(d, format));
  }

  /** Whether pixels should follow: a file may be cut between two elements. */
  private static boolean lacksPixels(DicomFile file) {
    DataSet d = file.dataSet();
    String sopClass = file.sopClass();
    if (file.syntax().referenced()) {
      return false;
    }
    if (sopClass.startsWith(STORAGE) && PICTURES.contains(sopClass.substring(STORAGE.length()))) {
      return true;
    }
    return (sopClass.isEmpty() || sopClass.startsWith(STORAGE))
        && d.has(Tag.ROWS)
        && d.has(Tag.COLUMNS)
        && d.has(Tag.BITS_ALLOCATED);
  }

  private static List<FrameInfo> frames(DataSet d, PixelFormat format) throws DicomException {
    Integer stated = d.integer(Tag.NUMBER_OF_FRAMES);
    int n = stated == null ? 1 : stated;
    if (n < 1 || n > DataSetParser.MAX_ITEMS) {
      throw new DicomException(n + " frames are impossible; export the series again");
    }
    DataSet shared = d.first(Tag.SHARED_GROUPS);
    List<DataSet> perFrame = d.items(Tag.PER_FRAME_GROUPS);
    if (!perFrame.isEmpty() && perFrame.size() != n) {
      throw new DicomException(
          n
              + " frames are stated and "
              + perFrame.size()
              + " are described; export the series again");
    }
    boolean groups = shared != null || !perFrame.isEmpty();
    List<FrameInfo> frames = new ArrayList<>();
    for (int i = 0; i < n; i++) {
      DataSet own = perFrame.isEmpty() ? null : perFrame.get(i);
      DataSet position = group(Tag.PLANE_POSITION, own, shared, groups ? null : d);
      DataSet orientation = group(Tag.PLANE_ORIENTATION, own, shared, d);
      DataSet measures = group(Tag.PIXEL_MEASURES, own, shared, d);
      // Colours are not measured in any unit.
      DataSet values = format.samples() == 3 ? null : group(Tag.PIXEL_VALUES, own, shared, d);
      // One position cannot be that of many frames.
      boolean placed = n == 1 || !perFrame.isEmpty();
      Plane plane = placed ? plane(position, orientation, measures) : null;
      double slope = values == null ? 1 : values.decimal(Tag.RESCALE_SLOPE, 1);
      double intercept = values == null ? 0 : values.decimal(Tag.RESCALE_INTERCEPT, 0);
      if (slope == 0) {
        throw DataSet.malformed(Tag.RESCALE_SLOPE);
      }
      frames.add(new FrameInfo(i, plane, slope, intercept));
    }
    return frames;
  }

  /**
   * The unit of scaled values, "" when unstated: of the first frame where frames have their own.
   */
  private static String rescaleType(DataSet d) {
    DataSet values =
        group(Tag.PIXEL_VALUES, d.first(Tag.PER_FRAME_GROUPS), d.first(Tag.SHARED_GROUPS), d);
    return values == null ? "" : values.text(Tag.RESCALE_TYPE);
  }

  private static @Nullable Plane plane(
      @Nullable DataSet position, @Nullable DataSet orientation, @Nullable DataSet measures)
      throws DicomException {
    if (position == null || orientation == null || measures == null) {
      return null;
    }
    return Plane.of(
        position.decimals(Tag.IMAGE_POSITION, 3),
        orientation.decimals(Tag.IMAGE_ORIENTATION, 6),
        measures.decimals(Tag.PIXEL_SPACING, 2));
  }

  /** Where a group's elements are: the frame's own item, the shared one, else the top level. */
  private static @Nullable DataSet group(
      int tag, @Nullable DataSet own, @Nullable DataSet shared, @Nullable DataSet top) {
    DataSet found = own == null ? null : own.first(tag);
    if (found == null && shared != null) {
      found = shared.first(tag);
    }
    return found == null ? top : found;
  }

  /**
   * What copies of a file share. The UID alone will not do: there are anonymised series of which
   * every slice has the same.
   */
  String identity() {
    Plane plane = frames.get(0).plane;
    return instanceUid
        + Arrays.toString(repetition)
        + (plane == null ? "" : Arrays.toString(plane.origin));
  }

  /** Both ends of the padding as they are stored once white and black changed places or not. */
  long @Nullable [] padding(boolean inverted) {
    if (padding == null) {
      return null;
    }
    return inverted
        ? new long[] {format.invert(padding.high()), format.invert(padding.low())}
        : new long[] {padding.low(), padding.high()};
  }

  /**
   * Whether pixels of both may become one array. Sign and width may differ: programs that rewrite a
   * series choose them by what a slice holds. Not where white and black change places, which they
   * do about the middle of what can be stored.
   */
  boolean isLike(ImageHeader other) {
    PixelFormat a = format;
    PixelFormat b = other.format;
    return a.rows() == b.rows()
        && a.columns() == b.columns()
        && a.samples() == b.samples()
        && a.inverted() == b.inverted()
        && (!a.inverted() || a.bitsStored() == b.bitsStored() && a.signed() == b.signed())
        && modality.equals(other.modality);
  }
}
