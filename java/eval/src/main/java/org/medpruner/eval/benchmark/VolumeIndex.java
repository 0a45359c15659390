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
   * The volume's name relative to the data folder: a folder of the name, or else the file of the
   * name, or one whose path ends like it, whatever its extension. Null when there is none.
   *
   * @throws InputException if different files are: CT-RATE has each volume raw and with its header
   *     repaired, and masks, under one name
   */
  @Nullable String find(String name) {
    Path path = Path.of(name).normalize();
    Path named = data.resolve(path);
    if (Files.isDirectory(named)) {
      return relative(data, named);
    }
    List<Path> found = new ArrayList<>();
    if (Files.exists(named)) {
      found.add(named);
    }
    String wanted = "/" + stem(path.toString());
    index().getOrDefault(wanted.substring(wanted.lastIndexOf('/') + 1), List.of()).stream()
        .filter(f -> ("/" + stem(relative(data, f))).endsWith(wanted))
        .forEach(found::add);
    for (Path other : found) {
      if (!isSame(found.getFirst(), other)) {
        throw new InputException(
            data
                + ": holds "
                + name
                + " twice, as "
                + relative(data, found.getFirst())
                + " and "
                + relative(data, other)
                + "; keep one of them below --data");
      }
    }
    return found.isEmpty() ? null : relative(data, found.getFirst());
  }

  /** Two links to one file are no two volumes. */
  private static boolean isSame(Path one, Path other) {
    try {
      return Files.isSameFile(one, other);
    } catch (IOException e) {
      throw new InputException(other + ": cannot be read (" + e + "); check the file", e);
    }
  }

  private Map<String, List<Path>> index() {
    Map<String, List<Path>> index = byStem;
    if (index == null) {
      index = new HashMap<>();
      for (Path f : below(data)) {
        String name = String.valueOf(f.getFileName()).toLowerCase(Locale.ROOT);
        if (EXTENSION.matcher(name).find() && Files.isRegularFile(f)) {
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
