package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** Shares of ceilings, and which of them cannot be. */
class CeilingsTest {
  private static final Timing SECOND = new Timing(1, 1, 1, 5);

  private static Report.Ceiling ceiling(String name, String unit) {
    return new Report.Ceiling(name, "cpu", 200, unit, SECOND, "made up");
  }

  @Test
  void aShareIsWorkOverTimeOverTheCeiling() {
    Report.Share share = Ceilings.share(ceiling("f32 fma", "FLOP/s"), 150, SECOND);
    assertEquals(new Report.Share("f32 fma", 75), share);
    Timing half = new Timing(.5, .5, .5, 5);
    assertEquals(50, Ceilings.share(ceiling("f32 fma", "FLOP/s"), 50, half).percent());
  }

  @Test
  void moreThanTheProcessorCanIsRefused() {
    Report.Ceiling fma = ceiling("f32 fma", "FLOP/s");
    assertEquals(100, Ceilings.share(fma, 200, SECOND).percent());
    String message =
        String.valueOf(
            assertThrows(Setup.CheckFailedException.class, () -> Ceilings.share(fma, 298, SECOND))
                .getMessage());
    assertTrue(
        message.startsWith("measuring error, so no figure is taken: 149 % of f32 fma"), message);
  }

  @Test
  void aCacheMayExceedTheBandwidthOfMemory() {
    assertEquals(149, Ceilings.share(ceiling("read", "B/s"), 298, SECOND).percent());
  }
}
