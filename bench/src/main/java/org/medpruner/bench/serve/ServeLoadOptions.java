package org.medpruner.bench.serve;

import java.nio.file.Path;

/**
 * Arguments of {@link ServeLoad}.
 *
 * @param root the repository
 * @param clients that ask at the same time
 * @param minutes for which they do
 * @param output results file
 */
record ServeLoadOptions(Path root, int clients, double minutes, Path output) {
  private static final String KNOWN = "expected --clients, --minutes or --output";

  /**
   * Reads arguments.
   *
   * @throws IllegalArgumentException naming the argument and what it may be
   */
  static ServeLoadOptions parse(Path root, String... arguments) {
    int clients = 8;
    double minutes = 5;
    Path output = root.resolve("bench/results/serve/demo.json");
    for (int i = 0; i < arguments.length; i += 2) {
      String name = arguments[i];
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " needs a value, or is unknown; " + KNOWN);
      }
      String value = arguments[i + 1];
      switch (name) {
        case "--clients" -> clients = clients(value);
        case "--minutes" -> minutes = minutes(value);
        case "--output" -> output = Path.of(value);
        default -> throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
      }
    }
    return new ServeLoadOptions(root, clients, minutes, output);
  }

  private static int clients(String value) {
    try {
      int n = Integer.parseInt(value);
      if (n >= 1 && n <= 1000) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--clients is \"" + value + "\", expected a number from 1 to 1000");
  }

  private static double minutes(String value) {
    try {
      double n = Double.parseDouble(value);
      if (n > 0 && n <= 10_000) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--minutes is \"" + value + "\", expected a number above 0, at most 10000");
  }
}
