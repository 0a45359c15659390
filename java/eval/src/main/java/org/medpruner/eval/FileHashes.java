package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/** SHA-256 of what a run depends on. */
final class FileHashes {
  /** What a checkpoint consists of; a note beside it changes nothing. */
  private static final Set<String> CHECKPOINT =
      Set.of("json", "safetensors", "jinja", "model", "txt", "tiktoken");

  private FileHashes() {}

  /**
   * Of names and contents of the files that lie directly in a checkpoint folder, which may be a
   * symbolic link or consist of such.
   *
   * @throws InputException if it holds none, so that two checkpoints would look alike
   */
  static String checkpoint(Path folder) {
    List<Path> files = list(folder, 1).stream().filter(FileHashes::isOfCheckpoint).toList();
    if (files.isEmpty()) {
      throw new InputException(folder + ": holds no file of a checkpoint; check --model");
    }
    return ofListing(folder, files);
  }

  private static boolean isOfCheckpoint(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return !name.startsWith(".") && CHECKPOINT.contains(name.substring(name.lastIndexOf('.') + 1));
  }

  /** Of names, relative to a folder, and contents of files. */
  static String ofListing(Path folder, List<Path> files) {
    StringBuilder text = new StringBuilder();
    for (Path f : files) {
      text.append(ofFile(f)).append("  ").append(folder.relativize(f)).append('\n');
    }
    return of(text.toString());
  }

  /**
   * Of names and sizes of the files of volumes, which may be missing.
   *
   * @param volumes relative to the folder
   * @throws InputException if none is there
   */
  static String ofSizes(Path folder, Collection<String> volumes) {
    StringBuilder text = new StringBuilder();
    boolean found = false;
    for (String volume : volumes) {
      Path path = folder.resolve(volume);
      text.append(volume);
      if (!Files.exists(path)) {
        text.append(" missing\n");
        continue;
      }
      // M3D's slices lie directly in the volume's folder, a DICOM series may lie deeper.
      List<Path> files = list(path, Integer.MAX_VALUE);
      found |= !files.isEmpty();
      files.forEach(f -> text.append(' ').append(path.relativize(f)).append(' ').append(size(f)));
      text.append('\n');
    }
    if (!found) {
      throw new InputException(
          folder
              + ": none of the "
              + volumes.size()
              + " volumes is there with any file, the first should be "
              + volumes.iterator().next()
              + "; check --data");
    }
    return of(text.toString());
  }

  /** When the file of a volume that changed last did so; null where it has none. */
  static @Nullable Instant lastModified(Path volume) {
    if (!Files.exists(volume)) {
      return null;
    }
    Instant last = null;
    for (Path file : list(volume, Integer.MAX_VALUE)) {
      Instant time = modified(file);
      last = last == null || time.isAfter(last) ? time : last;
    }
    return last;
  }

  private static Instant modified(Path file) {
    try {
      return Files.getLastModifiedTime(file).toInstant();
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
  }

  static String of(String text) {
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(UTF_8)));
  }

  private static String ofFile(Path file) {
    try (InputStream in = Files.newInputStream(file);
        DigestInputStream digest = new DigestInputStream(in, sha256())) {
      digest.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(digest.getMessageDigest().digest());
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
  }

  /**
   * Regular files below a folder, or the file itself, sorted. Symbolic links are followed, the
   * folder's own too, as those who read the files do; what leads nowhere, or back to a folder above
   * itself, holds no file.
   */
  private static List<Path> list(Path folder, int depth) {
    List<Path> files = new ArrayList<>();
    try {
      Files.walkFileTree(
          folder,
          EnumSet.of(FileVisitOption.FOLLOW_LINKS),
          depth,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes a) {
              if (a.isRegularFile()) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException e) throws IOException {
              if (e instanceof FileSystemLoopException) {
                return FileVisitResult.CONTINUE;
              }
              throw e;
            }
          });
    } catch (IOException e) {
      throw new InputException(folder + ": cannot be listed: " + e, e);
    }
    Collections.sort(files);
    return files;
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
