package org.medpruner.volume;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/** Reads NIfTI-1 and NIfTI-2, single files and .hdr/.img pairs, plain or gzip. */
final class NiftiReader {
  /** Deflate cannot expand further (258 bytes from 2 bits); a bound on what a file can hold. */
  private static final long MAX_DEFLATE_RATIO = 1032;

  /** How far a gzip stream is read past the data the header states, to reach its checksum. */
  private static final long MAX_TRAILING = 1 << 20;

  private static final Pattern IMAGE_NAME =
      Pattern.compile("(.*)\\.img(\\.gz)?", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private static final Pattern HEADER_NAME =
      Pattern.compile("(.*)\\.(hdr|nii)(\\.gz)?", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

  private NiftiReader() {}

  static Volume read(Path path, ReadOptions options) {
    boolean voxelsGiven = IMAGE_NAME.matcher(FileNames.of(path)).matches();
    Path headerPath = voxelsGiven ? headerOf(path) : path;
    try (Source source = Source.open(headerPath)) {
      byte[] raw = header(headerPath, source);
      NiftiHeader header = NiftiHeader.parse(headerPath, raw);
      checkFrame(path, header, options.frame());
      List<String> warnings = new ArrayList<>(header.warnings);
      VoxelArray voxels;
      String sha;
      if (header.pair) {
        source.finish(MAX_TRAILING);
        Path data = voxelsGiven ? path : dataOf(headerPath);
        try (Source image = Source.open(data)) {
          voxels = voxels(data, image, header, 0, options.frame(), warnings);
          sha =
              Hashes.ofListing(
                  List.of(FileNames.of(headerPath), FileNames.of(data)),
                  List.of(source.sha256(), image.sha256()));
        }
      } else {
        voxels = voxels(path, source, header, raw.length, options.frame(), warnings);
        sha = source.sha256();
      }
      return volume(path, header, voxels, sha, options.frame(), warnings);
    }
  }

  private static Volume volume(
      Path path,
      NiftiHeader header,
      VoxelArray voxels,
      String sha,
      int frame,
      List<String> warnings) {
    VoxelStats stats = VoxelStats.of(voxels);
    if (stats.finite() == 0) {
      throw Failures.bad(
          path, "every voxel is NaN or infinite, there is nothing to show; export the file again");
    }
    if (stats.nonFinite() > 0) {
      warnings.add(
          stats.nonFinite()
              + " of "
              + voxels.length()
              + " voxels are NaN or infinite, shown black");
    }
    if (header.dims[3] > 1) {
      warnings.add("4-D file: frame " + frame + " of " + header.dims[3] + " (from 0) was read");
    }
    Orientation orientation = Orientation.of(header.affine);
    if (orientation == null) {
      throw Failures.bad(
          path, "the affine is singular, so directions are unknown; repair the orientation");
    }
    List<Integer> shape = new ArrayList<>();
    for (int i = 0; i < (header.rank > 3 ? 4 : 3); i++) {
      shape.add(header.dims[i]);
    }
    Provenance provenance =
        new Provenance(
            path,
            sha,
            Provenance.Kind.NIFTI,
            "NIfTI-" + header.version + (header.pair ? " pair" : ""),
            header.type.label,
            shape,
            header.dims[3],
            frame,
            orientation.code(),
            Modality.AUTO,
            warnings);
    int[] spatial = {header.dims[0], header.dims[1], header.dims[2]};
    return new Volume(
        voxels, stats, spatial, header.affine, new double[0][], orientation, true, provenance);
  }

  private static void checkFrame(Path path, NiftiHeader header, int frame) {
    int frames = header.dims[3];
    if (frame < 0 || frame >= frames) {
      throw Failures.bad(
          path,
          "frame "
              + frame
              + " does not exist, the file has "
              + frames
              + "; choose 0 to "
              + (frames - 1));
    }
  }

  private static byte[] header(Path path, Source source) {
    byte[] start = source.readUpTo(4);
    int version = NiftiHeader.version(start);
    byte[] rest =
        source.readUpTo((version == 0 ? ForeignFile.BYTES : NiftiHeader.size(version)) - 4);
    byte[] all = new byte[start.length + rest.length];
    System.arraycopy(start, 0, all, 0, start.length);
    System.arraycopy(rest, 0, all, start.length, rest.length);
    // The preamble of a DICOM file may hold anything: Siemens scanners begin it as NIfTI does.
    if (version == 0 || ForeignFile.isDicom(all)) {
      throw ForeignFile.refuse(path, all, source.gzip);
    }
    if (all.length < NiftiHeader.size(version)) {
      throw Failures.bad(
          path,
          "truncated: "
              + all.length
              + " of "
              + NiftiHeader.size(version)
              + " header bytes;"
              + " copy the file again");
    }
    return all;
  }

  /** Reads one frame and checks that the rest of the data is there too. */
  private static VoxelArray voxels(
      Path path,
      Source source,
      NiftiHeader header,
      long consumed,
      int frame,
      List<String> warnings) {
    long frameBytes = header.frameBytes();
    long total = frameBytes * header.dims[3];
    long end;
    try {
      end = Math.addExact(header.voxOffset, total);
    } catch (ArithmeticException e) {
      throw tooShort(path, header, source.holds(), e);
    }
    if (header.voxOffset > source.holds()) {
      throw Failures.bad(
          path,
          "vox_offset is " + header.voxOffset + ", beyond the end of the file; export it again");
    }
    if (end > source.holds()) {
      throw tooShort(path, header, source.holds(), null);
    }
    if (frameBytes > Runtime.getRuntime().maxMemory()) {
      throw noHeap(path, frameBytes, null);
    }
    long skip = header.voxOffset - consumed + frame * frameBytes;
    if (source.skip(skip) < skip) {
      throw tooShort(path, header, -1, null);
    }
    @Nullable VoxelArray voxels;
    try {
      voxels =
          source.voxels(
              header.type, header.voxelsPerFrame(), header.order, header.slope, header.intercept);
    } catch (OutOfMemoryError e) {
      throw noHeap(path, frameBytes, e);
    }
    if (voxels == null) {
      throw tooShort(path, header, -1, null);
    }
    long rest = total - (frame + 1) * frameBytes;
    if (source.skip(rest) < rest) {
      throw tooShort(path, header, -1, null);
    }
    if (!source.finish(MAX_TRAILING)) {
      warnings.add(
          "the file holds much more data than its header states; the rest was not read and the"
              + " gzip checksum not verified");
    }
    return voxels;
  }

  private static VolumeException tooShort(
      Path path, NiftiHeader header, long holds, @Nullable Throwable cause) {
    return Failures.bad(
        path,
        "truncated: the header states "
            + header.shapeText()
            + " "
            + header.type.label
            + " at byte "
            + header.voxOffset
            + (holds < 0
                ? ", but the data ends early"
                : ", the file can hold at most " + holds + " bytes")
            + "; copy or download it again",
        cause);
  }

  private static VolumeException noHeap(Path path, long bytes, @Nullable Throwable cause) {
    return Failures.bad(
        path,
        "one frame takes "
            + Failures.megabytes(bytes)
            + ", the Java heap is "
            + Failures.megabytes(Runtime.getRuntime().maxMemory())
            + "; raise -Xmx",
        cause);
  }

  /** Whether a file is called as the voxels of a pair are, and its header is there. */
  static boolean isImageOfPair(Path path) {
    Matcher image = IMAGE_NAME.matcher(FileNames.of(path));
    return image.matches() && sibling(path, image.group(1), "hdr") != null;
  }

  private static Path headerOf(Path image) {
    Matcher named = IMAGE_NAME.matcher(FileNames.of(image));
    return otherHalf(image, "header", named.matches() ? named.group(1) : "", "hdr");
  }

  private static Path dataOf(Path header) {
    return otherHalf(header, "voxels", stemOfHeader(header), "img");
  }

  /** A header may have no ending of its own. */
  private static String stemOfHeader(Path header) {
    Matcher named = HEADER_NAME.matcher(FileNames.of(header));
    return named.matches() ? named.group(1) : FileNames.of(header);
  }

  /** What is there and may be the other half of a file, if that is one of a pair. */
  static List<Path> otherHalves(Path path) {
    Matcher image = IMAGE_NAME.matcher(FileNames.of(path));
    return image.matches()
        ? siblings(path, image.group(1), "hdr")
        : siblings(path, stemOfHeader(path), "img");
  }

  private static @Nullable Path sibling(Path path, String stem, String ending) {
    List<Path> all = siblings(path, stem, ending);
    return all.isEmpty() ? null : all.getFirst();
  }

  /**
   * What may be the other half of a pair; files from other systems may be called in capitals. The
   * one that is compressed as the given one goes first: a folder may hold a pair of each kind.
   */
  private static List<Path> siblings(Path path, String stem, String ending) {
    List<Path> all = new ArrayList<>();
    boolean gzip = FileNames.of(path).toLowerCase(Locale.ROOT).endsWith(".gz");
    for (String e : List.of(gzip ? ending + ".gz" : ending, gzip ? ending : ending + ".gz")) {
      for (String name : List.of(stem + "." + e, stem + "." + e.toUpperCase(Locale.ROOT))) {
        Path other = path.resolveSibling(name);
        if (Files.isRegularFile(other)) {
          all.add(other);
        }
      }
    }
    return all;
  }

  private static Path otherHalf(Path path, String what, String stem, String ending) {
    Path other = sibling(path, stem, ending);
    if (other != null) {
      return other;
    }
    throw Failures.bad(
        path,
        "one half of a pair, the "
            + what
            + " should be in "
            + stem
            + "."
            + ending
            + ", which is missing; put both files into one folder");
  }

  /** One file, decompressed when it is gzip, hashed as stored; every failure names the file. */
  private static final class Source implements AutoCloseable {
    private final Path path;
    private final DigestInputStream raw;
    private final InputStream in;
    private final boolean gzip;
    private final long size;

    private Source(Path path, DigestInputStream raw, InputStream in, boolean gzip, long size) {
      this.path = path;
      this.raw = raw;
      this.in = in;
      this.gzip = gzip;
      this.size = size;
    }

    static Source open(Path path) {
      InputStream file = null;
      try {
        long size = Files.size(path);
        file = Files.newInputStream(path);
        DigestInputStream raw = new DigestInputStream(file, Hashes.sha256());
        BufferedInputStream buffered = new BufferedInputStream(raw, 1 << 16);
        buffered.mark(2);
        boolean gzip = buffered.read() == 0x1f && buffered.read() == 0x8b;
        buffered.reset();
        InputStream in = gzip ? new GZIPInputStream(buffered, 1 << 16) : buffered;
        return new Source(path, raw, in, gzip, size);
      } catch (IOException e) {
        if (file != null) {
          try {
            file.close();
          } catch (IOException suppressed) {
            e.addSuppressed(suppressed);
          }
        }
        throw failure(path, e);
      }
    }

    /** The most bytes this file can decompress to. */
    long holds() {
      return gzip ? size * MAX_DEFLATE_RATIO : size;
    }

    byte[] readUpTo(int n) {
      try {
        return in.readNBytes(n);
      } catch (IOException e) {
        throw failure(path, e);
      }
    }

    @Nullable VoxelArray voxels(
        VoxelType type, long length, ByteOrder order, double slope, double intercept) {
      try {
        return VoxelArray.read(in, type, length, order, slope, intercept);
      } catch (IOException e) {
        throw failure(path, e);
      }
    }

    /** Skips by reading: a file's own skip goes past its end. Returns what was there. */
    long skip(long n) {
      byte[] sink = new byte[1 << 16];
      long done = 0;
      try {
        while (done < n) {
          int k = in.read(sink, 0, (int) Math.min(sink.length, n - done));
          if (k < 0) {
            break;
          }
          done += k;
        }
      } catch (IOException e) {
        throw failure(path, e);
      }
      return done;
    }

    /**
     * Reads to the end: verifies the gzip checksum and completes the hash.
     *
     * @return false when more than {@code limit} decompressed bytes were left (gzip only)
     */
    boolean finish(long limit) {
      boolean ended = !gzip || skip(limit + 1) <= limit;
      byte[] sink = new byte[1 << 16];
      try {
        int n;
        do {
          n = raw.read(sink);
        } while (n >= 0);
      } catch (IOException e) {
        throw failure(path, e);
      }
      return ended;
    }

    String sha256() {
      return Hashes.hex(raw.getMessageDigest());
    }

    private static VolumeException failure(Path path, IOException e) {
      return switch (e) {
        case EOFException x ->
            Failures.bad(path, "truncated gzip: it ends early; copy or download it again", x);
        case ZipException x ->
            Failures.bad(
                path, "corrupt gzip (" + x.getMessage() + "); copy or download it again", x);
        default -> Volumes.unreadable(path, e);
      };
    }

    @Override
    public void close() {
      try {
        in.close();
      } catch (IOException e) {
        throw failure(path, e);
      }
    }
  }
}
