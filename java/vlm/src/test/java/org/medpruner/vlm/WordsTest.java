package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy.EncoderScope;

class WordsTest {
  @Test
  void aValueHasOneWord() {
    assertEquals("kept-slices", Words.of(EncoderScope.KEPT_SLICES));
    assertEquals(
        List.of("stop-token", "stop-string", "length", "cancelled"), Words.all(Ending.class));
    for (Ending e : Ending.values()) {
      assertEquals(Optional.of(e), Words.value(Ending.class, Words.of(e)));
    }
    for (String none : List.of("STOP_TOKEN", "stop_token", "Length", "")) {
      assertEquals(Optional.empty(), Words.value(Ending.class, none));
    }
  }
}
