package org.medpruner.cli;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.EnumSet;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.volume.Volumes;

/** Keeps what a run reads from being replaced by what it writes. */
final class InputFiles {
  private InputFiles() {}

  /**
   * Refuses a target that exists and is a volume's file, the other half of its pair, or any file
   * below its folder.
   *
   * @param input a volume, which may be missing
   */
  static void refuse(String option, Target target, Path input) {
    boolean read;
    try {
      read = Files.isDirectory(input) ? holds(input, target.file()) : isPart(input, target.file());
    } catch (IOException e) {
      // What cannot be looked at is refused with its own reason when it is read.
      return;
    }
    if (read) {
      throw new InputException(
          option
              + " "
              + target.named()
              + " would replace a file of --volume; choose another place");
    }
  }

  private static boolean isPart(Path input, Path target) throws IOException {
    if (!Files.exists(input)) {
      return false;
    }
    for (Path file : Volumes.filesOf(input)) {
      if (Files.isSameFile(file, target)) {
        return true;
      }
    }
    return false;
  }

  private static boolean holds(Path folder, Path target) throws IOException {
    if (target.toRealPath().startsWith(folder.toRealPath())) {
      return true;
    }
    // Links lead out of the folder, and readers follow them.
    Object key = Files.readAttributes(target, BasicFileAttributes.class).fileKey();
    boolean[] found = {false};
    Files.walkFileTree(
        folder,
        EnumSet.of(FileVisitOption.FOLLOW_LINKS),
        Integer.MAX_VALUE,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
            found[0] = key != null && key.equals(a.fileKey());
            return found[0] ? FileVisitResult.TERMINATE : FileVisitResult.CONTINUE;
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
}
