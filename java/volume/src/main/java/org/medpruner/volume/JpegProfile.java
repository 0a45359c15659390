package org.medpruner.volume;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Takes the colour profile out of a JPEG. The JDK's reader converts pixels from the profile to
 * sRGB; Pillow, whose pixels the models were trained on, leaves them as they are coded.
 */
final class JpegProfile {
  private static final byte[] NAME = "ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII);

  private static final int APP2 = 0xe2;
  private static final int SCAN = 0xda;

  /** Markers from here to {@link #LAST_ALONE} are not followed by a length. */
  private static final int FIRST_ALONE = 0xd0;

  private static final int LAST_ALONE = 0xd9;

  private JpegProfile() {}

  /** The same picture without a profile; anything but a JPEG as it is. */
  static byte[] removed(byte[] b) {
    if (b.length < 2 || (b[0] & 0xff) != 0xff || (b[1] & 0xff) != 0xd8) {
      return b;
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream(b.length);
    out.write(b, 0, 2);
    int at = 2;
    while (at + 4 <= b.length && (b[at] & 0xff) == 0xff) {
      int marker = b[at + 1] & 0xff;
      int end = at + 2 + ((b[at + 2] & 0xff) << 8 | b[at + 3] & 0xff);
      boolean alone = FIRST_ALONE <= marker && marker <= LAST_ALONE;
      // What follows is pixels, or damaged and the decoder's to say so.
      if (marker == SCAN || marker == 0xff || alone || end > b.length || end < at + 4) {
        break;
      }
      if (marker != APP2 || !isProfile(b, at + 4, end)) {
        out.write(b, at, end - at);
      }
      at = end;
    }
    out.write(b, at, b.length - at);
    return out.toByteArray();
  }

  private static boolean isProfile(byte[] b, int from, int to) {
    return to - from >= NAME.length
        && Arrays.equals(b, from, from + NAME.length, NAME, 0, NAME.length);
  }
}
