package org.medpruner.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Conversions of 16-bit floats. */
class LowPrecisionTest {

  @Test
  void everyBitPatternSurvivesARoundTrip() {
    for (int i = 0; i < 1 << 16; i++) {
      short bits = (short) i;
      float f16 = LowPrecision.f16ToFloat(bits);
      float bf16 = LowPrecision.bf16ToFloat(bits);
      if (Float.isNaN(f16)) {
        assertEquals((short) 0x7e00, LowPrecision.floatToF16(f16));
      } else {
        assertEquals(bits, LowPrecision.floatToF16(f16));
      }
      if (Float.isNaN(bf16)) {
        assertEquals((short) 0x7fc0, LowPrecision.floatToBf16(bf16));
      } else {
        assertEquals(bits, LowPrecision.floatToBf16(bf16));
      }
    }
  }

  /** Between two neighbours: the nearer one, and the even one in the very middle. */
  @Test
  void bf16RoundsToNearestEven() {
    for (int i = 0; i < 0x7f7f; i++) {
      float low = LowPrecision.bf16ToFloat((short) i);
      float high = LowPrecision.bf16ToFloat((short) (i + 1));
      float middle = Float.intBitsToFloat((i << 16) + 0x8000);
      assertTrue(low < middle && middle < high);
      assertEquals((short) (i + (i & 1)), LowPrecision.floatToBf16(middle));
      assertEquals((short) i, LowPrecision.floatToBf16(Math.nextDown(middle)));
      assertEquals((short) (i + 1), LowPrecision.floatToBf16(Math.nextUp(middle)));
      assertEquals((short) (0x8000 | (i + 1)), LowPrecision.floatToBf16(-Math.nextUp(middle)));
    }
    assertEquals((short) 0x7f80, LowPrecision.floatToBf16(Float.MAX_VALUE));
  }
}
