package org.medpruner.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * Files of one run. Nothing is created before everything is known; then each file is written beside
 * its target under another name and moved when all are whole, so that a reader sees a whole file or
 * none.
 *
 * @param json audit record, or null for none
 * @param html reports, one per volume, or none
 */
record Outputs(@Nullable Path json, List<Path> html) {
  /** Files under their working names; {@link #discardUnfinished} removes them. */
  private static final Set<Path> UNFINISHED = Collections.newSetFromMap(new ConcurrentHashMap<>());

  /** Checks that the files can be written, leaving nothing behind. */
  static Outputs check(@Nullable Path json, List<Path> html) {
    if (json != null) {
      checkWritable("--json", json);
    }
    for (Path page : html) {
      checkWritable("--report", page);
      if (json != null && normal(json).equals(normal(page))) {
        throw new InputException("--json and --report would both write " + json);
      }
    }
    return new Outputs(json, List.copyOf(html));
  }

  /** Whether there is no file to write. */
  boolean none() {
    return json == null && html.isEmpty();
  }

  private static Path normal(Path p) {
    return p.toAbsolutePath().normalize();
  }

  private static Path folderOf(Path file) {
    Path folder = normal(file).getParent();
    if (folder == null) {
      throw new InputException(file + " is not a file name");
    }
    return folder;
  }

  private static void checkWritable(String option, Path file) {
    if (Files.isDirectory(file)) {
      throw new InputException(option + " " + file + " is a folder; name a file in it");
    }
    Path folder = folderOf(file);
    while (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    if (!Files.isDirectory(folder)) {
      throw new InputException(
          option + " " + file + ": " + folder + " is not a folder; choose another place");
    }
    try {
      // Asking for permissions is not enough: a super-user has them on read-only and virtual
      // file systems too.
      Files.delete(Files.createTempFile(folder, ".medpruner", ".tmp"));
    } catch (IOException e) {
      throw new InputException(
          option + " " + file + ": folder " + folder + " is not writable; choose another place", e);
    }
  }

  /** As the other {@code write}, for one volume. */
  void write(Supplier<String> jsonText, Supplier<String> htmlText) {
    write(jsonText, List.of(htmlText));
  }

  /**
   * Writes what was asked for; a text that was not is not made.
   *
   * @param htmlTexts one per report
   * @throws InputException if a file cannot be written; then none is left
   */
  void write(Supplier<String> jsonText, List<Supplier<String>> htmlTexts) {
    Map<Path, String> texts = new LinkedHashMap<>();
    if (json != null) {
      texts.put(json, jsonText.get());
    }
    for (int i = 0; i < html.size(); i++) {
      texts.put(html.get(i), htmlTexts.get(i).get());
    }
    Map<Path, Path> working = new LinkedHashMap<>();
    Deque<Path> newFolders = new ArrayDeque<>();
    List<Path> moved = new ArrayList<>();
    Path current = null;
    try {
      for (Map.Entry<Path, String> e : texts.entrySet()) {
        current = e.getKey();
        Path folder = folderOf(current);
        createFolders(folder, newFolders);
        Path temporary =
            folder.resolve(
                "." + current.getFileName() + "." + ProcessHandle.current().pid() + ".tmp");
        UNFINISHED.add(temporary);
        working.put(temporary, current);
        Files.write(temporary, e.getValue().getBytes(StandardCharsets.UTF_8));
      }
      for (Map.Entry<Path, Path> e : working.entrySet()) {
        current = e.getValue();
        Files.move(
            e.getKey(),
            current,
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
        UNFINISHED.remove(e.getKey());
        moved.add(current);
      }
    } catch (IOException e) {
      discardUnfinished();
      moved.forEach(Outputs::deleteQuietly);
      newFolders.forEach(Outputs::deleteQuietly);
      throw new InputException(current + " could not be written: " + e, e);
    }
  }

  private static void createFolders(Path folder, Deque<Path> created) throws IOException {
    List<Path> missing = new ArrayList<>();
    for (Path p = folder; p != null && !Files.isDirectory(p); p = p.getParent()) {
      missing.add(p);
    }
    for (Path p : missing.reversed()) {
      Files.createDirectory(p);
      created.addFirst(p);
    }
  }

  /** Removes files that were begun and not finished; safe from any thread, at any time. */
  static void discardUnfinished() {
    for (Iterator<Path> all = UNFINISHED.iterator(); all.hasNext(); ) {
      deleteQuietly(all.next());
      all.remove();
    }
  }

  private static void deleteQuietly(Path p) {
    try {
      Files.deleteIfExists(p);
    } catch (IOException e) {
      // Already failing or ending: the first cause is the one to report.
    }
  }
}
