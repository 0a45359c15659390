package org.medpruner.volume.dicom;

import org.jspecify.annotations.Nullable;

/**
 * Turns a frame into little-endian stored values: the bits that mean something, sign or zero
 * extended to 8, 16 or 32, white and black exchanged where the header says so. Colour becomes R G B
 * per pixel. Also tells the range of what is no padding in each frame.
 */
final class StoredValues {
  private final PixelFormat format;
  private final PixelFormat.@Nullable Padding padding;

  /** Whether the values already sit in the low bits, as decoders leave them. */
  private final boolean justified;

  private final boolean planar;
  private final boolean inverted;
  private long min = Long.MAX_VALUE;
  private long max = Long.MIN_VALUE;
  private boolean padded;

  /**
   * For the frames of one file.
   *
   * @param inverted whether white and black change places
   */
  StoredValues(ImageHeader header, StoredFrames frames, boolean inverted) {
    this.format = header.format;
    this.padding = header.padding;
    this.justified = frames.justified();
    this.planar = frames.planar();
    this.inverted = inverted;
  }

  /**
   * What the frame converted last holds.
   *
   * @param stated both ends of the file's padding, after white and black changed places
   */
  DicomSeries.Stored stored(long @Nullable [] stated) {
    return new DicomSeries.Stored(min, max, padded ? stated : null);
  }

  /** Converts in place where it can. */
  byte[] convert(byte[] frame) {
    min = Long.MAX_VALUE;
    max = Long.MIN_VALUE;
    padded = false;
    if (format.samples() == 3) {
      return planar ? interleave(frame) : frame;
    }
    int width = format.bytesPerSample();
    int shift = justified ? 0 : format.highBit() + 1 - format.bitsStored();
    for (int at = 0; at < frame.length; at += width) {
      long bits = 0;
      for (int k = width - 1; k >= 0; k--) {
        bits = bits << 8 | frame[at + k] & 0xff;
      }
      long value = format.extend(bits >>> shift);
      boolean isPadding = padding != null && padding.covers(value);
      if (inverted) {
        value = format.invert(value);
      }
      if (isPadding) {
        padded = true;
      } else {
        min = Math.min(min, value);
        max = Math.max(max, value);
      }
      for (int k = 0; k < width; k++) {
        frame[at + k] = (byte) (value >> 8 * k);
      }
    }
    return frame;
  }

  private byte[] interleave(byte[] planes) {
    int n = format.pixels();
    byte[] out = new byte[planes.length];
    for (int i = 0; i < n; i++) {
      for (int c = 0; c < 3; c++) {
        out[3 * i + c] = planes[c * n + i];
      }
    }
    return out;
  }
}
