package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SmartResizeTest {
  private static final SmartResize QWEN3 = new SmartResize(32, 65_536, 16_777_216);

  /** The sizes the model's own processor gives, and the rule's edges. */
  @ParameterizedTest
  @CsvSource({
    "256, 256, 256, 256",
    "512, 512, 512, 512",
    "217, 181, 288, 256",
    "128, 128, 256, 256",
    // Ties go to the even multiple: 16.5 and 17.5 times 32.
    "528, 560, 512, 576",
    "5000, 5000, 4096, 4096",
    "1, 200, 32, 3648",
  })
  void sizes(int height, int width, int high, int wide) {
    assertEquals(new SmartResize.Size(high, wide), QWEN3.of(height, width));
  }

  @Test
  void sizesHaveTheFactorAndStayBelowTheLargestArea() {
    for (int height = 3; height < 3000; height = height * 5 / 3 + 1) {
      for (int width = 3; width < 3000; width = width * 4 / 3 + 1) {
        if (Math.max(height, width) <= 200 * Math.min(height, width)) {
          SmartResize.Size s = new SmartResize(28, 3136, 200_000).of(height, width);
          assertTrue(s.height() % 28 == 0 && s.width() % 28 == 0, s + " of " + height);
          long area = (long) s.height() * s.width();
          assertTrue(area >= 3136 && area <= 200_000, s + " of " + height + " x " + width);
        }
      }
    }
  }

  @Test
  void longAndThinPicturesAreRefused() {
    QWEN3.of(2, 400);
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> QWEN3.of(402, 2));
    assertTrue(String.valueOf(e.getMessage()).contains("402 x 2"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> new SmartResize(32, 10, 9));
  }
}
