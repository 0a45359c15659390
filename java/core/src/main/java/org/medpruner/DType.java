package org.medpruner;

/** Element types of tensors, numbered as DLPack does. */
public enum DType {
  /** Unsigned byte; masks and 8-bit pixels. */
  U8(1, 1),
  /** Signed byte. */
  I8(0, 1),
  /** Signed 16-bit integer; CT numbers. */
  I16(0, 2),
  /** Signed 32-bit integer. */
  I32(0, 4),
  /** Unsigned 32-bit integer; the ops' flags. */
  U32(1, 4),
  /** Signed 64-bit integer; offsets and indices. */
  I64(0, 8),
  /** IEEE half precision. */
  F16(2, 2),
  /** bfloat16: the upper half of an F32. */
  BF16(4, 2),
  /** IEEE single precision. */
  F32(2, 4),
  /** IEEE double precision. */
  F64(2, 8);

  private final int code;
  private final int byteSize;

  DType(int code, int byteSize) {
    this.code = code;
    this.byteSize = byteSize;
  }

  /** {@return bytes per element: 1, 2, 4 or 8} */
  public int byteSize() {
    return byteSize;
  }

  /** {@return DLPack's DLDataTypeCode: 0 int, 1 uint, 2 float, 4 bfloat} */
  public int code() {
    return code;
  }

  /** {@return bits per element, as DLPack's DLDataType has them: 8, 16, 32 or 64} */
  public int bits() {
    return byteSize * 8;
  }
}
