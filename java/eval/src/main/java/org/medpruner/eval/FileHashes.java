package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.medpruner.InputException;

/** SHA-256 of what a run depends on. */
final class FileHashes {
  /** What a checkpoint consists of; a note beside it changes nothing. */
  private static final Set<String> CHECKPOINT =
      Set.of("json", "safetensors", "jinja", "model", "txt", "tiktoken");

  private FileHashes() {}

  /** Of names and contents of the files that lie directly in a checkpoint folder. */
  static String checkpoint(Path folder) {
    return ofListing(folder, list(folder, 1).filter(FileHashes::isOfCheckpoint).toList());
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
      found = true;
      // M3D's slices lie directly in the volume's folder, a DICOM series may lie deeper.
      list(path, Integer.MAX_VALUE)
          .forEach(f -> text.append(' ').append(path.relativize(f)).append(' ').append(size(f)));
      text.append('\n');
    }
    if (!found) {
      throw new InputException(
          folder
              + ": none of the "
              + volumes.size()
              + " volumes is there, the first should be "
              + volumes.iterator().next()
              + "; check --data");
    }
    return of(text.toString());
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

  /** Regular files below a folder, or the file itself, sorted. */
  private static Stream<Path> list(Path folder, int depth) {
    try (Stream<Path> all = Files.walk(folder, depth)) {
      return all.filter(Files::isRegularFile).sorted().toList().stream();
    } catch (IOException | UncheckedIOException e) {
      throw new InputException(folder + ": cannot be listed: " + e, e);
    }
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
