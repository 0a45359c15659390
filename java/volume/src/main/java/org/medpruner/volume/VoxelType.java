package org.medpruner.volume;

/** Number types a file may hold, with NIfTI's datatype codes where it has one. */
enum VoxelType {
  UINT8(2, 1, "uint8"),
  INT16(4, 2, "int16"),
  INT32(8, 4, "int32"),
  FLOAT32(16, 4, "float32"),
  FLOAT64(64, 8, "float64"),
  RGB24(128, 3, "rgb24"),
  INT8(256, 1, "int8"),
  UINT16(512, 2, "uint16"),
  UINT32(768, 4, "uint32"),
  INT64(1024, 8, "int64"),
  UINT64(1280, 8, "uint64"),
  /** NumPy's alone: the code is none that 16 bits of a header can hold. */
  FLOAT16(1 << 16, 2, "float16");

  final int code;

  /** Bytes per voxel. */
  final int bytes;

  final String label;
  final int channels;

  VoxelType(int code, int bytes, String label) {
    this.code = code;
    this.bytes = bytes;
    this.label = label;
    this.channels = code == 128 ? 3 : 1;
  }

  /** Bytes of one number, the unit of byte swapping. */
  int itemBytes() {
    return bytes / channels;
  }

  /** What NIfTI calls a code this reader does not take, for the error message. */
  static String describeUnsupported(int code) {
    return switch (code) {
      case 0 -> "unknown";
      case 1 -> "1-bit binary";
      case 32 -> "complex64";
      case 1536 -> "float128";
      case 1792 -> "complex128";
      case 2048 -> "complex256";
      case 2304 -> "RGBA32";
      default -> "not a NIfTI code";
    };
  }
}
