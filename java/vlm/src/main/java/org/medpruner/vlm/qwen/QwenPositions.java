package org.medpruner.vlm.qwen;

import org.medpruner.vlm.engine.PromptPositions;
import org.medpruner.vlm.engine.SliceGrid;
import org.medpruner.vlm.prompt.Prompt;

/** Qwen3-VL's three-axis positions (M-RoPE) of a full prompt. */
final class QwenPositions {
  private QwenPositions() {}

  /**
   * Text advances time, height and width together. The tokens of a picture share the time at which
   * it begins and count height and width from there over their grid; what follows starts behind the
   * largest of them.
   */
  static PromptPositions of(Prompt prompt, SliceGrid grid) {
    long[][] axes = new long[QwenConfig.AXES][prompt.length()];
    long next = 0;
    int t = 0;
    while (t < prompt.length()) {
      if (!prompt.image()[t]) {
        for (long[] axis : axes) {
          axis[t] = next;
        }
        next++;
        t++;
        continue;
      }
      int end = Math.min(prompt.length(), t + grid.tokens());
      for (int token = 0; t < end && prompt.image()[t]; token++, t++) {
        axes[0][t] = next;
        axes[1][t] = next + token / grid.tokenColumns();
        axes[2][t] = next + token % grid.tokenColumns();
      }
      next += Math.max(grid.tokenRows(), grid.tokenColumns());
    }
    return new PromptPositions(axes, next);
  }
}
