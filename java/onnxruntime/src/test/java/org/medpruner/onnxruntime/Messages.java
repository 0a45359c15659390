package org.medpruner.onnxruntime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

/** What an exception has to say. */
final class Messages {
  private Messages() {}

  /** One line, in which all the parts are. */
  static void assertOneLine(Throwable e, String... parts) {
    String message = String.valueOf(e.getMessage());
    assertEquals(1, message.lines().count(), message);
    for (String part : parts) {
      assertTrue(message.contains(part), () -> "\"" + part + "\" is not in: " + message);
    }
  }
}
