package org.medpruner.volume;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Files beside the test classes. */
final class Resources {
  private Resources() {}

  static byte[] bytes(String name) throws IOException {
    try (InputStream in = Resources.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new AssertionError("no resource named " + name);
      }
      return in.readAllBytes();
    }
  }

  static List<String> lines(String name) throws IOException {
    return new String(bytes(name), StandardCharsets.UTF_8).lines().toList();
  }

  /** Copies into a folder under the last part of its name. */
  static Path copy(String name, Path folder) throws IOException {
    return Files.write(folder.resolve(name.substring(name.lastIndexOf('/') + 1)), bytes(name));
  }
}
