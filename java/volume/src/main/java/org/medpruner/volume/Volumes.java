package org.medpruner.volume;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads volumes:
 *
 * <ul>
 *   <li>NIfTI-1 and NIfTI-2 ({@code .nii}, {@code .hdr}/{@code .img}), plain or gzip (told by
 *       content, not by name), either byte order; datatypes int8 to int64, uint8 to uint64,
 *       float32, float64 and RGB24; {@code scl_slope}/{@code scl_inter}; 3-D, or one frame of a 4-D
 *       file; reoriented to RAS+ by sform, qform or pixdim, as nibabel's {@code
 *       as_closest_canonical} does;
 *   <li>DICOM: a file, or a series in a folder tree, whatever its files are called, in the order of
 *       their positions; uncompressed, deflated, RLE, JPEG baseline and lossless, JPEG 2000;
 *   <li>folders of PNG, JPEG or BMP slices of one size, in byte order of their names; pictures in
 *       or above a folder with DICOM are left out;
 *   <li>arrays of NumPy ({@code .npy}), slices x rows x columns in C or Fortran order; whole
 *       numbers, float16, float32 or float64; presented as indexed.
 * </ul>
 *
 * Stateless and thread-safe.
 */
public final class Volumes {
  private Volumes() {}

  /**
   * {@link #read(Path, ReadOptions)} with the defaults.
   *
   * @param path a file or a folder
   * @return the first frame, of the largest series
   * @throws VolumeException in one line that names the file and the fix
   */
  public static Volume read(Path path) {
    return read(path, ReadOptions.DEFAULT);
  }

  /**
   * Reads a file or a folder completely; sizes are checked against the file before anything is
   * allocated.
   *
   * @param path a file or a folder; symbolic links are followed
   * @param options a frame or a series that the input does not have is refused; a window that it
   *     has no use for is not looked at
   * @return all voxels of one frame in memory; no file stays open
   * @throws VolumeException in one line that names the file and the fix: missing, unreadable,
   *     empty, not a NIfTI or DICOM file, truncated, corrupt, unsupported datatype, impossible
   *     dimensions or affine, no finite voxel, no such frame; for folders no pictures, mixed sizes,
   *     an unreadable picture, 16 bits without a window; or too large for the heap
   */
  public static Volume read(Path path, ReadOptions options) {
    if (Files.isDirectory(path)) {
      return folder(path, options);
    }
    if (!Files.exists(path)) {
      throw Failures.bad(path, "no such file or folder; check the path");
    }
    if (!Files.isRegularFile(path)) {
      throw Failures.bad(path, "not a regular file; copy the data into one first");
    }
    if (DicomReader.isDicom(path)) {
      return java.util.Objects.requireNonNull(DicomReader.read(path, options), "a file");
    }
    refuseSeries(path, options);
    return NpyReader.isNpy(path) ? NpyReader.read(path, options) : NiftiReader.read(path, options);
  }

  /**
   * The files that {@link #read(Path, ReadOptions) read} may take for a file: of a NIfTI pair
   * either half may be given, and only the header says that there are two.
   *
   * @param file not a folder, of which every file below may be read
   * @return the file, then what lies beside it now and may be its other half
   */
  public static List<Path> filesOf(Path file) {
    List<Path> files = new ArrayList<>(List.of(file));
    files.addAll(NiftiReader.otherHalves(file));
    return files;
  }

  private static Volume folder(Path path, ReadOptions options) {
    boolean pictures = PictureListing.holdsPictures(path) && !DicomReader.holdsDicom(path);
    Volume dicom = pictures ? null : DicomReader.read(path, options);
    if (dicom != null) {
      return dicom;
    }
    refuseSeries(path, options);
    return PictureFolder.read(path, options);
  }

  private static void refuseSeries(Path path, ReadOptions options) {
    if (options.series() != null) {
      throw Failures.bad(path, "a series was chosen, but this is not DICOM; leave the series out");
    }
  }

  static VolumeException unreadable(Path path, IOException e) {
    return switch (e) {
      case NoSuchFileException x -> Failures.bad(path, "no such file or folder; check the path", x);
      case AccessDeniedException x ->
          Failures.bad(path, "permission denied; make it readable for this user", x);
      default -> Failures.bad(path, "cannot be read (" + reason(e) + "); check the file", e);
    };
  }

  private static String reason(IOException e) {
    String reason = e instanceof FileSystemException x ? x.getReason() : e.getMessage();
    return reason == null ? e.getClass().getSimpleName() : reason;
  }
}
