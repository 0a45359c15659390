package org.medpruner.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;

/** Runs and scales that the page is made of. */
class PiecesTest {
  @Test
  void namesRuns() {
    Runs runs = new Runs(Scenes.report(10, i -> i == 4 || i == 5, PruningPolicy.PAPER, false));
    assertEquals(List.of(0, 4, 5), runs.kept());
    assertEquals("0\u20133", runs.range(0));
    assertEquals("4", runs.range(4));
    assertEquals("5\u20139", runs.range(5));
    assertEquals(5, runs.longest());
    assertEquals(5, runs.anchor(8));
  }

  @Test
  void heatRisesWithMass() {
    HeatScale heat = HeatScale.of(Scenes.report(6, i -> true, PruningPolicy.PAPER, true).slices());
    assertEquals(0, heat.argb(0.3) >>> 24);
    assertEquals(0, heat.argb(1) >>> 24);
    int last = 0;
    for (double m = 1.05; m < heat.high(); m *= 1.1) {
      int alpha = heat.argb(m) >>> 24;
      assertTrue(alpha > last, "opacity at " + m);
      last = alpha;
    }
    assertEquals(heat.argb(heat.high()), heat.argb(heat.high() * 10));
    assertEquals(1.0, heat.ticks().getFirst());
    assertTrue(heat.ticks().size() <= 8);
  }
}
