package org.medpruner.volume;

import java.io.IOException;
import java.io.InputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Voxels in file order and in the file's own number type, little-endian bytes, so that a
 * 512x512x600 int16 CT takes 300 MB and not 1.2 GB. Chunked: memory grows with the data that really
 * arrives, never with what a header claims, and a volume may exceed 2^31 bytes. Immutable once
 * filled.
 */
final class VoxelArray {
  /**
   * 2^15 voxels are at most 256 KiB. From half a G1 region (512 KiB in a small heap) on an array
   * takes whole regions: chunks of 2 MiB made a 300 MiB volume cost 450.
   */
  private static final int CHUNK_BITS = 15;

  private static final int CHUNK_MASK = (1 << CHUNK_BITS) - 1;

  private static final VarHandle SHORT = view(short[].class);
  private static final VarHandle INT = view(int[].class);
  private static final VarHandle LONG = view(long[].class);
  private static final VarHandle FLOAT = view(float[].class);
  private static final VarHandle DOUBLE = view(double[].class);

  private final VoxelType type;
  private final long length;
  private final double slope;
  private final double intercept;
  private final boolean scaled;
  private final byte[][] chunks;

  private VoxelArray(VoxelType type, long length, double slope, double intercept, byte[][] chunks) {
    this.type = type;
    this.length = length;
    this.slope = slope;
    this.intercept = intercept;
    this.scaled = type.channels == 1 && (slope != 1 || intercept != 0);
    this.chunks = chunks;
  }

