package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Sampling;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * What is closed while it is in use; freed under LibTorch's feet it would take the process with it.
 */
class LifetimeTest {
  private static final int SIDE = 112;

  private static SliceImages noise() {
    byte[] picture = new byte[3 * SIDE * SIDE];
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < picture.length; i++) {
      picture[i] = (byte) random.nextInt(256);
    }
    return new SliceImages(
        SIDE, SIDE, List.of(picture), List.of(new SliceInfo(0, 0, 0)), 1, "noise");
  }

  @Test
  void aVolumeClosedWhileItIsReadIsFreedAfterwards(@TempDir Path folder)
      throws IOException, InterruptedException {
    TinyHulu.write(folder);
    try (Pipeline model = (Pipeline) TokenModel.load(folder, LoadOptions.DEFAULT, Progress.NONE)) {
      PrunedVolume volume = model.encode(noise(), PruningPolicy.PAPER, Progress.NONE);
      PackedTokens tokens = volume.tokens();
      volume.lifetime().begin();
      volume.lifetime().begin();
      Thread.ofPlatform().start(volume::close).join();
      assertThrows(IllegalStateException.class, volume::tokens);
      assertThrows(IllegalStateException.class, volume.lifetime()::begin);
      volume.lifetime().end();
      assertFalse(tokens.features().isNull(), "the second reader is not done");
      volume.lifetime().end();
      assertTrue(tokens.features().isNull());
      volume.close();
    }
  }

  @Test
  void aConversationClosedInItsAnswerEndsTheAnswer(@TempDir Path folder) throws IOException {
    TinyHulu.write(folder);
    try (VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume = model.encode(noise(), PruningPolicy.PAPER, Progress.NONE)) {
      GenerationOptions options =
          new GenerationOptions(6, PromptLayout.GOOGLE, Sampling.GREEDY, List.of());
      Conversation kept = model.converse(volume, PromptLayout.GOOGLE);
      Answer whole = kept.ask("Where?", options, Progress.NONE);
      assertTrue(whole.tokenIds().size() > 2, "too short to be cut: " + whole.tokenIds());
      kept.close();

      Conversation conversation = model.converse(volume, PromptLayout.GOOGLE);
      Answer cut =
          conversation.ask(
              "Where?",
              options,
              (stage, done, total) -> {
                if (stage.equals("decode") && done == 2) {
                  conversation.close();
                }
              });
      assertEquals(Ending.CANCELLED, cut.ending());
      assertEquals(whole.tokenIds().subList(0, 2), cut.tokenIds());
      assertThrows(
          IllegalStateException.class, () -> conversation.ask("Why?", options, Progress.NONE));

      // The model is free for the next, and a volume closed in an answer does not harm it.
      Answer again =
          model.ask(
              volume,
              "Where?",
              options,
              (stage, done, total) -> {
                if (stage.equals("decode")) {
                  volume.close();
                }
              });
      assertEquals(whole.tokenIds(), again.tokenIds());
    }
  }
}
