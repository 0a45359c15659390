package org.medpruner.volume;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a volume that NumPy saved ({@code numpy.save}): format 1, 2 or 3, in C or Fortran order,
 * slices along the first axis, then rows and columns; axes of length 1 before them (channel, batch)
 * are dropped. The file says nothing about orientation: slices and pictures are presented as
 * indexed.
 */
final class NpyReader {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y'};

  /** NumPy itself reads no header of more without being asked to. */
  private static final int MAX_HEADER = 10_000;

  private static final int MAX_SIDE = 1 << 19;

  private static final Map<String, VoxelType> TYPES =
      Map.ofEntries(
          Map.entry("u1", VoxelType.UINT8),
          Map.entry("i1", VoxelType.INT8),
          Map.entry("u2", VoxelType.UINT16),
          Map.entry("i2", VoxelType.INT16),
          Map.entry("u4", VoxelType.UINT32),
          Map.entry("i4", VoxelType.INT32),
          Map.entry("u8", VoxelType.UINT64),
          Map.entry("i8", VoxelType.INT64),
          Map.entry("f2", VoxelType.FLOAT16),
          Map.entry("f4", VoxelType.FLOAT32),
          Map.entry("f8", VoxelType.FLOAT64));

  private static final Pattern DESCR = pattern("descr", "['\"]([^'\"]*)['\"]");
  private static final Pattern ORDER = pattern("fortran_order", "(True|False)");

  /** Python 2 wrote (3L, 4L, 5L). */
  private static final Pattern SHAPE = pattern("shape", "\\(([\\dL,\\s]*)\\)");

  /** Other writers than NumPy quote with two marks. */
  private static Pattern pattern(String key, String value) {
    return Pattern.compile("['\"]" + key + "['\"]\\s*:\\s*" + value);
  }

  private NpyReader() {}

  /**
   * What the header says.
   *
   * @param order of the bytes of a number
   * @param fortran whether the first axis is the fastest, not the last
   * @param shape slices, rows, columns
   */
  private record Header(VoxelType type, ByteOrder order, boolean fortran, List<Integer> shape) {
    long voxels() {
      return shape.stream().mapToLong(Integer::longValue).reduce(1, Math::multiplyExact);
    }
  }

