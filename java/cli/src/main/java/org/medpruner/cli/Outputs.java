package org.medpruner.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * Files of one run. Nothing is created before everything is known; then each file is written beside
 * its target under another name and moved when all are whole, so that a reader sees a whole file or
 * none. A link stays and what it points to is replaced; a pipe, a device and {@code /dev/stdout},
 * whatever that is, are written to.
 *
 * @param json audit record, or null for none
 * @param html reports, one per volume, or none
 */
record Outputs(@Nullable Path json, List<Path> html) {
  /** Files under their working names; {@link #discardUnfinished} removes them. */
  private static final Set<Path> UNFINISHED = Collections.newSetFromMap(new ConcurrentHashMap<>());

  private static final AtomicLong WORKING = new AtomicLong();

  /**
   * Checks that the files can be written, leaving nothing behind.
   *
   * @param inputs the volumes; a file that would replace one of theirs is refused
   */
  static Outputs check(@Nullable Path json, List<Path> html, List<Path> inputs) {
    Target record = json == null ? null : checked("--json", json, inputs);
    for (Path page : html) {
      Target target = checked("--report", page, inputs);
      if (record != null && record.file().equals(target.file())) {
        throw new InputException("--json and --report would both write " + json);
      }
      if (record != null
          && (target.file().startsWith(record.file()) || record.file().startsWith(target.file()))) {
        throw new InputException(
            "--json "
                + json
                + " and --report would need one path as a file and as a folder; choose another"
                + " place");
      }
    }
    return new Outputs(json, List.copyOf(html));
  }

  private static Target checked(String option, Path file, List<Path> inputs) {
    Target target = Target.of(option, file);
    target.check(option, inputs);
    return target;
  }

  /** Whether there is no file to write. */
  boolean none() {
    return json == null && html.isEmpty();
  }

  /** As the other {@code write}, for one volume. */
  void write(Supplier<String> jsonText, Supplier<String> htmlText) {
    write(jsonText, List.of(htmlText));
  }

  /**
   * Writes what was asked for; a text that was not is not made.
   *
   * @param htmlTexts one per report
   * @throws InputException if a file cannot be written; then none is left, and what was there
   *     before is there again
   */
  void write(Supplier<String> jsonText, List<Supplier<String>> htmlTexts) {
    Map<Target, String> texts = new LinkedHashMap<>();
    if (json != null) {
      texts.put(Target.of("--json", json), jsonText.get());
    }
    for (int i = 0; i < html.size(); i++) {
      texts.put(Target.of("--report", html.get(i)), htmlTexts.get(i).get());
    }
    Map<Path, Target> working = new LinkedHashMap<>();
    Deque<Path> newFolders = new ArrayDeque<>();
    List<Path> moved = new ArrayList<>();
    Map<Path, Path> former = new HashMap<>();
    Path current = null;
    try {
      for (Map.Entry<Target, String> e : texts.entrySet()) {
        Target target = e.getKey();
        current = target.named();
        if (target.stream()) {
          continue;
        }
        createFolders(target.folder(), newFolders);
        Path temporary = besides(target);
        working.put(temporary, target);
        Files.write(temporary, e.getValue().getBytes(UTF_8));
      }
      // Before files are moved: what a pipe's reader thinks of it is known only then.
      for (Map.Entry<Target, String> e : texts.entrySet()) {
        current = e.getKey().named();
        if (e.getKey().stream()) {
          e.getKey().write(e.getValue().getBytes(UTF_8));
        }
      }
      for (Target target : working.values()) {
        current = target.named();
        if (working.size() > 1 && Files.exists(target.file())) {
          Path kept = besides(target);
          Files.copy(target.file(), kept, StandardCopyOption.COPY_ATTRIBUTES);
          former.put(target.file(), kept);
        }
      }
      for (Map.Entry<Path, Target> e : working.entrySet()) {
        current = e.getValue().named();
        Files.move(
            e.getKey(),
            e.getValue().file(),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
        UNFINISHED.remove(e.getKey());
        moved.add(e.getValue().file());
      }
      discardUnfinished();
    } catch (IOException e) {
      moved.forEach(file -> takeBack(file, former.get(file)));
      discardUnfinished();
      newFolders.forEach(Outputs::deleteQuietly);
      throw new InputException(
          current + " could not be written: " + reason(e) + "; choose another place", e);
    }
  }

  /**
   * A working name, whose length does not depend on the target's: that may be as long as can be.
   */
  private static Path besides(Target target) {
    Path path =
        target
            .folder()
            .resolve(
                ".medpruner."
                    + ProcessHandle.current().pid()
                    + "."
                    + WORKING.incrementAndGet()
                    + ".tmp");
    UNFINISHED.add(path);
    return path;
  }

  private static void takeBack(Path file, @Nullable Path former) {
    if (former == null) {
      deleteQuietly(file);
      return;
    }
    try {
      Files.move(former, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      // It stays under its working name, where it can be found.
      UNFINISHED.remove(former);
    }
  }

  private static String reason(IOException e) {
    String reason = e instanceof FileSystemException x ? x.getReason() : e.getMessage();
    return reason == null ? "this user may not, or it is gone" : reason;
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
