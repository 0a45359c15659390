package org.medpruner.volume;

import java.nio.file.Path;

/** Names of files. */
final class FileNames {
  private FileNames() {}

  /** The last name of a path, "" for a root. */
  static String of(Path path) {
    Path name = path.getFileName();
    return name == null ? "" : name.toString();
  }
}
