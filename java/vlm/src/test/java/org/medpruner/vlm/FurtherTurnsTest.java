package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.engine.ChatModel;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.SliceImages;

/** Further questions on one cache, in every family; Qwen3-VL's positions have three axes. */
class FurtherTurnsTest {
  @TempDir Path folder;

  private static Prompt appended(Prompt prompt, int[] text) {
    int n = prompt.length();
    int[] ids = Arrays.copyOf(prompt.ids(), n + text.length);
    int[] slice = Arrays.copyOf(prompt.slice(), n + text.length);
    System.arraycopy(text, 0, ids, n, text.length);
    Arrays.fill(slice, n, slice.length, -1);
    return new Prompt(ids, slice, Arrays.copyOf(prompt.image(), n + text.length));
  }

  /** The oracle is a fresh prefill of all turns so far as one prompt. */
  @ParameterizedTest
  @CsvSource({
    "GEMMA,paper", "GEMMA,off", "GEMMA,reference",
    "QWEN,paper", "QWEN,off", "QWEN,reference",
    "HULU,paper", "HULU,off", "HULU,reference"
  })
  void everyTurnEqualsAFreshPrefillOfTheWholeConversation(Family family, String preset)
      throws IOException {
    family.tiny(folder);
    List<String> questions = List.of("Where?", "How many?", "Why?");
    try (ChatFormat template = family.chat(folder);
        VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(
                TinyQwen.pictures(4, 256, 256), PruningPolicy.preset(preset), Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      Prompt whole =
          template.prompt(
              PromptLayout.GOOGLE,
              volume.report().slices().size(),
              volume.report().tokensPerSlice(),
              questions.getFirst());
      TokenModel pipeline = ((ChatModel) model).pipeline();
      for (int turn = 0; turn < questions.size(); turn++) {
        if (turn > 0) {
          whole = appended(whole, template.followUp(questions.get(turn)));
        }
        // Cut off in mid-answer once: the next turn then ends the answer itself.
        GenerationOptions options = new GenerationOptions(turn == 1 ? 1 : 5, PromptLayout.GOOGLE);
        Answer a = conversation.ask(questions.get(turn), options, Progress.NONE);
        TokenModel.Generation expected =
            pipeline.generate(volume, whole, options.maxNewTokens(), true, Progress.NONE);
        assertEquals(expected.tokenIds(), a.tokenIds(), "turn " + turn);
        assertEquals(expected.promptTokens(), a.promptTokens());
        assertEquals(whole.length(), a.unprunedPromptTokens());
        assertEquals(expected.kvBytes(), a.kvBytes());
        assertEquals(expected.report().savings(), a.report().savings());
        List<Integer> words =
            a.ending() == Ending.STOP_TOKEN
                ? a.tokenIds().subList(0, a.tokenIds().size() - 1)
                : a.tokenIds();
        whole = appended(whole, words.stream().mapToInt(Integer::intValue).toArray());
      }
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
      Prompt whole =
          template.prompt(
              PromptLayout.GOOGLE,
              volume.report().slices().size(),
              volume.report().tokensPerSlice(),
              "Where?");
      whole = appended(whole, template.answerIds("In the liver."));
      whole = appended(whole, template.followUp("How many?"));
      whole = appended(whole, template.answerIds("2"));
      whole = appended(whole, template.followUp("Why?"));
      conversation.recall("Where?", "In the liver.", Progress.NONE);
      conversation.recall("How many?", "2", Progress.NONE);
      Answer a = conversation.ask("Why?", options, Progress.NONE);
      TokenModel.Generation expected =
          ((ChatModel) model).pipeline().generate(volume, whole, 5, true, Progress.NONE);
      assertEquals(expected.tokenIds(), a.tokenIds());
      assertEquals(expected.promptTokens(), a.promptTokens());
      assertEquals(whole.length(), a.unprunedPromptTokens());
      assertEquals(expected.report().savings(), a.report().savings());
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
