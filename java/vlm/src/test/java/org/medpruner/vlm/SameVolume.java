package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Objects;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.vlm.engine.PackedTokens;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.golden.Values;

/** Compares two encodings of a volume: all that was decided, and all that was computed. */
final class SameVolume {
  private SameVolume() {}

  /**
   * What two encodings of a volume have in common.
   *
   * @param tolerance of what the encoder computes; 0 for the same bits
   */
  static void check(String at, EncodedVolume expected, EncodedVolume actual, double tolerance) {
    PruningReport e = expected.report();
    PruningReport a = actual.report();
    assertEquals(e.policy(), a.policy(), at);
    assertEquals(e.tokensPerSlice(), a.tokensPerSlice(), at);
    assertEquals(e.rates(), a.rates(), at);
    assertEquals(e.savings(), a.savings(), at);
    assertEquals(e.flags(), a.flags(), at);
    assertEquals(e.timings().keySet(), a.timings().keySet(), at);
    assertEquals(e.slices().size(), a.slices().size(), at);
    for (int i = 0; i < e.slices().size(); i++) {
      check(at + ", slice " + i, e.slices().get(i), a.slices().get(i), tolerance);
    }
    checkTokens(at, expected, actual, tolerance);
  }

  /** What is left for the language model: the same bits, of the same kept slices. */
  static void checkLeft(String at, EncodedVolume expected, EncodedVolume actual) {
    for (int i = 0; i < expected.report().slices().size(); i++) {
      SliceReport e = expected.report().slices().get(i);
      SliceReport a = actual.report().slices().get(i);
      assertEquals(e.tokens(), a.tokens(), at + ", slice " + i);
      if (e.kept()) {
        check(at + ", slice " + i, e, a, 0);
      }
    }
    checkTokens(at, expected, actual, 0);
  }

  private static void checkTokens(
      String at, EncodedVolume expected, EncodedVolume actual, double tolerance) {
    PackedTokens left = ((PrunedVolume) expected).tokens();
    PackedTokens right = ((PrunedVolume) actual).tokens();
    assertArrayEquals(
        Values.of(left.features()), Values.of(right.features()), (float) tolerance, at);
    assertEquals(left.planes().size(), right.planes().size(), at);
    for (int p = 0; p < left.planes().size(); p++) {
      assertArrayEquals(
          Values.of(left.planes().get(p)),
          Values.of(right.planes().get(p)),
          (float) tolerance,
          at + ", plane " + p);
    }
  }

  private static void check(String at, SliceReport e, SliceReport a, double tolerance) {
    assertEquals(without(e), without(a), at);
    assertEquals(e.massKept(), a.massKept(), tolerance, at);
    assertEquals(e.detail() == null, a.detail() == null, at);
    if (e.detail() != null) {
      TokenDetail d = Objects.requireNonNull(a.detail());
      assertArrayEquals(e.detail().role(), d.role(), at);
      assertArrayEquals(e.detail().assignment(), d.assignment(), at);
      assertArrayEquals(e.detail().mass(), d.mass(), (float) tolerance, at);
      assertEquals(e.detail().gridHeight(), d.gridHeight(), at);
      assertEquals(e.detail().gridWidth(), d.gridWidth(), at);
    }
  }

  /** What the encoder's rounding has no part in. */
  private static SliceReport without(SliceReport s) {
    return new SliceReport(
        s.index(),
        s.sourceIndex(),
        s.positionMm(),
        s.kept(),
        s.distance(),
        s.representative(),
        s.nucleus(),
        0,
        s.targets(),
        s.tokens(),
        null);
  }
}
