package org.medpruner.volume.dicom;

import java.nio.ByteOrder;

/** RLE Lossless (PS3.5 annex G): one PackBits segment per byte of a pixel, the highest first. */
final class Rle {
  private static final int HEADER = 64;

  /** Two bytes stand for 128 at most. */
  private static final long MAX_RATIO = 64;

  private Rle() {}

  /** Little-endian samples, colours interleaved. */
  static byte[] decode(byte[] frame, PixelFormat format) throws DicomException {
    int width = format.bytesPerSample();
    int segments = format.samples() * width;
    if (frame.length < HEADER || format.frameBytes() > MAX_RATIO * frame.length) {
      throw damaged();
    }
    if (u32(frame, 0) != segments) {
      throw damaged();
    }
    byte[] out = new byte[format.frameBytes()];
    for (int s = 0; s < segments; s++) {
      long from = u32(frame, 4 + 4 * s);
      long to = s + 1 < segments ? u32(frame, 8 + 4 * s) : frame.length;
      if (from < HEADER || from > to || to > frame.length) {
        throw damaged();
      }
      int first = s / width * width + width - 1 - s % width;
      unpack(frame, (int) from, (int) to, out, first, segments);
    }
    return out;
  }

  private static long u32(byte[] b, int at) {
    return DicomStream.u16(b, at, ByteOrder.LITTLE_ENDIAN)
        | (long) DicomStream.u16(b, at + 2, ByteOrder.LITTLE_ENDIAN) << 16;
  }

  /** Fills every {@code step}-th byte of {@code out}; what is left of the segment is padding. */
  private static void unpack(byte[] in, int from, int to, byte[] out, int first, int step)
      throws DicomException {
    int at = from;
    int o = first;
    while (o < out.length) {
      if (at >= to) {
        throw damaged();
      }
      int n = in[at++];
      if (n >= 0) {
        if (at + n + 1 > to) {
          throw damaged();
        }
        for (int i = 0; i <= n && o < out.length; i++, o += step) {
          out[o] = in[at + i];
        }
        at += n + 1;
      } else if (n != -128) {
        if (at >= to) {
          throw damaged();
        }
        for (int i = 0; i <= -n && o < out.length; i++, o += step) {
          out[o] = in[at];
        }
        at++;
      }
    }
  }

  private static DicomException damaged() {
    return new DicomException(
        "the RLE compressed pixels are truncated or corrupt; copy the file again");
  }
}
