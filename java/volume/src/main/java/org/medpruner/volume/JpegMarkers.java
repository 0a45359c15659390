package org.medpruner.volume;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Changes the markers of a JPEG so that the JDK's reader takes its colours as Pillow does, whose
 * pixels the models were trained on: no colour profile is applied, and what tells RGB from YCbCr is
 * what tells libjpeg.
 */
final class JpegMarkers {
  private static final byte[] PROFILE = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] JFIF = "JFIF\0".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] ADOBE = "Adobe".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] RGB = {'R', 'G', 'B'};

  /** JFIF 1.1, square pixels, no thumbnail. */
  private static final byte[] JFIF_SEGMENT = {
    (byte) 0xff, (byte) 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
  };

  /** Where the transform is in a segment of Adobe, after its marker and length. */
  private static final int TRANSFORM = 11;

  private static final int APP0 = 0xe0;
  private static final int APP2 = 0xe2;
  private static final int APP14 = 0xee;
  private static final int SCAN = 0xda;

  /** Markers from here to {@link #LAST_ALONE} are not followed by a length. */
  private static final int FIRST_ALONE = 0xd0;

  private static final int LAST_ALONE = 0xd9;

  private final byte[] b;
  private boolean jfif;
  private boolean adobe;
  private int transform;

  /** Of three colours; null for another number or without a frame. */
  private byte @Nullable [] components;

  private JpegMarkers(byte[] b) {
    this.b = b;
    for (int at = 2; end(at) > 0; at = end(at)) {
      note(at, end(at));
    }
  }

  /** The same picture as Pillow takes it; anything but a JPEG as it is. */
  static byte[] likePillow(byte[] b) {
    if (b.length < 2 || (b[0] & 0xff) != 0xff || (b[1] & 0xff) != 0xd8) {
      return b;
    }
    return new JpegMarkers(b).rewritten();
  }

  /**
   * Where the segment at {@code at} ends; 0 when pixels follow, or what is the decoder's to say.
   */
  private int end(int at) {
    if (at + 4 > b.length || (b[at] & 0xff) != 0xff) {
      return 0;
    }
    int marker = marker(at);
    int end = at + 2 + ((b[at + 2] & 0xff) << 8 | b[at + 3] & 0xff);
    boolean alone = FIRST_ALONE <= marker && marker <= LAST_ALONE;
    return marker == SCAN || marker == 0xff || alone || end > b.length || end < at + 4 ? 0 : end;
  }

  private int marker(int at) {
    return b[at + 1] & 0xff;
  }

  private void note(int at, int end) {
    int marker = marker(at);
    // Of DHT, JPG and DAC, which lie among them, none is a frame.
    boolean frame = marker >= 0xc0 && marker <= 0xcf && marker % 4 != 0 || marker == 0xc0;
    if (isJfif(at, end)) {
      jfif = true;
    } else if (isAdobe(at, end)) {
      adobe = true;
      transform = b[at + 4 + TRANSFORM] & 0xff;
    } else if (frame && end >= at + 19 && b[at + 9] == 3) {
      components = new byte[] {b[at + 10], b[at + 13], b[at + 16]};
    }
  }

  private boolean isJfif(int at, int end) {
    return marker(at) == APP0 && end >= at + 18 && begins(JFIF, at, end);
  }

  private boolean isAdobe(int at, int end) {
    return marker(at) == APP14 && end >= at + 16 && begins(ADOBE, at, end);
  }

  private boolean begins(byte[] with, int at, int end) {
    int from = at + 4;
    return end - from >= with.length
        && Arrays.equals(b, from, from + with.length, with, 0, with.length);
  }

  /**
   * Whether libjpeg takes three colours for YCbCr: JFIF says so whatever Adobe's marker says, and
   * without both all but the names R, G, B do. The JDK asks the names and the sampling instead.
   */
  private boolean isYcc() {
    if (components == null) {
      return false;
    }
    return jfif || (adobe ? transform != 0 : !Arrays.equals(components, RGB));
  }

  private byte[] rewritten() {
    boolean ycc = isYcc();
    ByteArrayOutputStream out = new ByteArrayOutputStream(b.length + JFIF_SEGMENT.length);
    out.write(b, 0, 2);
    if (ycc && !jfif) {
      out.writeBytes(JFIF_SEGMENT);
    }
    int at = 2;
    for (int end = end(at); end > 0; end = end(at)) {
      boolean profile = marker(at) == APP2 && begins(PROFILE, at, end);
      if (!profile && !(ycc && isAdobe(at, end))) {
        out.write(b, at, end - at);
      }
      at = end;
    }
    out.write(b, at, b.length - at);
    return out.toByteArray();
  }
}
