package org.medpruner.volume;

import java.io.IOException;
import java.io.InputStream;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;

/**
 * Expected values made by src/test/python/make_goldens.py with nibabel, NumPy and Pillow, and by
 * make_dicom_goldens.py with pydicom, dcmtk and GDCM.
 */
final class Goldens {
  private static final Properties VALUES = load();

  private Goldens() {}

  private static Properties load() {
    Properties p = new Properties();
    for (String name : List.of("goldens.properties", "dicom-goldens.properties")) {
      try (InputStream in = Goldens.class.getResourceAsStream(name)) {
        p.load(in);
      } catch (IOException e) {
        throw new ExceptionInInitializerError(e);
      }
    }
    return p;
  }

  static String text(String key) {
    String value = VALUES.getProperty(key);
    if (value == null) {
      throw new AssertionError("no golden named " + key);
    }
    return value;
  }

  static double number(String key) {
    return Double.parseDouble(text(key));
  }

  /** SHA-256 of all pictures, one after another. */
  static String hash(SliceImages images) {
    MessageDigest d = Hashes.sha256();
    images.pixels().forEach(d::update);
    return HexFormat.of().formatHex(d.digest());
  }

  static String hash(byte[] bytes) {
    return Hashes.hex(bytes);
  }

  /** Values as bytes, all slices one after another, row-major. */
  static String hashOfBytes(SliceStack stack) {
    MessageDigest d = Hashes.sha256();
    for (int i = 0; i < stack.count(); i++) {
      for (double v : stack.values(i)) {
        d.update((byte) (int) v);
      }
    }
    return HexFormat.of().formatHex(d.digest());
  }

  /** Values as little-endian int16. */
  static String hashOfShorts(SliceStack stack) {
    MessageDigest d = Hashes.sha256();
    for (int i = 0; i < stack.count(); i++) {
      for (double v : stack.values(i)) {
        d.update((byte) (int) v);
        d.update((byte) ((int) v >> 8));
      }
    }
    return HexFormat.of().formatHex(d.digest());
  }

  /** Values as little-endian float64. */
  static String hashOfDoubles(SliceStack stack) {
    MessageDigest d = Hashes.sha256();
    byte[] b = new byte[8];
    for (int i = 0; i < stack.count(); i++) {
      for (double v : stack.values(i)) {
        long bits = Double.doubleToRawLongBits(v);
        for (int k = 0; k < 8; k++) {
          b[k] = (byte) (bits >> (8 * k));
        }
        d.update(b);
      }
    }
    return HexFormat.of().formatHex(d.digest());
  }
}