  static boolean isNpy(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      return Arrays.equals(in.readNBytes(MAGIC.length), MAGIC);
    } catch (IOException e) {
      throw Volumes.unreadable(file, e);
    }
  }

  static Volume read(Path path, ReadOptions options) {
    if (options.frame() != 0) {
      throw Failures.bad(
          path, "frame " + options.frame() + " does not exist, an array has one; choose 0");
    }
    try (DigestInputStream raw =
            new DigestInputStream(Files.newInputStream(path), Hashes.sha256());
        BufferedInputStream in = new BufferedInputStream(raw, 1 << 16)) {
      Header header = header(path, in);
      VoxelArray voxels = voxels(path, header, in);
      if (in.read() >= 0) {
        throw Failures.bad(
            path, "holds more than the " + header.shape() + " array it states; save it again");
      }
      return volume(path, header, voxels, Hashes.hex(raw.getMessageDigest()));
    } catch (IOException e) {
      throw Volumes.unreadable(path, e);
    }
  }

  private static Header header(Path path, InputStream in) throws IOException {
    byte[] start = in.readNBytes(MAGIC.length + 2);
    if (start.length < MAGIC.length + 2) {
      throw truncated(path);
    }
    int version = start[MAGIC.length];
    if (version < 1 || version > 3) {
      throw Failures.bad(path, "npy format " + version + " is unknown; save it with NumPy again");
    }
    byte[] size = in.readNBytes(version == 1 ? 2 : 4);
    if (size.length < (version == 1 ? 2 : 4)) {
      throw truncated(path);
    }
    ByteBuffer sizes = ByteBuffer.wrap(size).order(ByteOrder.LITTLE_ENDIAN);
    int length = version == 1 ? sizes.getShort() & 0xffff : sizes.getInt();
    if (length < 0 || length > MAX_HEADER) {
      throw Failures.bad(path, "has a header of impossible length; save it with NumPy again");
    }
    byte[] text = in.readNBytes(length);
    if (text.length < length) {
      throw truncated(path);
    }
    return parse(path, new String(text, ISO_8859_1));
  }

  private static Header parse(Path path, String text) {
    String descr = field(path, DESCR, text);
    boolean fortran = field(path, ORDER, text).equals("True");
    VoxelType type = descr.isEmpty() ? null : TYPES.get(descr.substring(1));
    char order = descr.isEmpty() ? ' ' : descr.charAt(0);
    if (type == null || "<>|=".indexOf(order) < 0) {
      throw Failures.bad(
          path,
          "holds numbers of type '" + descr + "'; save whole numbers, float16, float32 or float64");
    }
    List<Integer> shape = new ArrayList<>();
    for (String side : field(path, SHAPE, text).split(",", -1)) {
      if (!side.isBlank()) {
        shape.add(side(path, side.strip()));
      }
    }
    while (shape.size() > 3 && shape.getFirst() == 1) {
      shape.removeFirst();
    }
    if (shape.size() != 3) {
      throw Failures.bad(
          path,
          "has the shape ("
              + field(path, SHAPE, text).strip()
              + "), not slices x rows x columns; save one volume alone");
    }
    return new Header(
        type, order == '>' ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN, fortran, shape);
  }

  private static int side(Path path, String written) {
    String text = written.endsWith("L") ? written.substring(0, written.length() - 1) : written;
    // Seven digits fit an int, so that parsing cannot fail.
    int side =
        !text.isEmpty() && text.length() <= 7 && text.chars().allMatch(c -> c >= '0' && c <= '9')
            ? Integer.parseInt(text)
            : 0;
    if (side >= 1 && side <= MAX_SIDE) {
      return side;
    }
    throw Failures.bad(path, "has an axis of length " + written + "; save one volume alone");
  }

  private static String field(Path path, Pattern pattern, String text) {
    Matcher m = pattern.matcher(text);
    if (!m.find()) {
      throw Failures.bad(path, "has a damaged npy header; save it with NumPy again");
    }
    return m.group(1);
  }

  private static VoxelArray voxels(Path path, Header header, InputStream in) throws IOException {
    long bytes = header.voxels() * header.type().bytes;
    if (bytes > Files.size(path)) {
      throw truncated(path);
    }
    VoxelArray voxels;
    try {
      voxels = VoxelArray.read(in, header.type(), header.voxels(), header.order(), 1, 0);
    } catch (OutOfMemoryError e) {
      throw Failures.bad(
          path,
          "takes "
              + Failures.megabytes(bytes)
              + ", the Java heap is "
              + Failures.megabytes(Runtime.getRuntime().maxMemory())
              + "; raise -Xmx",
          e);
    }
    if (voxels == null) {
      throw truncated(path);
    }
    return voxels;
  }

  private static VolumeException truncated(Path path) {
    return Failures.bad(path, "truncated: the array ends early; copy or download it again");
  }

  private static Volume volume(Path path, Header header, VoxelArray voxels, String sha) {
    VoxelStats stats = VoxelStats.of(voxels);
    if (stats.finite() == 0) {
      throw Failures.bad(
          path, "every voxel is NaN or infinite, there is nothing to show; export the file again");
    }
    List<String> warnings = new ArrayList<>();
    if (stats.nonFinite() > 0) {
      warnings.add(
          stats.nonFinite()
              + " of "
              + voxels.length()
              + " voxels are NaN or infinite, shown black");
    }
    // Fastest first, as the voxels lie.
    List<Integer> shape = header.fortran() ? header.shape() : header.shape().reversed();
    double[][] affine = new double[4][4];
    for (int r = 0; r < 3; r++) {
      Arrays.fill(affine[r], Double.NaN);
    }
    return new Volume(
        voxels,
        stats,
        new int[] {shape.get(0), shape.get(1), shape.get(2)},
        affine,
        new double[0][],
        header.fortran() ? Orientation.AS_PRESENTED_FORTRAN : Orientation.AS_PRESENTED,
        false,
        new Provenance(
            path,
            sha,
            Provenance.Kind.NPY,
            "npy",
            header.type().label,
            shape,
            1,
            0,
            "",
            Modality.AUTO,
            warnings));
  }
}
