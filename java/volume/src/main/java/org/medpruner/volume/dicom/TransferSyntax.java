package org.medpruner.volume.dicom;

import java.nio.ByteOrder;
import java.util.Map;

/**
 * How a data set and its pixels are encoded.
 *
 * @param uid as registered in PS3.6
 * @param name the registered name
 * @param explicit whether elements state their value representation
 * @param order byte order
 * @param deflated whether the data set is a raw deflate stream
 * @param pixels how frames are encoded
 */
record TransferSyntax(
    String uid,
    String name,
    boolean explicit,
    ByteOrder order,
    boolean deflated,
    PixelEncoding pixels) {

  /** Encodings of frames. */
  enum PixelEncoding {
    NATIVE,
    RLE,
    JPEG,
    JPEG_2000,
    UNSUPPORTED
  }

  private static final String JPEG = "1.2.840.10008.1.2.4.";

  static final TransferSyntax IMPLICIT_LITTLE =
      new TransferSyntax(
          "1.2.840.10008.1.2",
          "Implicit VR Little Endian",
          false,
          ByteOrder.LITTLE_ENDIAN,
          false,
          PixelEncoding.NATIVE);
  static final TransferSyntax EXPLICIT_LITTLE =
      little("1.2.840.10008.1.2.1", "Explicit VR Little Endian", PixelEncoding.NATIVE);
  static final TransferSyntax EXPLICIT_BIG =
      new TransferSyntax(
          "1.2.840.10008.1.2.2",
          "Explicit VR Big Endian",
          true,
          ByteOrder.BIG_ENDIAN,
          false,
          PixelEncoding.NATIVE);
  private static final TransferSyntax DEFLATED =
      new TransferSyntax(
          "1.2.840.10008.1.2.1.99",
          "Deflated Explicit VR Little Endian",
          true,
          ByteOrder.LITTLE_ENDIAN,
          true,
          PixelEncoding.NATIVE);

  /** Names of encodings that hospitals use and this reader does not take. */
  private static final Map<String, String> UNSUPPORTED =
      Map.ofEntries(
          Map.entry(JPEG + "80", "JPEG-LS Lossless"),
          Map.entry(JPEG + "81", "JPEG-LS Near-Lossless"),
          Map.entry(JPEG + "92", "JPEG 2000 Part 2 Multi-component Lossless"),
          Map.entry(JPEG + "93", "JPEG 2000 Part 2 Multi-component"),
          Map.entry(JPEG + "94", "JPIP Referenced"),
          Map.entry(JPEG + "95", "JPIP Referenced Deflate"),
          Map.entry(JPEG + "100", "MPEG-2 Main Profile"),
          Map.entry(JPEG + "101", "MPEG-2 High Profile"),
          Map.entry(JPEG + "102", "MPEG-4 AVC/H.264"),
          Map.entry(JPEG + "103", "MPEG-4 AVC/H.264 BD-compatible"),
          Map.entry(JPEG + "107", "HEVC/H.265 Main Profile"),
          Map.entry(JPEG + "110", "JPEG XL Lossless"),
          Map.entry(JPEG + "112", "JPEG XL"),
          Map.entry(JPEG + "201", "High-Throughput JPEG 2000 Lossless"),
          Map.entry(JPEG + "202", "High-Throughput JPEG 2000 with RPCL Lossless"),
          Map.entry(JPEG + "203", "High-Throughput JPEG 2000"),
          Map.entry("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression"));

  private static TransferSyntax little(String uid, String name, PixelEncoding pixels) {
    return new TransferSyntax(uid, name, true, ByteOrder.LITTLE_ENDIAN, false, pixels);
  }

  /** Any UID has a syntax; what is unknown is read as far as the pixels, as PS3.5 lets it. */
  static TransferSyntax of(String uid) {
    return switch (uid) {
      case "1.2.840.10008.1.2" -> IMPLICIT_LITTLE;
      case "1.2.840.10008.1.2.1" -> EXPLICIT_LITTLE;
      case "1.2.840.10008.1.2.2" -> EXPLICIT_BIG;
      case "1.2.840.10008.1.2.1.99" -> DEFLATED;
      case "1.2.840.10008.1.2.5" -> little(uid, "RLE Lossless", PixelEncoding.RLE);
      case JPEG + "50" -> little(uid, "JPEG Baseline (Process 1)", PixelEncoding.JPEG);
      case JPEG + "51" -> little(uid, "JPEG Extended (Process 2 & 4)", PixelEncoding.JPEG);
      case JPEG + "57" -> little(uid, "JPEG Lossless (Process 14)", PixelEncoding.JPEG);
      case JPEG + "70" ->
          little(uid, "JPEG Lossless (Process 14, Selection Value 1)", PixelEncoding.JPEG);
      case JPEG + "90" -> little(uid, "JPEG 2000 Lossless", PixelEncoding.JPEG_2000);
      case JPEG + "91" -> little(uid, "JPEG 2000", PixelEncoding.JPEG_2000);
      default ->
          little(
              uid,
              UNSUPPORTED.getOrDefault(uid, "an unknown transfer syntax"),
              PixelEncoding.UNSUPPORTED);
    };
  }

  /** Whether another server has the pixels (JPIP), so that a file without any lacks none. */
  boolean referenced() {
    return uid.equals(JPEG + "94") || uid.equals(JPEG + "95");
  }

  /** Name and UID; only digits and dots of a UID are repeated. */
  String text() {
    return name + " (" + (uid.matches("[0-9.]{1,64}") ? uid : "UID not valid") + ")";
  }

  /** Says what to convert it with. */
  DicomException unsupported() {
    boolean jpegLs = uid.equals(JPEG + "80") || uid.equals(JPEG + "81");
    return new DicomException(
        "the pixels are encoded as "
            + text()
            + ", which is not supported; convert the files first with "
            + (jpegLs ? "dcmdjpls (dcmtk) or gdcmconv --raw" : "gdcmconv --raw (GDCM)"));
  }
}
