package org.medpruner.eval;

import org.medpruner.PruningPolicy;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.volume.SliceImages;

/**
 * Takes one slice through the whole path, so that what is slow only once (threads, the first touch
 * of the weights, compilation) is charged to none of the runs that follow.
 */
public final class WarmUp {
  private WarmUp() {}

  /**
   * Answers with one token about the first slice.
   *
   * @param model stays the caller's to close
   * @param all slices of the volume, at least one
   * @param policy how it is pruned
   * @param question what is asked
   * @param layout where the question stands in the prompt
   */
  public static void run(
      VisionLanguageModel model,
      SliceImages all,
      PruningPolicy policy,
      String question,
      PromptLayout layout) {
    SliceImages first =
        new SliceImages(
            all.height(),
            all.width(),
            all.pixels().subList(0, 1),
            all.info().subList(0, 1),
            all.spacingMm(),
            all.recipe());
    try (EncodedVolume encoded = model.encode(first, policy, Progress.NONE)) {
      model.ask(encoded, question, new GenerationOptions(1, layout), Progress.NONE);
    }
  }
}
