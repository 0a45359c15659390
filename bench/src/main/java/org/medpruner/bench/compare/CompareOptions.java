package org.medpruner.bench.compare;

import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Arguments of {@link CompareBench}.
 *
 * @param root the repository
 * @param model checkpoint folder
 * @param volume file to ask about
 * @param question what to ask
 * @param turns runs of the command
 * @param output results file
 */
record CompareOptions(Path root, Path model, Path volume, String question, int turns, Path output) {
  private static final String KNOWN = "expected --volume, --question, --model, --turns or --output";

  /**
   * Reads arguments.
   *
   * @throws IllegalArgumentException naming the argument and what it may be
   */
  static CompareOptions parse(Path root, String... arguments) {
    Path model = root.resolve("models/demo");
    @Nullable Path volume = null;
    @Nullable String question = null;
    @Nullable Path output = null;
    int turns = 5;
    for (int i = 0; i < arguments.length; i += 2) {
      String name = arguments[i];
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " needs a value, or is unknown; " + KNOWN);
      }
      String value = arguments[i + 1];
      switch (name) {
        case "--model" -> model = existing(name, value);
        case "--volume" -> volume = existing(name, value);
        case "--question" -> question = value;
        case "--turns" -> turns = turns(value);
        case "--output" -> output = Path.of(value);
        default -> throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
      }
    }
    if (volume == null || question == null) {
      throw new IllegalArgumentException(
          (volume == null ? "--volume" : "--question") + " is missing; " + KNOWN);
    }
    if (output == null) {
      String name = volume.getFileName().toString().replaceFirst("\\..*", "");
      output = root.resolve("bench/results/compare/" + name + ".json");
    }
    return new CompareOptions(root, model, volume, question, turns, output);
  }

  private static Path existing(String name, String value) {
    Path path = Path.of(value).toAbsolutePath().normalize();
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(name + " is \"" + value + "\", which does not exist");
    }
    return path;
  }

  private static int turns(String value) {
    try {
      int n = Integer.parseInt(value);
      if (n >= 1) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException("--turns is \"" + value + "\", expected a number from 1 on");
  }

  /** A file as results name it: below the repository its path there, elsewhere its name alone. */
  String named(Path file) {
    Path absolute = file.toAbsolutePath().normalize();
    Path base = root.toAbsolutePath().normalize();
    return absolute.startsWith(base)
        ? base.relativize(absolute).toString()
        : absolute.getFileName().toString();
  }

  /** The call that measures this again. */
  String command() {
    return "./medpruner bench compare --model "
        + named(model)
        + " --volume "
        + named(volume)
        + " --question \""
        + question
        + "\" --turns "
        + turns;
  }
}
