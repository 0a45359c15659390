package org.medpruner.volume;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;

/**
 * Writes NIfTI files byte by byte from the format's own field tables, knowing nothing of the
 * reader. Starts as a valid header with a plain RAS sform of 1 mm; every field can be overwritten.
 */
final class NiftiBytes {
  final boolean v2;
  final ByteOrder order;
  final ByteBuffer header;
  byte[] data = new byte[0];

  NiftiBytes(boolean v2, ByteOrder order, int datatype, int bitpix, long... dims) {
    this.v2 = v2;
    this.order = order;
    // Header, then four zero bytes: no extension.
    header = ByteBuffer.allocate(v2 ? 544 : 352).order(order);
    header.putInt(0, v2 ? 540 : 348);
    byte[] magic =
        v2
            ? new byte[] {'n', '+', '2', 0, 13, 10, 26, 10}
            : "n+1\0".getBytes(StandardCharsets.ISO_8859_1);
    header.put(v2 ? 4 : 344, magic);
    header.putShort(v2 ? 12 : 70, (short) datatype);
    header.putShort(v2 ? 14 : 72, (short) bitpix);
    dim(0, dims.length);
    for (int i = 0; i < 7; i++) {
      dim(i + 1, i < dims.length ? dims[i] : 1);
      pixdim(i + 1, 1);
    }
    pixdim(0, 1);
    voxOffset(v2 ? 544 : 352);
    sform(1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);
  }

  /** Little-endian NIfTI-1 of int16 voxels. */
  static NiftiBytes int16(long... dims) {
    return new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 4, 16, dims);
  }

  NiftiBytes dim(int i, long value) {
    if (v2) {
      header.putLong(16 + 8 * i, value);
    } else {
      header.putShort(40 + 2 * i, (short) value);
    }
    return this;
  }

  NiftiBytes pixdim(int i, double value) {
    if (v2) {
      header.putDouble(104 + 8 * i, value);
    } else {
      header.putFloat(76 + 4 * i, (float) value);
    }
    return this;
  }

  NiftiBytes voxOffset(double value) {
    if (v2) {
      header.putLong(168, (long) value);
    } else {
      header.putFloat(108, (float) value);
    }
    return this;
  }

  NiftiBytes scaling(double slope, double intercept) {
    if (v2) {
      header.putDouble(176, slope).putDouble(184, intercept);
    } else {
      header.putFloat(112, (float) slope).putFloat(116, (float) intercept);
    }
    return this;
  }

  /** xyzt_units: 1 metre, 2 mm, 3 micron. */
  NiftiBytes units(int code) {
    if (v2) {
      header.putInt(500, code);
    } else {
      header.put(123, (byte) code);
    }
    return this;
  }

  NiftiBytes sform(int code, double... rows) {
    if (v2) {
      header.putInt(348, code);
    } else {
      header.putShort(254, (short) code);
    }
    for (int i = 0; i < rows.length; i++) {
      if (v2) {
        header.putDouble(400 + 8 * i, rows[i]);
      } else {
        header.putFloat(280 + 4 * i, (float) rows[i]);
      }
    }
    return this;
  }

  /** Quaternion b, c, d and offsets x, y, z. */
  NiftiBytes qform(int code, double... values) {
    if (v2) {
      header.putInt(344, code);
    } else {
      header.putShort(252, (short) code);
    }
    for (int i = 0; i < values.length; i++) {
      if (v2) {
        header.putDouble(352 + 8 * i, values[i]);
      } else {
        header.putFloat(256 + 4 * i, (float) values[i]);
      }
    }
    return this;
  }

  NiftiBytes shorts(int... values) {
    ByteBuffer b = ByteBuffer.allocate(2 * values.length).order(order);
    for (int v : values) {
      b.putShort((short) v);
    }
    data = b.array();
    return this;
  }

  NiftiBytes floats(float... values) {
    ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(order);
    for (float v : values) {
      b.putFloat(v);
    }
    data = b.array();
    return this;
  }

  NiftiBytes data(byte[] bytes) {
    data = bytes;
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(header.array());
    out.writeBytes(data);
    return out.toByteArray();
  }

  Path write(Path file) {
    return write(file, bytes());
  }

  static Path write(Path file, byte[] bytes) {
    try {
      return Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] gzip(byte[] bytes) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gz = new GZIPOutputStream(out)) {
      gz.write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }
}
