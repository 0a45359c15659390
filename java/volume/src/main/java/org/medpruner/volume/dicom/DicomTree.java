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
import java.util.HashSet;
import java.util.List;
import java.util.Set;

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
  private final Set<String> identities = new HashSet<>();
  private int other;
  private int notImages;
  private int localizers;
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
        throw e.of(name(i));
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
      faults.add(new Fault(file.dataSet().text(Tag.SERIES_INSTANCE_UID), e.of(name(i))));
      return;
    }
    if (h == null) {
      notImages++;
    } else if (h.localizer) {
      localizers++;
    } else if (!h.instanceUid.isEmpty() && !identities.add(h.identity())) {
      copies++;
    } else {
      h.frames.forEach(f -> slices.add(new Slice(i, h, f)));
    }
  }

  /** "file 3 of 20", the way a message may name one. */
  String name(int file) {
    return files.size() == 1
        ? "the file"
        : "file " + (file + 1) + " of " + files.size() + " in byte order of their paths";
  }

  Path path(int file) {
    return files.get(file);
  }

  /** Whether anything at all was DICOM. */
  boolean isEmpty() {
    return slices.isEmpty() && faults.isEmpty() && notImages == 0 && localizers == 0;
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
        localizers > 0
            ? "holds localizer images only; give the folder of a series, or one of the files"
            : "0 slices: no DICOM file in it holds a picture; give the folder of a series");
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
    count(warnings, localizers, "localizer image", "left out");
    count(warnings, copies, "copy of an image that is there already", "left out");
    count(warnings, unreadable, "file or folder that cannot be opened", "skipped");
  }

  private static void count(List<String> warnings, int n, String what, String done) {
    if (n > 0) {
      warnings.add("left out of the DICOM folder: " + n + " x " + what + " (" + done + ")");
    }
  }
}
