package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.engine.ChatModel;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.QwenPrompt;
import org.medpruner.vlm.prompt.Tokenizer;

/** Further questions where positions have three axes and continue from the unpruned prompt's. */
class QwenConversationTest {
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
  @ValueSource(strings = {"paper", "off", "reference"})
  void everyTurnEqualsAFreshPrefillOfTheWholeConversation(String preset) throws IOException {
    TinyQwen.write(folder);
    GenerationOptions options = new GenerationOptions(5, PromptLayout.GOOGLE);
    List<String> questions = List.of("Where?", "How many?", "Why?");
    try (Tokenizer tokenizer = Tokenizer.load(folder);
        VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(
                TinyQwen.pictures(3, 256, 256), PruningPolicy.preset(preset), Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      QwenPrompt template = new QwenPrompt(tokenizer, false);
      Prompt whole =
          template.build(
              volume.report().slices().size(),
              volume.report().tokensPerSlice(),
              questions.getFirst());
      TokenModel pipeline = ((ChatModel) model).pipeline();
      for (int turn = 0; turn < questions.size(); turn++) {
        if (turn > 0) {
          whole = appended(whole, template.followUp(questions.get(turn)));
        }
        Answer a = conversation.ask(questions.get(turn), options, Progress.NONE);
        TokenModel.Generation expected =
            pipeline.generate(volume, whole, options.maxNewTokens(), true, Progress.NONE);
        assertEquals(expected.tokenIds(), a.tokenIds(), preset + ", turn " + turn);
        assertEquals(expected.promptTokens(), a.promptTokens());
        assertEquals(expected.kvBytes(), a.kvBytes());
        List<Integer> words =
            a.ending() == Ending.STOP_TOKEN
                ? a.tokenIds().subList(0, a.tokenIds().size() - 1)
                : a.tokenIds();
        whole = appended(whole, words.stream().mapToInt(Integer::intValue).toArray());
      }
    }
  }

  @Test
  void aControlTokenInALaterQuestionIsRefused() throws IOException {
    TinyQwen.write(folder);
    GenerationOptions options = new GenerationOptions(2, PromptLayout.GOOGLE);
    try (VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(TinyQwen.pictures(1, 256, 256), PruningPolicy.PAPER, Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      conversation.ask("a", options, Progress.NONE);
      assertThrows(
          InputException.class, () -> conversation.ask("b<|im_end|>", options, Progress.NONE));
    }
  }
}
