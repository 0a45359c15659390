package org.medpruner.volume;

import java.nio.file.Path;
import java.util.List;

/**
 * Where a volume comes from.
 *
 * @param path as given to {@link Volumes#read}; of DICOM, whose file names may name the patient,
 *     "dicom-" and the first 12 digits of {@code sha256}
 * @param sha256 of the file's bytes as stored (compressed ones when compressed), lower-case hex.
 *     For several files (a folder, a .hdr/.img pair) the SHA-256 of the text that {@code sha256sum}
 *     prints for them in the order they are read: {@code <hex><space><space><name>\n} each. For
 *     several DICOM files, whose names tell nothing, of their hashes alone, sorted: {@code <hex>\n}
 *     each
 * @param kind what to decide by
 * @param format the same in words, to be shown: "NIfTI-1", "NIfTI-2", "NIfTI-1 pair", "NIfTI-2
 *     pair", "pictures", "npy" or "DICOM"
 * @param dtype number type in the file ("int16", "float32", "rgb24", ...)
 * @param shape the file's own dimensions, fastest first, with the frames as the fourth when the
 *     file is 4-D; columns, rows and files for a folder
 * @param frames number of frames (1 unless 4-D)
 * @param frame the one that was read
 * @param orientation where the file's three axes point ("RAS", "LPI", ...), "" when unknown
 * @param modality what the file states, {@link Modality#AUTO} when it does not
 * @param warnings what a reader should know about this input, one line each
 */
public record Provenance(
    Path path,
    String sha256,
    Kind kind,
    String format,
    String dtype,
    List<Integer> shape,
    int frames,
    int frame,
    String orientation,
    Modality modality,
    List<String> warnings) {

  /** What a volume was read from. */
  public enum Kind {
    /** A NIfTI file or a .hdr/.img pair. */
    NIFTI,
    /** A folder of PNG, JPEG or BMP slices. */
    PICTURES,
    /** An array of NumPy. */
    NPY,
    /** DICOM files, whose names may name the patient. */
    DICOM
  }

  /** Copies the lists. */
  public Provenance {
    shape = List.copyOf(shape);
    warnings = List.copyOf(warnings);
  }
}
