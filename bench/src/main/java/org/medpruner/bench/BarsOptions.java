package org.medpruner.bench;

import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;

/**
 * What {@link Bars} was asked for.
 *
 * @param turns of each contender in a race
 * @param only text in the names of the cases that are measured; empty for all
 * @param output where the results of all cases are written; of some cases none are
 */
record BarsOptions(int turns, String only, Path output) {
  private static final String KNOWN = "expected --turns, --only or --output";

  /**
   * Reads a command line.
   *
   * @param arguments names, each with its value behind it
   * @param defaults what is not said
   * @param cases names of the cases there are
   * @throws IllegalArgumentException naming the argument at fault
   */
  static BarsOptions parse(String[] arguments, BarsOptions defaults, Set<String> cases) {
    BarsOptions options = defaults;
    Set<String> given = new HashSet<>();
    for (int i = 0; i < arguments.length; i += 2) {
      String name = arguments[i];
      if (!Set.of("--turns", "--only", "--output").contains(name)) {
        throw new IllegalArgumentException("unknown argument " + name + ", " + KNOWN);
      }
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " needs a value");
      }
      String value = arguments[i + 1];
      given.add(name);
      options =
          switch (name) {
            case "--turns" -> new BarsOptions(turns(value), options.only, options.output);
            case "--only" -> new BarsOptions(options.turns, only(value, cases), options.output);
            default -> new BarsOptions(options.turns, options.only, Path.of(value));
          };
    }
    // A file that holds some cases alone would not be what every reader of one takes it for.
    if (given.containsAll(Set.of("--only", "--output"))) {
      throw new IllegalArgumentException(
          "--output takes the results of all cases, and --only measures some; leave one out");
    }
    return options;
  }

  private static int turns(String value) {
    try {
      int turns = Integer.parseInt(value);
      if (turns >= Race.MIN_TURNS) {
        return turns;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--turns is \"" + value + "\", expected a number from " + Race.MIN_TURNS + " on");
  }

  private static String only(String value, Set<String> cases) {
    if (cases.stream().noneMatch(name -> name.contains(value))) {
      throw new IllegalArgumentException(
          "--only is \""
              + value
              + "\", which is in none of the names: "
              + String.join("; ", cases));
    }
    return value;
  }
}
