package org.medpruner.volume;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;

/** Files that are no volume this module reads: what they are and what to do with them. */
final class ForeignFile {
  /** Bytes of a file that {@link #refuse} looks at: a tar archive says so behind 257. */
  static final int BYTES = 264;

  /** What a kind of file has at one place. */
  private record Kind(int at, String bytes, String remedy) {
    boolean is(String start) {
      return start.startsWith(bytes, at);
    }
  }

  private static final String UNPACK = "; unpack it and give the file or folder in it";

  private static final List<Kind> KINDS =
      List.of(
          new Kind(0, "PK\3\4", "a zip archive" + UNPACK),
          new Kind(257, "ustar", "a tar archive" + UNPACK),
          new Kind(0, "7z\u00bc\u00af", "a 7z archive" + UNPACK),
          new Kind(0, "BZh", "compressed with bzip2" + UNPACK),
          new Kind(0, "\u00fd7zXZ", "compressed with xz" + UNPACK),
          new Kind(0, "(\u00b5/\u00fd", "compressed with zstd" + UNPACK),
          new Kind(0, "NRRD", "an NRRD file; convert it to NIfTI"),
          new Kind(0, "ObjectType", "a MetaImage file; convert it to NIfTI"),
          new Kind(0, "NDims", "a MetaImage file; convert it to NIfTI"),
          new Kind(0, "\u0089HDF", "an HDF5 file, as MINC 2 is; convert it to NIfTI"),
          new Kind(0, "CDF", "a NetCDF file, as MINC 1 is; convert it to NIfTI"),
          new Kind(0, "\0\0\0\1", "perhaps an MGH file; convert it to NIfTI with mri_convert"),
          new Kind(0, "II*\0", "a TIFF file; convert its slices to a folder of PNG files"),
          new Kind(0, "MM\0*", "a TIFF file; convert its slices to a folder of PNG files"),
          new Kind(0, "GIF8", "a GIF file; convert its slices to a folder of PNG files"));

  private ForeignFile() {}

  /** Whether a file that starts so is DICOM. */
  static boolean isDicom(byte[] start) {
    return new String(start, StandardCharsets.ISO_8859_1).startsWith("DICM", 128);
  }

  /**
   * The refusal of a file.
   *
   * @param start its first {@link #BYTES} bytes, decompressed where it is gzip; fewer of a short
   *     one
   * @param gzip whether it is gzip
   */
  static VolumeException refuse(Path path, byte[] start, boolean gzip) {
    if (start.length == 0) {
      return Failures.bad(
          path,
          "the file is empty; give a NIfTI or DICOM file, or a folder of DICOM, PNG, JPEG or BMP"
              + " slices");
    }
    if (PictureFolder.looksLikePicture(start)) {
      return Failures.bad(path, "a single picture; give the folder that holds the slices");
    }
    String text = new String(start, StandardCharsets.ISO_8859_1);
    if (gzip && isDicom(start)) {
      // The name of a DICOM file may be the patient's.
      return new VolumeException("DICOM file: compressed with gzip; unpack it with gunzip first");
    }
    return KINDS.stream()
        .filter(k -> k.is(text))
        .findFirst()
        .map(k -> Failures.bad(path, k.remedy))
        .orElseGet(
            () ->
                Failures.bad(
                    path,
                    "neither a NIfTI nor a DICOM file; give one, or a folder of DICOM, PNG, JPEG or"
                        + " BMP slices"));
  }
}
