package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BarsOptionsTest {
  private static final BarsOptions DEFAULTS = new BarsOptions(5, "", Path.of("cpu.json"));
  private static final Set<String> CASES = Set.of("6 downcall");

  private static BarsOptions parse(String... arguments) {
    return BarsOptions.parse(arguments, DEFAULTS, CASES);
  }

  @Test
  void whatIsNotSaidIsTheDefault() {
    assertEquals(DEFAULTS, parse());
    assertEquals(new BarsOptions(9, "", Path.of("cpu.json")), parse("--turns", "9"));
    assertEquals(
        new BarsOptions(9, "down", Path.of("cpu.json")), parse("--only", "down", "--turns", "9"));
    assertEquals(new BarsOptions(5, "", Path.of("other.json")), parse("--output", "other.json"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          --turns 4     | --turns is "4", expected a number from 5 on
          --turns nine  | --turns is "nine", expected a number from 5 on
          --only upcall | --only is "upcall", which is in none of the names: 6 downcall
          --only        | --only needs a value
          --turn 5      | unknown argument --turn, expected --turns, --only or --output
          --only down --output a | --output takes the results of all cases, and --only measures some; leave one out
          --output a --only down | --output takes the results of all cases, and --only measures some; leave one out
          """)
  void wrongArgumentsAreNamed(String line, String message) {
    String[] arguments = line.split(" ");
    assertEquals(
        message, assertThrows(IllegalArgumentException.class, () -> parse(arguments)).getMessage());
  }
}
