package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.function.Executable;

/** What a refusal must look like. */
final class Refusals {
  private Refusals() {}

  /** The message of the {@link VolumeException} that {@code action} throws: one line. */
  static String message(Executable action) {
    String message = String.valueOf(assertThrows(VolumeException.class, action).getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  static void assertStarts(String expected, String message) {
    assertTrue(message.startsWith(expected), () -> "expected <" + expected + "> in " + message);
  }

  static void assertContains(String expected, String message) {
    assertTrue(message.contains(expected), () -> "expected <" + expected + "> in " + message);
  }
}
