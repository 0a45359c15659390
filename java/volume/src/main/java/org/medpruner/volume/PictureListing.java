package org.medpruner.volume;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** Which files of a folder are slices; what else lies there is counted. */
final class PictureListing {
  private static final Set<String> EXTENSIONS = Set.of("png", "jpg", "jpeg", "bmp");

  /** Pictures that might be slices too, but that nothing here reads. */
  private static final Set<String> OTHER_FORMATS =
      Set.of("tif", "tiff", "gif", "webp", "jp2", "j2k", "jfif", "heic", "pgm", "ppm", "pnm");

  private final List<Path> pictures = new ArrayList<>();
  private int otherFormats;
  private int nifti;
  private int arrays;
  private int folders;

  private PictureListing() {}

  /** Whether a picture lies directly in a folder. */
  static boolean holdsPictures(Path folder) {
    return !list(folder).pictures.isEmpty();
  }

  /**
   * The pictures in byte order of their names.
   *
   * @param warnings gets what was left out
   */
  static List<Path> of(Path folder, List<String> warnings) {
    PictureListing l = list(folder);
    if (l.pictures.isEmpty()) {
      throw Failures.bad(
          folder,
          "0 slices: the folder holds no .png, .jpg, .jpeg or .bmp file and no DICOM; check the"
              + " path"
              + l.hint());
    }
    l.pictures.sort((a, b) -> Arrays.compareUnsigned(nameBytes(a), nameBytes(b)));
    warnIfNaturalOrderDiffers(l.pictures, warnings);
    l.warnAboutOthers(warnings);
    return l.pictures;
  }

  private static PictureListing list(Path folder) {
    PictureListing l = new PictureListing();
    try (DirectoryStream<Path> all = Files.newDirectoryStream(folder)) {
      all.forEach(l::add);
    } catch (IOException e) {
      throw Volumes.unreadable(folder, e);
    } catch (DirectoryIteratorException e) {
      throw Failures.bad(folder, "cannot be listed; check the folder", e);
    }
    return l;
  }

  /** Hidden files are not slices. A link to nothing is one that cannot be read. */
  private void add(Path p) {
    String name = FileNames.of(p).toLowerCase(Locale.ROOT);
    if (name.startsWith(".")) {
      return;
    }
    String extension = name.substring(name.lastIndexOf('.') + 1);
    boolean file = Files.isRegularFile(p) || isBroken(p);
    if (Files.isDirectory(p)) {
      folders++;
    } else if (file && EXTENSIONS.contains(extension)) {
      pictures.add(p);
    } else if (file && OTHER_FORMATS.contains(extension)) {
      otherFormats++;
    } else if (file && (name.endsWith(".nii") || name.endsWith(".nii.gz"))) {
      nifti++;
    } else if (file && extension.equals("npy")) {
      arrays++;
    }
  }

  /** Whether this is a link to a file that is not there. */
  static boolean isBroken(Path p) {
    return Files.isSymbolicLink(p) && !Files.exists(p);
  }

  private String hint() {
    if (nifti + arrays > 0) {
      return " (give the " + (nifti > 0 ? "NIfTI" : ".npy") + " file in it instead)";
    }
    return otherFormats > 0 ? " (convert its pictures of other formats to PNG first)" : "";
  }

  private void warnAboutOthers(List<String> warnings) {
    List<String> what = new ArrayList<>();
    count(what, otherFormats, "picture of another format than PNG, JPEG and BMP");
    count(what, nifti, "NIfTI file");
    count(what, arrays, ".npy file");
    count(what, folders, "folder");
    if (!what.isEmpty()) {
      warnings.add("not read beside the pictures: " + String.join(", ", what));
    }
  }

  private static void count(List<String> what, int n, String kind) {
    if (n > 0) {
      what.add(n + " x " + kind);
    }
  }

  private static byte[] nameBytes(Path p) {
    return FileNames.of(p).getBytes(StandardCharsets.UTF_8);
  }

  private static void warnIfNaturalOrderDiffers(List<Path> files, List<String> warnings) {
    for (int i = 1; i < files.size(); i++) {
      String a = FileNames.of(files.get(i - 1));
      String b = FileNames.of(files.get(i));
      if (NaturalOrder.compare(a, b) > 0) {
        warnings.add(
            Failures.oneLine(
                "slices are in byte order of their names, so "
                    + a
                    + " comes before "
                    + b
                    + "; pad the numbers with zeros if that is wrong"));
        return;
      }
    }
  }
}
