package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Presets and overrides. */
class PruningPolicyTest {

  @Test
  void presetsAreThoseOfThePaperAndTheReleasedCode() {
    assertEquals(List.of("paper", "reference", "nucleus", "off"), PruningPolicy.presetNames());
    PruningPolicy paper = PruningPolicy.preset("paper");
    assertEquals(0.05, paper.gamma());
    assertEquals(0.9, paper.tau());
    assertEquals(0.05, paper.contextualRatio());
    assertEquals(NucleusSelect.Score.SOFTMAX, paper.score());
    assertEquals(PruningPolicy.EncoderScope.KEPT_SLICES, paper.encoderScope());
    PruningPolicy reference = PruningPolicy.preset("reference");
    assertEquals(PruningPolicy.EncoderScope.ALL_SLICES, reference.encoderScope());
    assertEquals(PruningPolicy.DroppedSlice.CORNER_TOKEN, reference.droppedSlice());
    assertEquals(PruningPolicy.Resizing.REFERENCE, reference.resizing());
    PruningPolicy nucleus = PruningPolicy.preset("nucleus");
    assertEquals(NucleusSelect.Score.MASS, nucleus.score());
    assertEquals(4, nucleus.maxGapSlices());
    assertEquals(0, nucleus.patchGamma());
    PruningPolicy off = PruningPolicy.preset("off");
    assertTrue(!off.sliceAnchoring() && !off.tokenPruning());
    for (PruningPolicy p : List.of(paper, nucleus, off)) {
      assertEquals(PruningPolicy.Resizing.MODEL, p.resizing(), p.name());
    }
  }

  @Test
  void anUnknownPresetIsAnsweredWithTheKnownOnes() {
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> PruningPolicy.preset("papre"));
    assertEquals(
        "unknown preset \"papre\"; use one of paper, reference, nucleus, off", e.getMessage());
  }

  @Test
  void overridesMarkTheName() {
    PruningPolicy p = PruningPolicy.preset("paper").withTau(0.7);
    assertEquals("paper+", p.name());
    assertEquals("paper+", p.withGamma(0.1).name());
    assertEquals(0.7, p.withGamma(0.1).tau());
    assertEquals("paper", PruningPolicy.preset("paper").withTau(0.9).name());
    assertSame(PruningPolicy.PAPER, PruningPolicy.preset("paper"));
  }

  private static void refused(String field, UnaryOperator<PolicyBuilder> change) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> change.apply(PruningPolicy.PAPER.toBuilder()).build());
    assertTrue(String.valueOf(e.getMessage()).startsWith(field + " = "), e.getMessage());
  }

  @Test
  void everyRangeIsChecked() {
    refused("gamma", b -> b.gamma(Double.NaN));
    refused("tau", b -> b.tau(0));
    refused("tau", b -> b.tau(1.01));
    refused("tau", b -> b.tau(Double.NaN));
    refused("contextualRatio", b -> b.contextualRatio(-0.1));
    refused("temperature", b -> b.temperature(-1));
    refused("temperature", b -> b.temperature(1e-301));
    refused("temperature", b -> b.temperature(Double.POSITIVE_INFINITY));
    refused("maxGapSlices", b -> b.maxGapSlices(-1));
    refused("maxGapMm", b -> b.maxGapMm(Double.NaN));
    refused("patchGamma", b -> b.patchGamma(-0.1));
    refused("patchGamma", b -> b.patchGamma(Double.NaN));
    refused("minTokens", b -> b.minTokens(5).maxTokens(4));
    refused("maxTokens", b -> b.maxTokens(-1));
    refused("volumeMinTokens", b -> b.volumeMinTokens(-1));
  }

  private static void needed(String field, UnaryOperator<PolicyBuilder> change) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> change.apply(PruningPolicy.PAPER.toBuilder()).build());
    assertEquals(field + ": must not be null", e.getMessage());
  }

  @Test
  @SuppressWarnings("NullAway") // callers without a null checker
  void noChoiceIsNull() {
    needed("encoderScope", b -> b.encoderScope(null));
    needed("score", b -> b.score(null));
    needed("pooling", b -> b.pooling(null));
    needed("droppedSlice", b -> b.droppedSlice(null));
    needed("imageMask", b -> b.imageMask(null));
    needed("positions", b -> b.positions(null));
    needed("deepStack", b -> b.deepStack(null));
    needed("resizing", b -> b.resizing(null));
  }

  @Test
  void gapsInMillimetresBecomeSlices() {
    PruningPolicy mm = PruningPolicy.PAPER.toBuilder().maxGapMm(10).build();
    assertEquals(0, PruningPolicy.PAPER.maxGap(Double.NaN));
    assertEquals(2, mm.maxGap(5));
    assertEquals(2, mm.maxGap(5.000000238418579)); // 5 mm as f32 arithmetic leaves it
    assertEquals(1, mm.maxGap(7));
    assertEquals(1, mm.maxGap(30), "a gap below one slice keeps every slice");
    assertEquals(2, mm.withMaxGapSlices(8).maxGap(5));
    assertEquals(8, mm.withMaxGapSlices(8).maxGap(1));
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> mm.maxGap(Double.NaN));
    assertTrue(String.valueOf(e.getMessage()).startsWith("maxGapMm = 10.0"), e.getMessage());
  }

  @Test
  void gapsInMillimetresHoldWhereSlicesAreUnevenlySpread() {
    PruningPolicy mm = PruningPolicy.PAPER.toBuilder().maxGapMm(4.5).build();
    double[] sampled = {0, 2, 4, 7, 9, 11, 14};
    assertEquals(1, mm.maxGap(14 / 6.0, sampled), "two steps may be 5 mm");
    assertEquals(2, mm.toBuilder().maxGapMm(5).build().maxGap(14 / 6.0, sampled));
    assertEquals(2, mm.maxGap(2, new double[] {10, 8, 6, 4}), "downwards");
    assertEquals(2, mm.maxGap(2, new double[] {0, 1, 2, 3}), "oblique: 1 mm along the axis");
    assertEquals(1, mm.maxGap(1, new double[] {0, 1, 2, 12}), "all slices, a gap of 10 mm");
    assertEquals(4, mm.maxGap(1, new double[] {0, 1, 2}), "fewer slices than the gap");
    assertEquals(4, mm.maxGap(1, new double[] {0, Double.NaN, 20}));
    assertEquals(4, mm.maxGap(1, new double[] {3, 3, 3}));
    assertEquals(4, mm.maxGap(1, new double[] {3}));
    assertThrows(IllegalArgumentException.class, () -> mm.maxGap(Double.NaN, sampled));
    assertArrayEquals(new double[] {0, 2, 4, 7, 9, 11, 14}, sampled);
  }
}
