package org.medpruner.volume.dicom;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.Inflater;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/**
 * One open file, its header read and its pixels next. Files of Part 10 (128 bytes and "DICM") and
 * bare data sets, whose encoding is told by their first element.
 */
final class DicomFile implements AutoCloseable {
  /** Deflate cannot expand further (258 bytes from 2 bits); a bound on what a file can hold. */
  private static final long MAX_DEFLATE_RATIO = 1032;

  /**
   * Bytes of memory that a header may take, and as many more for each byte of the file: deflated
   * items of functional groups take a thousandth of what they do in memory.
   */
  private static final long KEPT_BYTES = 1 << 20;

  private static final long KEPT_PER_BYTE = 32;

  /** Bytes that {@link #looksLikeDicom} wants to see. */
  static final int SNIFF_BYTES = 132;

  private final InputStream file;
  private final @Nullable Inflater inflater;
  private final DicomStream raw;
  private final DicomStream in;
  private final TransferSyntax syntax;
  private final DataSet meta;
  private final DataSet dataSet;
  private final DataSetParser.@Nullable PixelElement pixels;

  private DicomFile(
      InputStream file,
      @Nullable Inflater inflater,
      DicomStream raw,
      DicomStream in,
      TransferSyntax syntax,
      DataSet meta,
      DataSet dataSet,
      DataSetParser.@Nullable PixelElement pixels) {
    this.file = file;
    this.inflater = inflater;
    this.raw = raw;
    this.in = in;
    this.syntax = syntax;
    this.meta = meta;
    this.dataSet = dataSet;
    this.pixels = pixels;
  }

  /**
   * Whether a file that starts so is DICOM.
   *
   * @param start its first {@link #SNIFF_BYTES} bytes, fewer when it is shorter
   */
  static boolean looksLikeDicom(byte[] start) {
    return isPart10(start) || startsWithMeta(start) || bareSyntax(start) != null;
  }

  static boolean isPart10(byte[] start) {
    return start.length >= SNIFF_BYTES
        && new String(start, 128, 4, StandardCharsets.ISO_8859_1).equals("DICM");
  }

  private static boolean startsWithMeta(byte[] start) {
    return start.length >= 8
        && DicomStream.u16(start, 0, ByteOrder.LITTLE_ENDIAN) == 2
        && DicomStream.u16(start, 2, ByteOrder.LITTLE_ENDIAN) <= 0x0102
        && DataSetParser.isVr(new String(start, 4, 2, StandardCharsets.ISO_8859_1));
  }

  /** The encoding of a data set whose first element is of group 8; null for anything else. */
  private static @Nullable TransferSyntax bareSyntax(byte[] start) {
    if (start.length < 8) {
      return null;
    }
    boolean vr = DataSetParser.isVr(new String(start, 4, 2, StandardCharsets.ISO_8859_1));
    if (isIdentifying(start, ByteOrder.BIG_ENDIAN) && vr) {
      return TransferSyntax.EXPLICIT_BIG;
    }
    if (!isIdentifying(start, ByteOrder.LITTLE_ENDIAN)) {
      return null;
    }
    if (vr) {
      return TransferSyntax.EXPLICIT_LITTLE;
    }
    // The first elements (group length, character set, image type, UIDs) are all short.
    boolean shortValue =
        DicomStream.u16(start, 6, ByteOrder.LITTLE_ENDIAN) == 0
            && DicomStream.u16(start, 4, ByteOrder.LITTLE_ENDIAN) <= 1024;
    return shortValue ? TransferSyntax.IMPLICIT_LITTLE : null;
  }

  /**
   * Whether elements state their value representation. Some writers name one of the two encodings
   * and write the other; the first element tells which.
   */
  private static boolean explicit(TransferSyntax stated, byte[] start) {
    TransferSyntax seen = bareSyntax(start);
    return seen == null || !seen.order().equals(stated.order())
        ? stated.explicit()
        : seen.explicit();
  }

  private static boolean isIdentifying(byte[] start, ByteOrder order) {
    return DicomStream.u16(start, 0, order) == 8 && DicomStream.u16(start, 2, order) <= 0x0018;
  }

  /**
   * Reads the header.
   *
   * @param digest sees every byte that is read; null for none
   * @throws DicomException when it is no DICOM file, or truncated or corrupt before its pixels
   */
  static DicomFile open(Path path, @Nullable MessageDigest digest) throws DicomException {
    InputStream file = null;
    Inflater inflater = null;
    try {
      long size = Files.size(path);
      file = Files.newInputStream(path);
      DicomStream raw =
          new DicomStream(digest == null ? file : new DigestInputStream(file, digest), size);
      byte[] start = raw.peek(SNIFF_BYTES);
      if (!looksLikeDicom(start)) {
        throw new DicomException("not a DICOM file; give a DICOM file or the folder of a series");
      }
      if (isPart10(start)) {
        raw.skip(SNIFF_BYTES);
      }
      long keepable = KEPT_BYTES + KEPT_PER_BYTE * size;
      DataSet meta = new DataSetParser(raw, true, ByteOrder.LITTLE_ENDIAN, keepable).fileMeta();
      String uid = meta.text(Tag.TRANSFER_SYNTAX_UID);
      TransferSyntax syntax = uid.isEmpty() ? bareSyntax(raw.peek(8)) : TransferSyntax.of(uid);
      if (syntax == null) {
        throw new DicomException(
            "the header states no transfer syntax and the data does not start like DICOM; export"
                + " the series again");
      }
      DicomStream in = raw;
      if (syntax.deflated()) {
        inflater = new Inflater(true);
        in =
            new DicomStream(
                new InflaterInputStream(raw.rest(), inflater, 1 << 13),
                raw.remaining() * MAX_DEFLATE_RATIO);
      }
      DataSetParser parser =
          new DataSetParser(in, explicit(syntax, in.peek(8)), syntax.order(), keepable);
      DataSet dataSet = parser.dataSet();
      DicomFile opened =
          new DicomFile(file, inflater, raw, in, syntax, meta, dataSet, parser.pixels());
      file = null;
      inflater = null;
      return opened;
    } catch (IOException e) {
      throw DicomStream.unreadable(e);
    } finally {
      release(file, inflater);
    }
  }

  DicomStream stream() {
    return in;
  }

  TransferSyntax syntax() {
    return syntax;
  }

  DataSet dataSet() {
    return dataSet;
  }

  /** The head of the pixels, null for an object without any. */
  DataSetParser.@Nullable PixelElement pixels() {
    return pixels;
  }

  /** What kind of object this is; "" when unstated. */
  String sopClass() {
    String stated = dataSet.text(Tag.SOP_CLASS_UID);
    return stated.isEmpty() ? meta.text(Tag.MEDIA_STORAGE_SOP_CLASS_UID) : stated;
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Reads the file itself to its end, so that a digest sees all of it. */
  void drain() throws DicomException {
    raw.drain();
  }

  @Override
  public void close() {
    release(file, inflater);
  }

  private static void release(@Nullable InputStream file, @Nullable Inflater inflater) {
    if (inflater != null) {
      inflater.end();
    }
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        // Everything wanted was read; a read-only file has nothing left to lose.
      }
    }
  }
}