  private static VarHandle view(Class<?> array) {
    return MethodHandles.byteArrayViewVarHandle(array, ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads {@code length} voxels; null when the stream ends early. */
  static @Nullable VoxelArray read(
      InputStream in, VoxelType type, long length, ByteOrder order, double slope, double intercept)
      throws IOException {
    List<byte[]> chunks = new ArrayList<>();
    for (long done = 0; done < length; ) {
      int voxels = (int) Math.min(1 << CHUNK_BITS, length - done);
      byte[] chunk = new byte[voxels * type.bytes];
      if (in.readNBytes(chunk, 0, chunk.length) < chunk.length) {
        return null;
      }
      if (order == ByteOrder.BIG_ENDIAN) {
        swap(chunk, type.itemBytes());
      }
      chunks.add(chunk);
      done += voxels;
    }
    return new VoxelArray(type, length, slope, intercept, chunks.toArray(new byte[0][]));
  }

  /** Collects pictures of bytes, one after another. */
  static VoxelArray ofPictures(VoxelType type, List<byte[]> pictures, int pixels) {
    Builder builder = new Builder(type, (long) pixels * pictures.size());
    for (int i = 0; i < pictures.size(); i++) {
      builder.put((long) pixels * i, pictures.get(i));
    }
    return builder.build(1, 0);
  }

  /** Filled piece by piece in any order; what was never put is 0. */
  static final class Builder {
    private final VoxelType type;
    private final long length;
    private final byte[] @Nullable [] chunks;

    Builder(VoxelType type, long length) {
      this.type = type;
      this.length = length;
      this.chunks = new byte[Math.toIntExact((length + CHUNK_MASK) >> CHUNK_BITS)][];
    }

    /** Copies little-endian voxels to where they belong, the first at {@code from}. */
    void put(long from, byte[] values) {
      int n = values.length / type.bytes;
      for (int done = 0; done < n; ) {
        long at = from + done;
        byte[] chunk = chunk((int) (at >> CHUNK_BITS));
        int offset = ((int) at & CHUNK_MASK) * type.bytes;
        int fits = Math.min(n - done, (chunk.length - offset) / type.bytes);
        System.arraycopy(values, done * type.bytes, chunk, offset, fits * type.bytes);
        done += fits;
      }
    }

    private byte[] chunk(int i) {
      byte[] chunk = chunks[i];
      if (chunk == null) {
        int voxels = (int) Math.min(1 << CHUNK_BITS, length - ((long) i << CHUNK_BITS));
        chunk = new byte[voxels * type.bytes];
        chunks[i] = chunk;
      }
      return chunk;
    }

    /**
     * Replaces stored values of low..high among {@code count} voxels, the first at {@code from}.
     * Not of colours or of types wider than 32 bits.
     *
     * @return how many there were
     */
    long replace(long from, int count, double low, double high, double by) {
      long bits = type == VoxelType.FLOAT32 ? Float.floatToRawIntBits((float) by) : (long) by;
      long replaced = 0;
      VoxelArray stored = build(1, 0);
      for (long i = from; i < from + count; i++) {
        double v = stored.value(i, 0);
        if (low <= v && v <= high) {
          byte[] chunk = chunk((int) (i >> CHUNK_BITS));
          int at = ((int) i & CHUNK_MASK) * type.bytes;
          for (int k = 0; k < type.bytes; k++) {
            chunk[at + k] = (byte) (bits >> 8 * k);
          }
          replaced++;
        }
      }
      return replaced;
    }

    /** Wraps what was put, without a copy. */
    VoxelArray build(double slope, double intercept) {
      byte[][] full = new byte[chunks.length][];
      for (int i = 0; i < full.length; i++) {
        full[i] = chunk(i);
      }
      return new VoxelArray(type, length, slope, intercept, full);
    }
  }

  private static void swap(byte[] bytes, int item) {
    for (int i = 0; i < bytes.length; i += item) {
      for (int a = i, b = i + item - 1; a < b; a++, b--) {
        byte t = bytes[a];
        bytes[a] = bytes[b];
        bytes[b] = t;
      }
    }
  }

  VoxelType type() {
    return type;
  }

  /** Number of voxels. */
  long length() {
    return length;
  }

  boolean scaled() {
    return scaled;
  }

  /** Voxel {@code i}, raw * slope + intercept in float64 with two roundings, as nibabel does. */
  double value(long i, int channel) {
    byte[] chunk = chunks[(int) (i >>> CHUNK_BITS)];
    int at = ((int) i & CHUNK_MASK) * type.bytes;
    return scale(
        switch (type) {
          case UINT8 -> chunk[at] & 0xff;
          case RGB24 -> chunk[at + channel] & 0xff;
          case INT8 -> chunk[at];
          case INT16 -> (short) SHORT.get(chunk, at);
          case UINT16 -> (short) SHORT.get(chunk, at) & 0xffff;
          case INT32 -> (int) INT.get(chunk, at);
          case UINT32 -> (int) INT.get(chunk, at) & 0xffffffffL;
          case INT64 -> (double) (long) LONG.get(chunk, at);
          case UINT64 -> unsigned((long) LONG.get(chunk, at));
          case FLOAT16 -> Float.float16ToFloat((short) SHORT.get(chunk, at));
          case FLOAT32 -> (float) FLOAT.get(chunk, at);
          case FLOAT64 -> (double) DOUBLE.get(chunk, at);
        });
  }

  private double scale(double raw) {
    return scaled ? raw * slope + intercept : raw;
  }

  /** Whether {@link #bits} and {@link #valueOfBits} serve: at most 65536 different values. */
  boolean isNarrow() {
    return type.bytes <= 2;
  }

  /** The bits of voxel {@code i} of a narrow type as an unsigned number, a key for tables. */
  int bits(long i) {
    byte[] chunk = chunks[(int) (i >>> CHUNK_BITS)];
    int at = (int) i & CHUNK_MASK;
    return type.bytes == 1 ? chunk[at] & 0xff : (short) SHORT.get(chunk, at * 2) & 0xffff;
  }

  /** The value that {@link #bits} stands for. */
  double valueOfBits(int bits) {
    return scale(
        switch (type) {
          case INT8 -> (byte) bits;
          case INT16 -> (short) bits;
          case FLOAT16 -> Float.float16ToFloat((short) bits);
          default -> bits;
        });
  }

  /** Round half to even, like a C cast from uint64; halving keeps the sticky lowest bit. */
  private static double unsigned(long bits) {
    return bits >= 0 ? (double) bits : (double) ((bits >>> 1) | (bits & 1)) * 2.0;
  }
}
