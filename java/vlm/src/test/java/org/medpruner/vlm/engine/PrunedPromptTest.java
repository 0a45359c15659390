package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.medpruner.vlm.prompt.Prompt;

/**
 * Two tokens a slice: bos, then per slice a label, a start mark, two soft tokens, then the
 * question.
 */
class PrunedPromptTest {
  private static final int[] IDS = {2, 10, 90, 99, 99, 11, 90, 99, 99, 12, 90, 99, 99, 50, 51};
  private static final int[] SLICE = {-1, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, -1, -1};
  private static final Prompt PROMPT = new Prompt(IDS, SLICE, images());

  private static final PromptPositions FULL = PromptPositions.counting(1, 15);

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
    PrunedPrompt p = PrunedPrompt.of(PROMPT, middleDropped(false, false), true, FULL, true);
    assertArrayEquals(new int[] {2, 10, 90, 99, 12, 90, 99, 99, 50, 51}, p.ids());
    assertArrayEquals(new int[] {0, 1, 2, 4, 9, 10, 11, 12, 13, 14}, p.origin());
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 1, 2, -1, -1}, p.feature());
    assertEquals(15, p.fullLength());
  }

  @Test
  void theReferenceKeepsTheScaffoldingAndOneToken() {
    PrunedPrompt p = PrunedPrompt.of(PROMPT, middleDropped(true, true), false, FULL, true);
    assertArrayEquals(new int[] {2, 10, 90, 99, 11, 90, 99, 12, 90, 99, 99, 50, 51}, p.ids());
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 1, -1, -1, 2, 3, -1, -1}, p.feature());
    assertNull(p.group());
  }

  /** B6: groups are those of the pruned sequence; text never sees the future. */
  @Test
  void b6ImageGroupsAreWorkedOutAfterPruning() {
    PrunedPrompt p = PrunedPrompt.of(PROMPT, middleDropped(false, false), true, FULL, true);
    assertArrayEquals(new int[] {-1, -1, -1, 0, -1, -1, 2, 2, -1, -1}, p.group());
  }

  @Test
  void positionsAreRenumberedUnlessOriginalOnesAreAskedFor() {
    Selection selection = middleDropped(false, false);
    PrunedPrompt p = PrunedPrompt.of(PROMPT, selection, true, FULL, true);
    assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, p.positions()[0]);
    assertEquals(10, p.nextPosition());
    PrunedPrompt renumbered = PrunedPrompt.of(PROMPT, selection, true, FULL, true);
    assertArrayEquals(p.positions()[0], renumbered.positions()[0]);
    PrunedPrompt original = PrunedPrompt.of(PROMPT, selection, true, FULL, false);
    assertArrayEquals(new long[] {0, 1, 2, 4, 9, 10, 11, 12, 13, 14}, original.positions()[0]);
    assertEquals(15, original.nextPosition());
  }

  /** M-RoPE: rows of all axes are gathered alike; decoding goes on where the full prompt ends. */
  @Test
  void everyAxisIsGathered() {
    long[][] axes = new long[3][15];
    for (int t = 0; t < 15; t++) {
      for (int a = 0; a < 3; a++) {
        axes[a][t] = 100 * a + t / (a + 1);
      }
    }
    PromptPositions full = new PromptPositions(axes, 212);
    Selection selection = middleDropped(false, false);
    PrunedPrompt p = PrunedPrompt.of(PROMPT, selection, false, full, false);
    assertEquals(3, p.positions().length);
    for (int a = 0; a < 3; a++) {
      for (int i = 0; i < p.length(); i++) {
        assertEquals(axes[a][p.origin()[i]], p.positions()[a][i], "axis " + a + ", token " + i);
      }
    }
    assertEquals(212, p.nextPosition());
    PrunedPrompt renumbered = PrunedPrompt.of(PROMPT, selection, false, full, true);
    for (int a = 0; a < 3; a++) {
      assertArrayEquals(new long[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, renumbered.positions()[a]);
    }
    assertEquals(10, renumbered.nextPosition());
  }

  @Test
  void nothingPrunedIsThePromptItself() {
    PrunedPrompt p = PrunedPrompt.of(PROMPT, Selection.all(3, 2), true, FULL, true);
    assertArrayEquals(IDS, p.ids());
    assertArrayEquals(
        new int[] {-1, -1, -1, 0, 1, -1, -1, 2, 3, -1, -1, 4, 5, -1, -1}, p.feature());
  }

  @Test
  void slicesMayBePresentedInAnyOrder() {
    int[] slice = {-1, 2, 2, 2, 2, 0, 0, 0, 0, 1, 1, 1, 1, -1, -1};
    PrunedPrompt p =
        PrunedPrompt.of(
            new Prompt(IDS, slice, images()), middleDropped(false, false), true, FULL, true);
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

  @Test
  void idsBelowZeroAreRefused() {
    int[] ids = IDS.clone();
    ids[4] = -1;
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class, () -> new Prompt(ids, SLICE, images()).length());
    assertEquals("ids: token 4 is -1, but ids are >= 0", e.getMessage());
  }

  private static void refused(Prompt prompt, Selection selection, String expected) {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> PrunedPrompt.of(prompt, selection, true, FULL, true));
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e.getMessage());
  }
}
