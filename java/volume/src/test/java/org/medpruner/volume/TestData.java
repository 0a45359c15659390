package org.medpruner.volume;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** Finds files outside the module, or skips the test with a reason. */
final class TestData {
  private TestData() {}

  /**
   * A volume of {@code MEDPRUNER_DATA}, by default {@code ../shared/data} beside the repository.
   */
  static Path data(String name) {
    String set = System.getenv("MEDPRUNER_DATA");
    return orSkip(set != null ? Path.of(set, name) : root().resolve("../shared/data/" + name));
  }

  /** A phantom of the demo model in the repository. */
  static Path phantom(String name) {
    return orSkip(root().resolve("models/demo/phantoms").resolve(name));
  }

  static Path root() {
    String set = System.getenv("MEDPRUNER_ROOT");
    if (set != null) {
      return Path.of(set);
    }
    @Nullable Path p = Path.of("").toAbsolutePath();
    while (p != null && !Files.isDirectory(p.resolve("java/volume"))) {
      p = p.getParent();
    }
    return p == null ? Path.of("") : p;
  }

  static void skipUnless(boolean condition, String reason) {
    if (!condition) {
      System.out.println("skipped: " + reason);
      Assumptions.abort(reason);
    }
  }

  private static Path orSkip(Path file) {
    skipUnless(Files.isRegularFile(file), file.toAbsolutePath().normalize() + " is not there");
    return file;
  }
}
