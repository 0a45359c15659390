package org.medpruner.vlm.gemma;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy.ImageMask;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.vlm.prompt.Prompt;

/**
 * Two tokens a slice: bos, then per slice a label, a start mark, two soft tokens, then the
 * question.
 */
class PrunedPromptTest {
  private static final int[] IDS = {2, 10, 90, 99, 99, 11, 90, 99, 99, 12, 90, 99, 99, 50, 51};
  private static final int[] SLICE = {-1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, -1, -1};
  private static final Prompt PROMPT = new Prompt(IDS, SLICE, images());

  private static boolean[] images() {
    boolean[] image = new boolean[IDS.length];
    for (int t = 0; t < image.length; t++) {
      image[t] = IDS[t] == 99;
    }
    return image;
  }

  private static Selection middleDropped(boolean textStays, boolean corner) {
    return new Selection(
        2,
        new boolean[] {true, textStays, true},
        new boolean[] {false, true, corner, false, true, true});
  }

  /** B9, B10: a dropped slice leaves no token, no marks and no label; the others keep theirs. */
  @Test
  void b9b10ADroppedSliceLeavesNothing() {
    PrunedPrompt p =
        PrunedPrompt.of(PROMPT, middleDropped(false, false), ImageMask.MODEL, Positions.MODEL);
    assertArrayEquals(new int[] {2, 10, 90, 99, 12, 90, 99, 99, 50, 51}, p.ids());
    assertArrayEquals(new int[] {0, 1, 2, 4, 9, 10, 11, 12, 13, 14}, p.origin());
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 1, 2, -1, -1}, p.feature());
    assertEquals(15, p.fullLength());
  }

  @Test
  void theReferenceKeepsTheScaffoldingAndOneToken() {
    PrunedPrompt p =
        PrunedPrompt.of(PROMPT, middleDropped(true, true), ImageMask.CAUSAL, Positions.MODEL);
    assertArrayEquals(new int[] {2, 10, 90, 99, 11, 90, 99, 12, 90, 99, 99, 50, 51}, p.ids());
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 1, -1, -1, 2, 3, -1, -1}, p.feature());
    assertNull(p.group());
  }

  /** B6: groups are those of the pruned sequence; text never sees the future. */
  @Test
  void b6ImageGroupsAreWorkedOutAfterPruning() {
    PrunedPrompt p =
        PrunedPrompt.of(PROMPT, middleDropped(false, false), ImageMask.MODEL, Positions.MODEL);
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 2, 2, -1, -1}, p.group());
  }

  @Test
  void positionsAreRenumberedUnlessOriginalOnesAreAskedFor() {
    Selection selection = middleDropped(false, false);
    PrunedPrompt p = PrunedPrompt.of(PROMPT, selection, ImageMask.MODEL, Positions.MODEL);
    assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, p.positions());
    assertEquals(10, p.nextPosition());
    PrunedPrompt renumbered =
        PrunedPrompt.of(PROMPT, selection, ImageMask.MODEL, Positions.RENUMBERED);
    assertArrayEquals(p.positions(), renumbered.positions());
    PrunedPrompt original = PrunedPrompt.of(PROMPT, selection, ImageMask.MODEL, Positions.ORIGINAL);
    assertArrayEquals(new long[] {0, 1, 2, 4, 9, 10, 11, 12, 13, 14}, original.positions());
    assertEquals(15, original.nextPosition());
  }

  @Test
  void nothingPrunedIsThePromptItself() {
    PrunedPrompt p = PrunedPrompt.of(PROMPT, Selection.all(3, 2), ImageMask.MODEL, Positions.MODEL);
    assertArrayEquals(IDS, p.ids());
    assertArrayEquals(
        new int[] {-1, -1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1}, p.feature());
  }

  @Test
  void slicesMayBePresentedInAnyOrder() {
    int[] slice = {-1, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, -1, -1};
    PrunedPrompt p =
        PrunedPrompt.of(
            new Prompt(IDS, slice, images()),
            middleDropped(false, false),
            ImageMask.MODEL,
            Positions.MODEL);
    assertArrayEquals(new int[] {-1, -1, -1, 1, 2, -1, -1, 0, -1, -1}, p.feature());
  }

  @Test
  void promptsOfOtherPicturesAreRefused() {
    refused(PROMPT, Selection.all(2, 2), "belongs to slice 2 of 2");
    refused(PROMPT, Selection.all(4, 2), "slice 3 has 0 image tokens, but the model makes 2");
    refused(PROMPT, Selection.all(3, 1), "one too many of slice 0");
    refused(PROMPT, Selection.all(3, 3), "slice 0 has 2 image tokens, but the model makes 3");
    int[] noOwner = SLICE.clone();
    noOwner[3] = -1;
    refused(new Prompt(IDS, noOwner, images()), Selection.all(3, 2), "image token 3 has no slice");
  }

  private static void refused(Prompt prompt, Selection selection, String expected) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> PrunedPrompt.of(prompt, selection, ImageMask.MODEL, Positions.MODEL));
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e.getMessage());
  }
}
