package org.medpruner.volume.dicom;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The pictures of one file or of a folder and everything below it. What is no picture is counted,
 * never named: file names may name the patient, so a file at fault is told by its place in the byte
 * order of all paths, the order of {@code find -L DIR -type f | LC_ALL=C sort}.
 */
final class DicomTree {
  /** A study has thousands of files; this many are a disk. */
  private static final int MAX_FILES = 100_000;

  private static final int MAX_DEPTH = 64;

  private final List<Path> files = new ArrayList<>();
  private final List<Slice> slices = new ArrayList<>();
  private final List<Fault> faults = new ArrayList<>();
  private final Copies seen = new Copies();
  private int other;
  private int notImages;
  private final List<Slice> localizers = new ArrayList<>();
  private int copies;
  private int unreadable;

  /** An image that cannot be used, and the series that lacks it. */
  private record Fault(String seriesUid, DicomException why) {}

  private DicomTree() {}

  /** One file; whatever it is, it is what was asked for. */
  static DicomTree file(Path path) throws DicomException {
    DicomTree t = new DicomTree();
    t.files.add(path);
    try (DicomFile file = DicomFile.open(path, null)) {
      ImageHeader h = ImageHeader.of(file);
      if (h == null) {
        throw new DicomException(
            "holds no picture of a patient but a directory, a report or a segmentation; give the"
                + " folder of the series");
      }
      h.frames.forEach(f -> t.slices.add(new Slice(0, h, f)));
    }
    return t;
  }

  /** All files below a folder; not one of them needs to be DICOM. */
  static DicomTree folder(Path folder) throws DicomException {
    DicomTree t = new DicomTree();
    t.list(folder);
    for (int i = 0; i < t.files.size(); i++) {
      t.add(i);
    }
    return t;
  }

  /** Whether anything below a folder starts like DICOM; what cannot be opened does not count. */
  static boolean holdsDicom(Path folder) throws IOException {
    boolean[] found = {false};
    int[] seen = {0};
    Files.walkFileTree(
        folder,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS),
        MAX_DEPTH,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
            try {
              found[0] = a.isRegularFile() && DicomFile.looksLikeDicom(start(file));
            } catch (IOException e) {
              // The next one may open.
            }
            return found[0] || ++seen[0] > MAX_FILES
                ? FileVisitResult.TERMINATE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFileFailed(Path file, IOException e) {
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path dir, @Nullable IOException e) {
            return FileVisitResult.CONTINUE;
          }
        });
    return found[0];
  }

  private void list(Path folder) throws DicomException {
    boolean[] tooMany = {false};
    try {
      Files.walkFileTree(
          folder,
          EnumSet.of(FileVisitOption.FOLLOW_LINKS),
          MAX_DEPTH,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
              if (a.isRegularFile()) {
                files.add(file);
              } else if (a.isSymbolicLink()) {
                // One that was followed is what it points to; this one points to nothing.
                unreadable++;
              }
              tooMany[0] = files.size() > MAX_FILES;
              return tooMany[0] ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) {
              unreadable++;
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path dir, IOException e) {
              unreadable += e == null ? 0 : 1;
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw DicomStream.unreadable(e);
    }
    if (tooMany[0]) {
      throw new DicomException(
          "holds more than " + MAX_FILES + " files; give the folder of one study");
    }
    files.sort((a, b) -> Arrays.compareUnsigned(bytes(a), bytes(b)));
  }

  private static byte[] bytes(Path p) {
    return p.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The first bytes of a file. */
  static byte[] start(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return in.readNBytes(DicomFile.SNIFF_BYTES);
    }
  }

  private void add(int i) throws DicomException {
    byte[] start;
    try {
      start = start(files.get(i));
    } catch (IOException e) {
      unreadable++;
      return;
    }
    if (!DicomFile.looksLikeDicom(start)) {
      other++;
      return;
    }
    DicomFile file;
    try {
      file = DicomFile.open(files.get(i), null);
    } catch (DicomException e) {
      if (DicomFile.isPart10(start)) {
        throw blamed(i, e);
      }
      other++;
      return;
    }
    try (file) {
      add(i, file);
    }
  }

  private void add(int i, DicomFile file) {
    ImageHeader h;
    try {
      h = ImageHeader.of(file);
    } catch (DicomException e) {
      faults.add(new Fault(file.dataSet().text(Tag.SERIES_INSTANCE_UID), blamed(i, e)));
      return;
    }
    if (h == null) {
      notImages++;
    } else if (h.localizer) {
      localizers.add(new Slice(i, h, h.frames.get(0)));
    } else if (seen.holds(files.get(i), h, file)) {
      copies++;
    } else {
      h.frames.forEach(f -> slices.add(new Slice(i, h, f)));
    }
  }

  /** The failure with "file 3 of 20" before it, the way a message may name one of several. */
  DicomException blamed(int file, DicomException e) {
    return files.size() == 1
        ? e
        : new DicomException(
            "file "
                + (file + 1)
                + " of "
                + files.size()
                + " in byte order of their paths: "
                + e.getMessage());
  }

  Path path(int file) {
    return files.get(file);
  }

  /** Whether anything at all was DICOM. */
  boolean isEmpty() {
    return slices.isEmpty() && faults.isEmpty() && notImages == 0 && localizers.isEmpty();
  }

  /**
   * The pictures.
   *
   * @throws DicomException saying what was there instead when there are none
   */
  List<Slice> slices() throws DicomException {
    if (!slices.isEmpty()) {
      return slices;
    }
    if (!faults.isEmpty()) {
      throw faults.get(0).why;
    }
    throw new DicomException(
        !localizers.isEmpty()
            ? "holds localizer images only; give the folder of a series, or one of the files"
            : "0 slices: no DICOM file in it holds a picture; give the folder of a series");
  }

  /** The localizer images, one entry a file; they are left out. */
  List<Slice> localizers() {
    return localizers;
  }

  /** Refuses a series of which an image cannot be used, and says what else was left out. */
  void report(Series chosen, List<String> warnings) throws DicomException {
    for (Fault f : faults) {
      if (f.seriesUid.equals(chosen.uid())) {
        throw f.why;
      }
    }
    count(warnings, faults.size(), "DICOM image of other series", "cannot be used");
    count(warnings, other, "file that is not DICOM", "skipped");
    count(warnings, notImages, "DICOM object without a picture of the patient", "skipped");
    count(warnings, localizers.size(), "localizer image", "left out");
    count(warnings, copies, "copy of an image that is there already", "left out");
    count(warnings, unreadable, "file or folder that cannot be opened", "skipped");
  }

  private static void count(List<String> warnings, int n, String what, String done) {
    if (n > 0) {
      warnings.add("left out of the DICOM folder: " + n + " x " + what + " (" + done + ")");
    }
  }
}
