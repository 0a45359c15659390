package org.medpruner.volume.dicom;

import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/** The frames of an open file one after another, as little-endian samples. */
final class StoredFrames {
  private final DicomStream in;
  private final TransferSyntax syntax;
  private final PixelFormat format;
  private final boolean swapped;
  private final @Nullable Fragments fragments;

  /** Frames of the header that are not yet read. */
  private int left;

  /** Whether uncompressed pixels are of more frames than those. */
  private final boolean excess;

  /** The pixel of the next frame that was in the last word of this one; -1 when there is none. */
  private int carried = -1;

  StoredFrames(DicomFile file, ImageHeader header, DataSetParser.PixelElement pixels)
      throws DicomException {
    this.in = file.stream();
    this.syntax = header.syntax;
    this.format = header.format;
    this.swapped =
        syntax.order() == ByteOrder.BIG_ENDIAN && (pixels.words() || format.bitsAllocated() > 8);
    int frames = header.frames.size();
    this.left = frames;
    if (syntax.pixels() == TransferSyntax.PixelEncoding.UNSUPPORTED) {
      throw syntax.unsupported();
    }
    boolean encapsulated = pixels.length() < 0;
    if (encapsulated == (syntax.pixels() == TransferSyntax.PixelEncoding.NATIVE)) {
      throw new DicomException(
          "the pixels are not encoded as the header's transfer syntax, "
              + syntax.text()
              + ", says; export the series again");
    }
    this.fragments =
        encapsulated
            ? new Fragments(in, syntax.pixels() == TransferSyntax.PixelEncoding.RLE)
            : null;
    long wanted = (long) format.frameBytes() * frames;
    boolean whole = pixels.length() >= wanted && pixels.length() <= in.remaining();
    // One byte more makes the length even.
    this.excess = pixels.length() - wanted >= Math.max(2, format.frameBytes());
    if (!encapsulated && !whole) {
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

  /** Whether values sit in the low bits of their words whatever the header's high bit says. */
  boolean justified() {
    return syntax.pixels() == TransferSyntax.PixelEncoding.JPEG
        || syntax.pixels() == TransferSyntax.PixelEncoding.JPEG_2000;
  }

  /** Whether colours come as three planes. */
  boolean planar() {
    return fragments == null && format.planar();
  }

  /** Whether there are more frames than the header states, as far as is known by now. */
  boolean more() throws DicomException {
    return fragments == null ? excess : left == 0 && fragments.more();
  }

  /** Passes over the next frame. */
  void skip() throws DicomException {
    left--;
    if (fragments != null) {
      fragments.next();
    } else if (inWords()) {
      bytesOfWords();
    } else {
      in.skip(format.frameBytes());
    }
  }

  /** The next frame. */
  byte[] next() throws DicomException {
    left--;
    return switch (syntax.pixels()) {
      case RLE -> Rle.decode(compressed(), format);
      case JPEG -> ImageIoDecoder.JPEG.decode(compressed(), format);
      case JPEG_2000 -> ImageIoDecoder.JPEG_2000.decode(compressed(), format);
      default -> uncompressed();
    };
  }

  private byte[] compressed() throws DicomException {
    if (fragments == null) {
      throw new IllegalStateException("a compressed syntax without fragments");
    }
    return fragments.next();
  }

  private byte[] uncompressed() throws DicomException {
    if (inWords()) {
      return bytesOfWords();
    }
    byte[] bytes = in.bytes(format.frameBytes());
    if (swapped) {
      swap(bytes, format.bytesPerSample());
    }
    return bytes;
  }

  /** Whether pixels of 8 bits come in big-endian words of two. */
  private boolean inWords() {
    return swapped && format.bytesPerSample() == 1;
  }

  /** The next frame of pixels in words; one of odd size ends in the middle of a word. */
  private byte[] bytesOfWords() throws DicomException {
    byte[] frame = new byte[format.frameBytes()];
    int at = 0;
    if (carried >= 0) {
      frame[at++] = (byte) carried;
      carried = -1;
    }
    int rest = frame.length - at;
    byte[] words = in.bytes(rest + rest % 2);
    swap(words, 2);
    System.arraycopy(words, 0, frame, at, rest);
    if (words.length > rest) {
      carried = words[rest] & 0xff;
    }
    return frame;
  }

  private static void swap(byte[] bytes, int item) {
    for (int i = 0; i + item <= bytes.length; i += item) {
      for (int a = i, b = i + item - 1; a < b; a++, b--) {
        byte t = bytes[a];
        bytes[a] = bytes[b];
        bytes[b] = t;
      }
    }
  }
}
