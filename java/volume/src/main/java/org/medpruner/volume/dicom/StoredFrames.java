package org.medpruner.volume.dicom;

import java.nio.ByteOrder;

/**
 * The frames of an open file one after another, as they are stored: uncompressed bytes in the
 * file's own byte order made little-endian, or the fragments of a compressed frame put together.
 */
final class StoredFrames {
  private final DicomStream in;
  private final TransferSyntax syntax;
  private final PixelFormat format;
  private final int frames;
  private final boolean swapped;
  private final boolean encapsulated;

  StoredFrames(DicomFile file, ImageHeader header, DataSetParser.PixelElement pixels)
      throws DicomException {
    this.in = file.stream();
    this.syntax = header.syntax;
    this.format = header.format;
    this.frames = header.frames.size();
    this.encapsulated = pixels.length() < 0;
    this.swapped =
        syntax.order() == ByteOrder.BIG_ENDIAN && (pixels.words() || format.bitsAllocated() > 8);
    if (syntax.pixels() != TransferSyntax.PixelEncoding.NATIVE) {
      throw syntax.unsupported();
    }
    boolean compressed = syntax.pixels() != TransferSyntax.PixelEncoding.NATIVE;
    if (compressed != encapsulated) {
      throw new DicomException(
          "the pixels are not encoded as the header's transfer syntax, "
              + syntax.text()
              + ", says; export the series again");
    }
    if (!encapsulated) {
      long wanted = (long) format.frameBytes() * frames;
      if (pixels.length() < wanted || wanted > in.remaining()) {
        throw new DicomException(
            "truncated: the header states "
                + frames
                + " x "
                + format.columns()
                + " x "
                + format.rows()
                + " pixels of "
                + format.bitsAllocated() * format.samples()
                + " bits, which is more than the file holds; copy the file again");
      }
    }
  }

  /** Whether values sit in the low bits of their words whatever the header's high bit says. */
  boolean justified() {
    return false;
  }

  /** Passes over the next frame. */
  void skip() throws DicomException {
    in.skip(format.frameBytes());
  }

  /** The next frame. */
  byte[] next() throws DicomException {
    byte[] bytes = in.bytes(format.frameBytes());
    if (swapped) {
      int item = Math.max(2, format.bytesPerSample());
      for (int i = 0; i + item <= bytes.length; i += item) {
        for (int a = i, b = i + item - 1; a < b; a++, b--) {
          byte t = bytes[a];
          bytes[a] = bytes[b];
          bytes[b] = t;
        }
      }
    }
    return bytes;
  }
}
