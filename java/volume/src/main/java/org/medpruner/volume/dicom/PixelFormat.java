package org.medpruner.volume.dicom;

import org.jspecify.annotations.Nullable;

/**
 * What the stored values of an image are.
 *
 * @param rows pixels of a column
 * @param columns pixels of a row
 * @param samples 1 for grey, 3 for RGB
 * @param planar whether uncompressed RGB comes as three planes
 * @param bitsAllocated 8, 16 or 32
 * @param bitsStored bits that mean something
 * @param highBit the highest of them in an uncompressed word
 * @param signed whether they are two's complement
 * @param inverted whether the lowest value is meant to be white
 */
record PixelFormat(
    int rows,
    int columns,
    int samples,
    boolean planar,
    int bitsAllocated,
    int bitsStored,
    int highBit,
    boolean signed,
    boolean inverted) {

  /** Above any CT or MRI matrix and any detector: 8192 x 8192. */
  private static final long MAX_PIXELS = 1L << 26;

  /**
   * Checks the header.
   *
   * @throws DicomException when values are impossible or not supported
   */
  static PixelFormat of(DataSet d, boolean encapsulated) throws DicomException {
    int rows = d.u16(Tag.ROWS, 0);
    int columns = d.u16(Tag.COLUMNS, 0);
    int allocated = d.u16(Tag.BITS_ALLOCATED, 0);
    int stored = d.u16(Tag.BITS_STORED, allocated);
    int high = d.u16(Tag.HIGH_BIT, stored - 1);
    int samples = d.u16(Tag.SAMPLES_PER_PIXEL, 1);
    if (rows == 0 || columns == 0) {
      throw new DicomException("the image has no rows or no columns; export the series again");
    }
    if ((long) rows * columns > MAX_PIXELS) {
      throw new DicomException(
          columns + " x " + rows + " pixels are more than any slice has; choose another series");
    }
    String photometric = d.text(Tag.PHOTOMETRIC);
    boolean grey = photometric.equals("MONOCHROME1") || photometric.equals("MONOCHROME2");
    if (grey ? samples != 1 : !photometric.equals("RGB") || samples != 3) {
      throw new DicomException(
          "the pixels are "
              + described(photometric)
              + " with "
              + samples
              + " samples; only MONOCHROME1, MONOCHROME2 and RGB are supported: write PNG files with"
              + " dcmj2pnm --write-png (dcmtk) and give their folder");
    }
    if (allocated != 8 && allocated != 16 && (allocated != 32 || encapsulated)) {
      throw new DicomException(
          allocated + " bits per pixel are not supported; choose another series");
    }
    if (samples == 3 && allocated != 8) {
      throw new DicomException(
          allocated + " bits per colour channel are not supported; convert the series first");
    }
    if (stored < 1 || stored > allocated || high < stored - 1 || high >= allocated) {
      throw new DicomException(
          "bits stored "
              + stored
              + ", high bit "
              + high
              + " do not fit into "
              + allocated
              + " bits allocated; export the series again");
    }
    return new PixelFormat(
        rows,
        columns,
        samples,
        d.u16(Tag.PLANAR_CONFIGURATION, 0) == 1,
        allocated,
        stored,
        high,
        samples == 1 && d.u16(Tag.PIXEL_REPRESENTATION, 0) == 1,
        photometric.equals("MONOCHROME1"));
  }

  private static String described(String photometric) {
    return switch (photometric) {
      case "PALETTE COLOR",
          "YBR_FULL",
          "YBR_FULL_422",
          "YBR_PARTIAL_420",
          "YBR_ICT",
          "YBR_RCT",
          "RGB",
          "MONOCHROME1",
          "MONOCHROME2" ->
          photometric;
      case "" -> "of no stated photometric interpretation";
      default -> "of an unknown photometric interpretation";
    };
  }

  int pixels() {
    return rows * columns;
  }

  int bytesPerSample() {
    return bitsAllocated / 8;
  }

  /** Of one uncompressed frame. */
  int frameBytes() {
    return Math.multiplyExact(pixels(), samples * bytesPerSample());
  }

  /** Sign or zero extends the bits that mean something. */
  long extend(long bits) {
    int unused = 64 - bitsStored;
    return signed ? bits << unused >> unused : bits << unused >>> unused;
  }

  /** The stored value with white and black exchanged. */
  long invert(long value) {
    return signed ? -1 - value : (1L << bitsStored) - 1 - value;
  }

  /** Stored values that mean "no measurement", both ends included. */
  record Padding(long low, long high) {
    boolean covers(long value) {
      return low <= value && value <= high;
    }
  }

  /** What PixelPaddingValue and its limit say; null when unstated. */
  @Nullable Padding padding(DataSet d) throws DicomException {
    int stated = d.u16(Tag.PIXEL_PADDING, -1);
    if (stated < 0) {
      return null;
    }
    // Of 16 bits even when the pixels have fewer: sign them as the pixels are.
    long a = paddingValue(stated);
    long b = paddingValue(d.u16(Tag.PIXEL_PADDING_LIMIT, stated));
    return new Padding(Math.min(a, b), Math.max(a, b));
  }

  private long paddingValue(int bits) {
    return signed ? (short) bits : bits;
  }
}
