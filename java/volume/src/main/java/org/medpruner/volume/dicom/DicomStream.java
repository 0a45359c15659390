package org.medpruner.volume.dicom;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.zip.ZipException;

/**
 * Bytes from front to back. A length is believed only as far as bytes really arrive, so memory
 * grows with the data and never with what a header claims. Everything is read, nothing sought, so
 * that a digest below sees the whole file.
 */
final class DicomStream {
  private final BufferedInputStream in;
  private final long size;
  private final byte[] sink = new byte[1 << 13];
  private long position;

  /**
   * Starts at position 0.
   *
   * @param size the most bytes there can be
   */
  DicomStream(InputStream in, long size) {
    this.in = new BufferedInputStream(in, 1 << 14);
    this.size = size;
  }

  long position() {
    return position;
  }

  /** The most bytes that can follow. */
  long remaining() {
    return size - position;
  }

  /** What follows, for a decoder to take over. */
  InputStream rest() {
    return in;
  }

  /** The next bytes without taking them; fewer when the data ends. */
  byte[] peek(int n) throws DicomException {
    try {
      in.mark(n);
      byte[] bytes = in.readNBytes(n);
      in.reset();
      return bytes;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  boolean atEnd() throws DicomException {
    return peek(1).length == 0;
  }

  byte[] bytes(long n) throws DicomException {
    if (n > remaining() || n > Integer.MAX_VALUE - 8) {
      throw truncated();
    }
    byte[] bytes;
    try {
      bytes = in.readNBytes((int) n);
    } catch (IOException e) {
      throw unreadable(e);
    }
    position += bytes.length;
    if (bytes.length < n) {
      throw truncated();
    }
    return bytes;
  }

  void skip(long n) throws DicomException {
    if (n > remaining()) {
      throw truncated();
    }
    for (long left = n; left > 0; ) {
      int k = take((int) Math.min(sink.length, left));
      if (k < 0) {
        throw truncated();
      }
      left -= k;
    }
  }

  /** Takes all that is left. */
  void drain() throws DicomException {
    for (int k = 0; k >= 0; ) {
      k = take(sink.length);
    }
  }

  /** Takes so many bytes, or all that is left when those are fewer, for a digest to see. */
  void digest(long most, MessageDigest digest) throws DicomException {
    for (long left = most; left > 0; ) {
      int k = take((int) Math.min(sink.length, left));
      if (k < 0) {
        return;
      }
      digest.update(sink, 0, k);
      left -= k;
    }
  }

  private int take(int n) throws DicomException {
    try {
      int k = in.read(sink, 0, n);
      position += Math.max(k, 0);
      return k;
    } catch (IOException e) {
      throw unreadable(e);
    }
  }

  int u16(ByteOrder order) throws DicomException {
    byte[] b = bytes(2);
    return u16(b, 0, order);
  }

  long u32(ByteOrder order) throws DicomException {
    byte[] b = bytes(4);
    long first = u16(b, 0, order);
    long second = u16(b, 2, order);
    return order == ByteOrder.LITTLE_ENDIAN ? first | second << 16 : first << 16 | second;
  }

  static int u16(byte[] b, int at, ByteOrder order) {
    int first = b[at] & 0xff;
    int second = b[at + 1] & 0xff;
    return order == ByteOrder.LITTLE_ENDIAN ? first | second << 8 : first << 8 | second;
  }

  static DicomException truncated() {
    return new DicomException(
        "truncated or corrupt: an element is longer than the data that is there; copy the file"
            + " again");
  }

  /** The reason without the path, which may name the patient. */
  static DicomException unreadable(IOException e) {
    return new DicomException(
        switch (e) {
          case EOFException x -> "truncated: the deflated data ends early; copy the file again";
          case ZipException x -> "the deflated data is corrupt; copy the file again";
          case java.nio.file.AccessDeniedException x ->
              "permission denied; make it readable for this user";
          case java.nio.file.NoSuchFileException x -> "no longer there; read again";
          default -> "cannot be read (" + e.getClass().getSimpleName() + "); check the file";
        });
  }
}
