package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
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
