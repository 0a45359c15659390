package org.medpruner.vlm.engine;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.prompt.Prompt;

/**
 * A prompt after pruning: the kept tokens in their original order, the visual token that stands at
 * each image place, and the positions and image groups, both worked out after pruning. The arrays
 * are not copied and must not be changed.
 *
 * @param ids token ids
 * @param origin index of each token in the full prompt
 * @param feature per token, the row of the packed visual tokens, or -1 for text
 * @param group per token, the slice whose image tokens it attends to in both directions, or -1;
 *     null for plain causal attention
 * @param positions [axes][length] rotary positions
 * @param nextPosition rotary position of the first generated token
 * @param renumbered whether positions count the tokens that are left; else they are those of the
 *     full prompt, {@code nextPosition} too
 * @param fullLength tokens of the full prompt
 */
@SuppressWarnings("ArrayRecordComponent")
public record PrunedPrompt(
    int[] ids,
    int[] origin,
    int[] feature,
    int @Nullable [] group,
    long[][] positions,
    long nextPosition,
    boolean renumbered,
    int fullLength) {

  /** Number of tokens. */
  public int length() {
    return ids.length;
  }

  /**
   * Prunes a prompt.
   *
   * @param bidirectional whether image tokens of a slice see each other in both directions
   * @param full positions of the full prompt
   * @param renumbered whether the pruned sequence gets positions 0 .. L-1 instead of its own
   * @throws IllegalArgumentException if the prompt's pictures are not those of the selection
   */
  public static PrunedPrompt of(
      Prompt prompt,
      Selection selection,
      boolean bidirectional,
      PromptPositions full,
      boolean renumbered) {
    int n = selection.tokensPerSlice();
    int[] firstRow = firstRows(selection);
    int[] seen = new int[selection.slices()];
    int[] given = new int[selection.slices()];
    int[] origin = new int[prompt.length()];
    int[] feature = new int[prompt.length()];
    int length = 0;
    for (int t = 0; t < prompt.length(); t++) {
      int slice = prompt.slice()[t];
      if (slice < -1 || slice >= selection.slices()) {
        throw new IllegalArgumentException(
            "prompt: token " + t + " belongs to slice " + slice + " of " + selection.slices());
      }
      boolean image = prompt.image()[t];
      boolean keep;
      int row = -1;
      if (image) {
        if (slice < 0 || seen[slice] == n) {
          throw new IllegalArgumentException(
              "prompt: image token "
                  + t
                  + (slice < 0 ? " has no slice" : " is one too many of slice " + slice));
        }
        keep = selection.token()[slice * n + seen[slice]++];
        row = keep ? firstRow[slice] + given[slice]++ : -1;
      } else {
        keep = slice < 0 || selection.text()[slice];
      }
      if (keep) {
        origin[length] = t;
        feature[length] = row;
        length++;
      }
    }
    for (int s = 0; s < seen.length; s++) {
      if (seen[s] != n) {
        throw new IllegalArgumentException(
            "prompt: slice " + s + " has " + seen[s] + " image tokens, but the model makes " + n);
      }
    }
    return assemble(
        prompt,
        Arrays.copyOf(origin, length),
        Arrays.copyOf(feature, length),
        bidirectional,
        full,
        renumbered);
  }

  private static int[] firstRows(Selection selection) {
    int[] first = new int[selection.slices()];
    int rows = 0;
    for (int s = 0; s < first.length; s++) {
      first[s] = rows;
      rows += selection.kept(s);
    }
    return first;
  }

  private static PrunedPrompt assemble(
      Prompt prompt,
      int[] origin,
      int[] feature,
      boolean bidirectional,
      PromptPositions full,
      boolean renumbered) {
    int length = origin.length;
    int[] ids = new int[length];
    int[] group = new int[length];
    for (int i = 0; i < length; i++) {
      ids[i] = prompt.ids()[origin[i]];
      group[i] = feature[i] < 0 ? -1 : prompt.slice()[origin[i]];
    }
    PromptPositions kept =
        renumbered
            ? PromptPositions.counting(full.axes().length, length)
            : new PromptPositions(gather(full.axes(), origin), full.next());
    return new PrunedPrompt(
        ids,
        origin,
        feature,
        bidirectional ? group : null,
        kept.axes(),
        kept.next(),
        renumbered,
        prompt.length());
  }

  private static long[][] gather(long[][] axes, int[] origin) {
    long[][] kept = new long[axes.length][origin.length];
    for (int a = 0; a < axes.length; a++) {
      for (int i = 0; i < origin.length; i++) {
        kept[a][i] = axes[a][origin[i]];
      }
    }
    return kept;
  }
}
