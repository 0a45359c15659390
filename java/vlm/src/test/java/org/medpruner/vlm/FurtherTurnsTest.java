package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.volume.SliceImages;

/** Further questions on one cache, in every family; Qwen3-VL's positions have three axes. */
class FurtherTurnsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "GEMMA,paper", "GEMMA,off", "GEMMA,reference",
    "QWEN,paper", "QWEN,off", "QWEN,reference",
    "HULU,paper", "HULU,off", "HULU,reference"
  })
  void everyTurnEqualsAFreshPrefillOfTheWholeConversation(Family family, String preset)
      throws IOException {
    family.tiny(folder);
    try (ChatFormat template = family.chat(folder);
        VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(
                TinyQwen.pictures(4, 256, 256), PruningPolicy.preset(preset), Progress.NONE)) {
      WholeConversation.ask(template, model, volume, List.of("Where?", "How many?", "Why?"), 5);
    }
  }

  /** The oracle is a fresh prefill of the prompt with the answers' text in it. */
  @ParameterizedTest
  @CsvSource({"GEMMA,paper", "QWEN,paper", "QWEN,off", "HULU,paper"})
  void recalledTurnsAreThoseOfOnePrompt(Family family, String preset) throws IOException {
    family.tiny(folder);
    GenerationOptions options = new GenerationOptions(5, PromptLayout.GOOGLE);
    try (ChatFormat template = family.chat(folder);
        VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(
                TinyQwen.pictures(4, 256, 256), PruningPolicy.preset(preset), Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      WholeConversation oracle = new WholeConversation(template, model, volume, "Where?");
      oracle.recall("In the liver.", "How many?");
      oracle.recall("2", "Why?");
      conversation.recall("Where?", "In the liver.", Progress.NONE);
      conversation.recall("How many?", "2", Progress.NONE);
      oracle.assertEqual(conversation.ask("Why?", options, Progress.NONE), 5);
      String control = family == Family.GEMMA ? "<end_of_turn>" : "<|im_end|>";
      assertThrows(
          InputException.class, () -> conversation.recall("a", "b" + control, Progress.NONE));
      assertThrows(
          InputException.class, () -> conversation.recall("a" + control, "b", Progress.NONE));
      assertEquals(5, conversation.ask("And?", options, Progress.NONE).tokenIds().size());
    }
  }

  /** What a listener of progress throws ends the call at every stage, and harms nothing else. */
  @ParameterizedTest
  @EnumSource(Family.class)
  void progressCanCancel(Family family) throws IOException {
    family.tiny(folder);
    GenerationOptions options = new GenerationOptions(4, PromptLayout.GOOGLE);
    SliceImages images = TinyQwen.pictures(4, 256, 256);
    try (VisionLanguageModel model =
        VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE)) {
      for (String cancelled : List.of("anchor", "encode", "prune")) {
        assertThrows(
            CancellationException.class,
            () -> model.encode(images, PruningPolicy.PAPER, cancelAt(cancelled, 0)));
      }
      try (EncodedVolume volume = model.encode(images, PruningPolicy.PAPER, Progress.NONE)) {
        List<Integer> whole = model.ask(volume, "Where?", options, Progress.NONE).tokenIds();
        Conversation ended = model.converse(volume, PromptLayout.GOOGLE);
        assertThrows(
            CancellationException.class,
            () -> ended.ask("Where?", options, cancelAt("prefill", 0)));
        assertThrows(
            IllegalStateException.class, () -> ended.ask("Where?", options, Progress.NONE));
        ended.close();
        assertThrows(
            CancellationException.class,
            () -> model.ask(volume, "Where?", options, cancelAt("decode", 2)));
        assertEquals(whole, model.ask(volume, "Where?", options, Progress.NONE).tokenIds());
      }
    }
  }

  private static Progress cancelAt(String stage, long from) {
    return (now, done, total) -> {
      if (now.equals(stage) && done >= from) {
        throw new CancellationException(stage);
      }
    };
  }

  @ParameterizedTest
  @EnumSource(Family.class)
  void aControlTokenInALaterQuestionIsRefused(Family family) throws IOException {
    family.tiny(folder);
    GenerationOptions options = new GenerationOptions(2, PromptLayout.GOOGLE);
    String control = family == Family.GEMMA ? "<end_of_turn>" : "<|im_end|>";
    try (VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(TinyQwen.pictures(1, 256, 256), PruningPolicy.PAPER, Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      conversation.ask("a", options, Progress.NONE);
      assertThrows(
          InputException.class, () -> conversation.ask("b" + control, options, Progress.NONE));
    }
  }
}
