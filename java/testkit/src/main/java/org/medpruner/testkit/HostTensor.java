package org.medpruner.testkit;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.medpruner.DType;
import org.medpruner.oracle.LowPrecision;

/**
 * A compact row-major tensor in the bits of its dtype, in host memory. Immutable: what the
 * accessors return is a copy. Halves and bfloat16 are given and returned as their bits in a {@code
 * short[]}.
 */
public final class HostTensor {
  private static final int MOST_SHOWN = 64;

  private final DType dtype;
  private final int[] shape;
  private final byte[] raw;

  private HostTensor(DType dtype, byte[] raw, int[] shape) {
    int elements = 1;
    for (int extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException("shape: has a negative extent " + extent);
      }
      elements = Math.multiplyExact(elements, extent);
    }
    if (shape.length == 0 || raw.length != Math.multiplyExact(elements, dtype.byteSize())) {
      throw new IllegalArgumentException(
          "shape: "
              + Arrays.toString(shape)
              + " does not hold "
              + raw.length / dtype.byteSize()
              + " values of "
              + dtype);
    }
    this.dtype = dtype;
    this.shape = shape.clone();
    this.raw = raw;
  }

  /**
   * An F32 tensor.
   *
   * @param values row-major; copied
   * @param shape at least one extent
   * @return a tensor of these values
   * @throws IllegalArgumentException if the shape does not hold as many values
   */
  public static HostTensor of(float[] values, int... shape) {
    byte[] raw = new byte[Math.multiplyExact(values.length, DType.F32.byteSize())];
    wrap(raw).asFloatBuffer().put(values);
    return new HostTensor(DType.F32, raw, shape);
  }

  /**
   * A tensor of a 2-byte dtype.
   *
   * @param dtype I16, F16 or BF16
   * @param bits row-major, the floating ones as bits; copied
   * @param shape at least one extent
   * @return a tensor of these values
   * @throws IllegalArgumentException if the dtype is another, or the shape does not hold as many
   *     values
   */
  public static HostTensor of(DType dtype, short[] bits, int... shape) {
    if (dtype.byteSize() != 2) {
      throw new IllegalArgumentException("dtype: " + dtype + " has no values of 2 bytes");
    }
    byte[] raw = new byte[Math.multiplyExact(bits.length, dtype.byteSize())];
    wrap(raw).asShortBuffer().put(bits);
    return new HostTensor(dtype, raw, shape);
  }

  /**
   * A tensor of any dtype from its bytes; for U8 and I8 those are the values.
   *
   * @param dtype any
   * @param bytes row-major, in native byte order; copied
   * @param shape at least one extent
   * @return a tensor of these values
   * @throws IllegalArgumentException if the shape does not hold as many bytes
   */
  public static HostTensor ofBytes(DType dtype, byte[] bytes, int... shape) {
    return new HostTensor(dtype, bytes.clone(), shape);
  }

  /**
   * A floating tensor of values rounded to the dtype, to nearest and ties to even.
   *
   * @param dtype F16, BF16 or F32
   * @param values row-major; copied
   * @param shape at least one extent
   * @return a tensor of the rounded values
   * @throws IllegalArgumentException if the dtype is another, or the shape does not hold as many
   *     values
   */
  public static HostTensor rounded(DType dtype, float[] values, int... shape) {
    if (dtype == DType.F32) {
      return of(values, shape);
    }
    short[] bits = new short[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] =
          switch (dtype) {
            case F16 -> LowPrecision.floatToF16(values[i]);
            case BF16 -> LowPrecision.floatToBf16(values[i]);
            default -> throw new IllegalArgumentException("dtype: " + dtype + " is no float");
          };
    }
    return of(dtype, bits, shape);
  }

  private static ByteBuffer wrap(byte[] raw) {
    return ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
  }

  private ByteBuffer view() {
    return wrap(raw);
  }

  /** {@return the type of the elements} */
  public DType dtype() {
    return dtype;
  }

  /** {@return a copy of the extents, at least one, outermost first} */
  public int[] shape() {
    return shape.clone();
  }

  /**
   * One extent.
   *
   * @param dimension 0-based, outermost first
   * @return its extent, &gt;= 0
   * @throws IndexOutOfBoundsException if there is no such dimension
   */
  public int size(int dimension) {
    return shape[dimension];
  }

  /** {@return the number of elements, the product of the extents} */
  public int elements() {
    return raw.length / dtype.byteSize();
  }

  /** {@return the number of rows: the first extent} */
  public int rows() {
    return shape[0];
  }

  /** {@return elements of a row: the product of all extents but the first} */
  public int columns() {
    int columns = 1;
    for (int i = 1; i < shape.length; i++) {
      columns *= shape[i];
    }
    return columns;
  }

  /** {@return a copy of the bytes, in native byte order} */
  public byte[] bytes() {
    return raw.clone();
  }

  /**
   * The elements of a 2-byte dtype, floating ones as bits.
   *
   * @return a new array, row-major
   * @throws IllegalStateException for a dtype of another size
   */
  public short[] shorts() {
    require(dtype.byteSize() == 2, "short");
    short[] a = new short[elements()];
    view().asShortBuffer().get(a);
    return a;
  }

  /**
   * The elements of an F32 tensor.
   *
   * @return a new array, row-major
   * @throws IllegalStateException for another dtype
   */
  public float[] floats() {
    require(dtype == DType.F32, "float");
    float[] a = new float[elements()];
    view().asFloatBuffer().get(a);
    return a;
  }

  private void require(boolean holds, String type) {
    if (!holds) {
      throw new IllegalStateException("a tensor of " + dtype + " has no " + type + "[]");
    }
  }

  /**
   * The values of the elements as floats.
   *
   * @return a new array, row-major; exact for U8, I8, I16, F16, BF16 and F32, else rounded
   */
  public float[] values() {
    ByteBuffer b = view();
    float[] a = new float[elements()];
    for (int i = 0; i < a.length; i++) {
      a[i] =
          switch (dtype) {
            case U8 -> b.get(i) & 0xff;
            case I8 -> b.get(i);
            case I16 -> b.getShort(2 * i);
            case I32 -> b.getInt(4 * i);
            case U32 -> b.getInt(4 * i) & 0xffffffffL;
            case I64 -> b.getLong(8 * i);
            case F16 -> LowPrecision.f16ToFloat(b.getShort(2 * i));
            case BF16 -> LowPrecision.bf16ToFloat(b.getShort(2 * i));
            case F32 -> b.getFloat(4 * i);
            case F64 -> (float) b.getDouble(8 * i);
          };
    }
    return a;
  }

  /**
   * The named rows, in that order.
   *
   * @param rows 0-based indices along the first dimension; may repeat
   * @return a tensor of as many rows
   * @throws IndexOutOfBoundsException if there is no such row
   */
  public HostTensor take(int... rows) {
    int rowBytes = columns() * dtype.byteSize();
    byte[] taken = new byte[rows.length * rowBytes];
    for (int i = 0; i < rows.length; i++) {
      System.arraycopy(raw, rows[i] * rowBytes, taken, i * rowBytes, rowBytes);
    }
    int[] extents = shape.clone();
    extents[0] = rows.length;
    return new HostTensor(dtype, taken, extents);
  }

  /**
   * The first elements along the last dimension.
   *
   * @param columns how many, at most the last extent
   * @return a tensor with that last extent
   */
  public HostTensor narrow(int columns) {
    int last = shape[shape.length - 1];
    int width = last * dtype.byteSize();
    int kept = columns * dtype.byteSize();
    int groups = last == 0 ? 0 : elements() / last;
    byte[] narrowed = new byte[groups * kept];
    for (int i = 0; i < groups; i++) {
      System.arraycopy(raw, i * width, narrowed, i * kept, kept);
    }
    int[] extents = shape.clone();
    extents[extents.length - 1] = columns;
    return new HostTensor(dtype, narrowed, extents);
  }

  /** Whether dtype, shape and every bit are the same. */
  @Override
  public boolean equals(Object other) {
    return other instanceof HostTensor t
        && dtype == t.dtype
        && Arrays.equals(shape, t.shape)
        && Arrays.equals(raw, t.raw);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(raw) * 31 + dtype.hashCode();
  }

  /** Dtype, shape and, of a small tensor, the values. */
  @Override
  public String toString() {
    String head = dtype + Arrays.toString(shape);
    if (elements() > MOST_SHOWN) {
      return head;
    }
    List<String> shown = new ArrayList<>();
    for (float v : values()) {
      shown.add(v == (long) v && Math.abs(v) < 1e6 && !isMinusZero(v) ? "" + (long) v : "" + v);
    }
    return head + " {" + String.join(", ", shown) + "}";
  }

  private static boolean isMinusZero(float v) {
    return v == 0 && Float.floatToRawIntBits(v) != 0;
  }
}
