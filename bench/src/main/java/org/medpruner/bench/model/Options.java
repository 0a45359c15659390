package org.medpruner.bench.model;

import java.nio.file.Files;
import java.nio.file.Path;

/** Values of arguments that the benches of models have in common. */
final class Options {
  private Options() {}

  /** The folder of a checkpoint or a shape, which has to have a configuration. */
  static Path existing(String name, String value) {
    return existing(name, Path.of(value), value);
  }

  /** A shape by its name in {@code bench/shapes}, or a folder. */
  static Path shape(Path root, String name, String value) {
    Path named = root.resolve("bench/shapes").resolve(value);
    return existing(name, Files.isDirectory(named) ? named : Path.of(value), value);
  }

  private static Path existing(String name, Path folder, String value) {
    Path config = folder.resolve("config.json");
    if (!Files.isRegularFile(config)) {
      throw new IllegalArgumentException(name + " is \"" + value + "\", but there is no " + config);
    }
    return folder;
  }

  static int number(String name, String value) {
    try {
      int n = Integer.parseInt(value);
      if (n >= 1) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(name + " is \"" + value + "\", expected a number from 1 on");
  }

  /** Whether a device is CUDA's. */
  static boolean cuda(String name, String value) {
    return switch (value) {
      case "cpu" -> false;
      case "cuda" -> true;
      default ->
          throw new IllegalArgumentException(name + " is \"" + value + "\", expected cpu or cuda");
    };
  }
}
