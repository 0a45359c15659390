package org.medpruner.volume;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A NIfTI-1 or NIfTI-2 header, checked: every size it states is positive and none overflows.
 * Immutable.
 */
final class NiftiHeader {
  static final int SIZE_1 = 348;
  static final int SIZE_2 = 540;

  /** No file is longer; keeps sums of sizes from overflowing. */
  private static final long MAX_OFFSET = 1L << 62;

  /** Longest axis taken; NIfTI-1 itself ends at 32767. */
  static final int MAX_DIM = 1 << 20;

  /** 1 or 2. */
  final int version;

  /** Whether the voxels are in a separate .img file. */
  final boolean pair;

  final ByteOrder order;
  final VoxelType type;

  /** Dimensions, fastest first: always x, y, z and frames. */
  final int[] dims;

  /** Number of dimensions in the file, at least 1. */
  final int rank;

  /** First byte of the voxels in their file. */
  final long voxOffset;

  final double slope;
  final double intercept;

  /** Rows x, y, z, w: voxel indices in file order to scanner coordinates in mm. */
  final double[][] affine;

  /** What was odd but could be handled. */
  final List<String> warnings = new ArrayList<>();

  /** Version 1 or 2 by sizeof_hdr in either byte order, 0 for something else. */
  static int version(byte[] start) {
    if (start.length < 4) {
      return 0;
    }
    int le = ByteBuffer.wrap(start).order(ByteOrder.LITTLE_ENDIAN).getInt(0);
    int be = Integer.reverseBytes(le);
    return le == SIZE_1 || be == SIZE_1 ? 1 : le == SIZE_2 || be == SIZE_2 ? 2 : 0;
  }

  static int size(int version) {
    return version == 1 ? SIZE_1 : SIZE_2;
  }

  /** Bytes of one frame. */
  long frameBytes() {
    return voxelsPerFrame() * type.bytes;
  }

  long voxelsPerFrame() {
    return (long) dims[0] * dims[1] * dims[2];
  }

  /**
   * Parses.
   *
   * @param header exactly {@link #size} bytes, starting with a sizeof_hdr that {@link #version}
   *     took
   * @throws VolumeException naming {@code path} and the field
   */
  static NiftiHeader parse(Path path, byte[] header) {
    return new NiftiHeader(path, header);
  }

  private NiftiHeader(Path path, byte[] header) {
    ByteBuffer b = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
    if (b.getInt(0) != header.length) {
      b.order(ByteOrder.BIG_ENDIAN);
    }
    boolean v1 = header.length == SIZE_1;
    Fields f = new Fields(b, v1);
    version = v1 ? 1 : 2;
    String magic = new String(header, v1 ? 344 : 4, 3, StandardCharsets.ISO_8859_1);
    if (!magic.equals("n+" + version) && !magic.equals("ni" + version)) {
      throw Failures.bad(
          path,
          v1 && magic.equals("\0\0\0")
              ? "an ANALYZE 7.5 header, which does not say left from right; convert it to NIfTI"
              : "not a NIfTI file: its magic is neither n+"
                  + version
                  + " nor ni"
                  + version
                  + "; export it again");
    }
    pair = magic.charAt(1) == 'i';
    order = b.order();
    type = type(path, b.getShort(v1 ? 70 : 12));
    long stated = f.dim(0);
    dims = dims(path, f, stated);
    rank = (int) stated;
    checkOverflow(path);
    double[] scaling = scaling(path, f, type, warnings);
    slope = scaling[0];
    intercept = scaling[1];
    voxOffset = voxOffset(path, b, v1, pair);
    affine = NiftiAffine.of(path, f, dims, warnings);
  }

  private void checkOverflow(Path path) {
    try {
      long voxels = Math.multiplyExact(Math.multiplyExact((long) dims[0], dims[1]), dims[2]);
      // Room for the offset and a gzip ratio of 1032 in later sums.
      if (Math.multiplyExact(Math.multiplyExact(voxels, type.bytes), dims[3]) < MAX_OFFSET) {
        return;
      }
    } catch (ArithmeticException e) {
      // Reported below, with the too large product that still fitted.
    }
    throw Failures.bad(
        path,
        "the dimensions "
            + shapeText()
            + " overflow: the header is damaged; export the file again");
  }

