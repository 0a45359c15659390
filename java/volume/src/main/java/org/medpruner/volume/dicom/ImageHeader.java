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

  /** Whether the header states a padding that is none. */
  final boolean paddingMalformed;

  final List<FrameInfo> frames;

  /** Whether the header says how many frames there are; without it is one. */
  final boolean framesStated;

  /** "CT", "MR", ...; "" when unstated or not a known one. */
  final String modality;

  final boolean localizer;

  /** Whether stored values are Hounsfield units after scaling, as far as the header says. */
  final boolean hounsfield;

  /** Unit of scaled values as stated, "" when it is not. */
  final String unit;

  final String seriesUid;
  final String instanceUid;
  final @Nullable Integer seriesNumber;
  final boolean instanceStated;

  final Repetition repetition;

  /** Distance to the next slice as far as the header says; NaN when it does not. */
  final double sliceDistance;

  private ImageHeader(TransferSyntax syntax, DataSet d, PixelFormat format, List<FrameInfo> frames)
      throws DicomException {
    this.syntax = syntax;
    this.format = format;
    PixelFormat.Padding known = null;
    boolean malformed = false;
    try {
      known = format.padding(d);
    } catch (DicomException e) {
      malformed = true;
    }
    this.padding = known;
    this.paddingMalformed = malformed;
    this.frames = frames;
    this.framesStated = !d.text(Tag.NUMBER_OF_FRAMES).isEmpty();
    String stated = d.text(Tag.MODALITY);
    this.modality = NAMED.contains(stated) ? stated : "";
    List<String> type = d.texts(Tag.IMAGE_TYPE);
    this.localizer = type.stream().anyMatch(t -> t.equals("LOCALIZER") || t.equals("SCOUT"));
    // Of the first frame where frames have their own.
    DataSet ownGroups = d.first(Tag.PER_FRAME_GROUPS);
    DataSet sharedGroups = d.first(Tag.SHARED_GROUPS);
    DataSet values =
        format.samples() == 3 ? null : group(Tag.PIXEL_VALUES, ownGroups, sharedGroups, d);
    this.unit = values == null ? "" : values.text(Tag.RESCALE_TYPE);
    // Every CT image states its rescaling. Secondary captures and what lost it on the way do not:
    // their values may be anything.
    boolean rescaled = values != null && !values.text(Tag.RESCALE_INTERCEPT).isEmpty();
    this.hounsfield = modality.equals("CT") && (unit.equals("HU") || unit.isEmpty() && rescaled);
    this.seriesUid = d.text(Tag.SERIES_INSTANCE_UID);
    this.instanceUid = d.text(Tag.SOP_INSTANCE_UID);
    this.seriesNumber = d.integer(Tag.SERIES_NUMBER);
    this.instanceStated = d.integer(Tag.INSTANCE_NUMBER) != null;
    this.repetition = Repetition.of(d);
    DataSet measures = group(Tag.PIXEL_MEASURES, ownGroups, sharedGroups, null);
    double inGroups = measures == null ? Double.NaN : sliceDistance(measures);
    this.sliceDistance = Double.isNaN(inGroups) ? sliceDistance(d) : inGroups;
  }

  private static double sliceDistance(DataSet d) {
    double apart = d.decimalIfAny(Tag.SPACING_BETWEEN_SLICES);
    double distance = apart > 0 ? apart : d.decimalIfAny(Tag.SLICE_THICKNESS);
    return distance > 0 ? distance : Double.NaN;
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

  private static int frameCount(DataSet d) throws DicomException {
    // Some writers write "4.0".
    double n = d.decimal(Tag.NUMBER_OF_FRAMES, 1);
    if (n != Math.rint(n)) {
      throw DataSet.malformed(Tag.NUMBER_OF_FRAMES);
    }
    if (n < 1 || n > DataSetParser.MAX_ITEMS) {
      throw new DicomException((long) n + " frames are impossible; export the series again");
    }
    return (int) n;
  }

  private static List<FrameInfo> frames(DataSet d, PixelFormat format) throws DicomException {
    int n = frameCount(d);
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
      frames.add(new FrameInfo(i, plane, slope, intercept, frameOrder(own, shared)));
    }
    return frames;
  }

  /** See {@link FrameInfo#frameOrder}. */
  private static double[] frameOrder(@Nullable DataSet own, @Nullable DataSet shared) {
    DataSet content = group(Tag.FRAME_CONTENT, own, shared, null);
    DataSet echo = group(Tag.MR_ECHO, own, shared, null);
    long[] time = content == null ? new long[0] : content.u32s(Tag.TEMPORAL_INDEX);
    long[] indices = content == null ? new long[0] : content.u32s(Tag.DIMENSION_INDICES);
    double[] all = new double[2 + indices.length];
    all[0] = time.length == 0 ? 0 : time[0];
    all[1] = echo == null ? 0 : echo.f64(Tag.EFFECTIVE_ECHO_TIME, 0);
    for (int i = 0; i < indices.length; i++) {
      all[2 + i] = indices[i];
    }
    return all;
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
   * What copies of a file share. Its own UID is not among it: there are anonymised studies of which
   * every slice has the same, and a picture that is sent again, or anonymised twice, may have
   * another.
   */
  String identity() {
    Plane plane = frames.get(0).plane;
    return seriesUid + " " + repetition + (plane == null ? "" : Arrays.toString(plane.origin));
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
