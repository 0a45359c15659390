package org.medpruner.eval.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * Finds volumes that a table names, wherever below the data folder they lie: CT-RATE nests them
 * three folders deep, and copies hold {@code .npy} where the table says {@code .nii.gz}.
 */
final class VolumeIndex {
  private static final Pattern EXTENSION = Pattern.compile("\\.(nii|nii\\.gz|npy)$");

  private final Path data;
  private @Nullable Map<String, List<Path>> byStem;

  VolumeIndex(Path data) {
    this.data = data;
  }

  /**
   * The volume's name relative to the data folder: the file the table names, or one whose path ends
   * like it, whatever its extension. As it is in the table when there is none.
   */
  String find(String name) {
    if (Files.exists(data.resolve(name))) {
      return relative(data, data.resolve(name));
    }
    String wanted = "/" + stem(name);
    List<Path> found =
        index().getOrDefault(wanted.substring(wanted.lastIndexOf('/') + 1), List.of()).stream()
            .filter(f -> ("/" + stem(relative(data, f))).endsWith(wanted))
            .toList();
    return found.isEmpty() ? name : relative(data, found.getFirst());
  }

  private Map<String, List<Path>> index() {
    Map<String, List<Path>> index = byStem;
    if (index == null) {
      index = new HashMap<>();
      for (Path f : below(data)) {
        String name = String.valueOf(f.getFileName()).toLowerCase(Locale.ROOT);
        if (EXTENSION.matcher(name).find()) {
          index.computeIfAbsent(stem(name), k -> new ArrayList<>()).add(f);
        }
      }
      byStem = index;
    }
    return index;
  }

  /**
   * Everything below a folder, sorted. Symbolic links are followed: data sets are large, and lie
   * where there is room.
   *
   * @throws InputException if the folder cannot be listed, or a link leads back to above itself
   */
  static List<Path> below(Path data) {
    try (Stream<Path> all = Files.walk(data, FileVisitOption.FOLLOW_LINKS)) {
      return all.sorted().toList();
    } catch (IOException | UncheckedIOException e) {
      Throwable cause = e instanceof UncheckedIOException ? e.getCause() : e;
      if (cause instanceof FileSystemLoopException loop) {
        throw new InputException(
            loop.getFile() + ": is a link to a folder that it lies in; remove it", e);
      }
      throw new InputException(data + ": cannot be listed: " + cause + "; check the folder", e);
    }
  }

  private static String stem(String name) {
    return EXTENSION.matcher(name.toLowerCase(Locale.ROOT)).replaceFirst("");
  }

  /** A path as {@link org.medpruner.eval.Sample#volume} has it. */
  static String relative(Path root, Path path) {
    return root.toAbsolutePath()
        .normalize()
        .relativize(path.toAbsolutePath().normalize())
        .toString()
        .replace(java.io.File.separatorChar, '/');
  }
}