  private static VoxelType type(Path path, int code) {
    for (VoxelType t : VoxelType.values()) {
      if (t.code == code) {
        return t;
      }
    }
    throw Failures.bad(
        path,
        "datatype "
            + code
            + " ("
            + VoxelType.describeUnsupported(code)
            + ") is not supported; convert to an integer or float type of 8 to 64 bits");
  }

  private static int[] dims(Path path, Fields f, long rank) {
    if (rank < 1 || rank > 7) {
      throw Failures.bad(
          path, "dim[0] is " + rank + ", must be 1 to 7: the header is damaged; export it again");
    }
    int[] dims = {1, 1, 1, 1};
    for (int i = 1; i <= rank; i++) {
      long d = f.dim(i);
      if (d < 1) {
        throw Failures.bad(
            path,
            (i == 3 ? "the file has " + d + " slices" : "dim[" + i + "] is " + d)
                + ", must be at least 1; export the file again");
      }
      if (d > MAX_DIM) {
        throw Failures.bad(
            path,
            "dim["
                + i
                + "] is "
                + d
                + ", more than "
                + MAX_DIM
                + ": the header is damaged;"
                + " export the file again");
      }
      if (i <= 4) {
        dims[i - 1] = (int) d;
      } else if (d != 1) {
        throw Failures.bad(
            path,
            "the file has "
                + rank
                + " dimensions (dim["
                + i
                + "] is "
                + d
                + "); extract a 3-D or"
                + " 4-D part");
      }
    }
    return dims;
  }

  private static double[] scaling(Path path, Fields f, VoxelType type, List<String> warnings) {
    double slope = f.slope();
    double intercept = f.intercept();
    if (slope == 0 || !Double.isFinite(slope)) {
      return new double[] {1, 0};
    }
    if (!Double.isFinite(intercept)) {
      throw Failures.bad(
          path, "scl_slope is " + slope + " but scl_inter is " + intercept + "; set it to 0");
    }
    if (type.channels != 1 && (slope != 1 || intercept != 0)) {
      warnings.add("the scaling of an RGB file was ignored");
      return new double[] {1, 0};
    }
    return new double[] {slope, intercept};
  }

  private static long voxOffset(Path path, ByteBuffer b, boolean v1, boolean pair) {
    long offset;
    if (v1) {
      float stated = b.getFloat(108);
      if (!(stated >= 0) || stated >= MAX_OFFSET) {
        throw Failures.bad(path, "vox_offset is " + stated + ": the header is damaged");
      }
      offset = (long) stated;
    } else {
      offset = b.getLong(168);
      if (offset < 0 || offset >= MAX_OFFSET) {
        throw Failures.bad(path, "vox_offset is " + offset + ": the header is damaged");
      }
    }
    // The four bytes after the header say whether extensions follow; voxels start behind them.
    int first = pair ? 0 : (v1 ? SIZE_1 : SIZE_2) + 4;
    if (offset == 0) {
      return first;
    }
    if (offset < first) {
      throw Failures.bad(
          path,
          "vox_offset is "
              + offset
              + ", inside the header (at least "
              + first
              + "); set it to "
              + first);
    }
    return offset;
  }

  /** "64 x 64 x 20". */
  String shapeText() {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < Math.min(rank, 4); i++) {
      s.append(i == 0 ? "" : " x ").append(dims[i]);
    }
    return s.toString();
  }

  /** The fields whose place and width differ between the versions. */
  record Fields(ByteBuffer b, boolean v1) {
    long dim(int i) {
      return v1 ? b.getShort(40 + 2 * i) : b.getLong(16 + 8 * i);
    }

    double pixdim(int i) {
      return v1 ? b.getFloat(76 + 4 * i) : b.getDouble(104 + 8 * i);
    }

    double slope() {
      return v1 ? b.getFloat(112) : b.getDouble(176);
    }

    double intercept() {
      return v1 ? b.getFloat(116) : b.getDouble(184);
    }

    int qformCode() {
      return v1 ? b.getShort(252) : b.getInt(344);
    }

    int sformCode() {
      return v1 ? b.getShort(254) : b.getInt(348);
    }

    /** Quaternion b, c, d, then offsets x, y, z. */
    double qform(int i) {
      return v1 ? b.getFloat(256 + 4 * i) : b.getDouble(352 + 8 * i);
    }

    /** The three rows of four, row-major. */
    double sform(int i) {
      return v1 ? b.getFloat(280 + 4 * i) : b.getDouble(400 + 8 * i);
    }

    int spaceUnit() {
      return (v1 ? b.get(123) : b.getInt(500)) & 7;
    }
  }
}
