package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.medpruner.vlm.engine.ChatModel;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;

/**
 * An oracle that knows no conversation: it builds the ids of all turns so far as one prompt, and
 * asks the pipeline for a fresh prefill of it.
 */
final class WholeConversation {
  private final ChatFormat template;
  private final TokenModel pipeline;
  private final EncodedVolume volume;
  private Prompt whole;

  /** The first question of a conversation in the {@code google} layout. */
  WholeConversation(
      ChatFormat template, VisionLanguageModel model, EncodedVolume volume, String question) {
    this.template = template;
    this.pipeline = ((ChatModel) model).pipeline();
    this.volume = volume;
    whole =
        template.prompt(
            PromptLayout.GOOGLE,
            volume.report().slices().size(),
            volume.report().tokensPerSlice(),
            question);
  }

  /** An answer in words, and the question after it. */
  void recall(String answer, String question) {
    append(template.answerIds(answer));
    append(template.followUp(question));
  }

  private void append(int[] text) {
    int n = whole.length();
    int[] ids = Arrays.copyOf(whole.ids(), n + text.length);
    int[] slice = Arrays.copyOf(whole.slice(), n + text.length);
    System.arraycopy(text, 0, ids, n, text.length);
    Arrays.fill(slice, n, slice.length, -1);
    whole = new Prompt(ids, slice, Arrays.copyOf(whole.image(), n + text.length));
  }

  /** The answer to the last question is that of one prompt. */
  void assertEqual(Answer a, int maxNewTokens) {
    TokenModel.Generation expected =
        pipeline.generate(volume, whole, maxNewTokens, true, Progress.NONE);
    String what = volume.report().policy().name() + ", prompt of " + whole.length();
    assertEquals(expected.tokenIds(), a.tokenIds(), what);
    assertEquals(expected.promptTokens(), a.promptTokens(), what);
    assertEquals(whole.length(), a.unprunedPromptTokens(), what);
    assertEquals(expected.kvBytes(), a.kvBytes(), what);
    assertEquals(expected.report().savings(), a.report().savings(), what);
  }

  /**
   * Asks questions one after the other, each answer equal to the oracle's; the second is cut off in
   * mid-answer, so that the next turn ends the answer itself.
   *
   * @param maxNewTokens of the others
   */
  static List<Answer> ask(
      ChatFormat template,
      VisionLanguageModel model,
      EncodedVolume volume,
      List<String> questions,
      int maxNewTokens) {
    List<Answer> answers = new ArrayList<>();
    WholeConversation oracle = new WholeConversation(template, model, volume, questions.getFirst());
    try (Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      for (int turn = 0; turn < questions.size(); turn++) {
        if (turn > 0) {
          oracle.append(words(answers.getLast()));
          oracle.append(template.followUp(questions.get(turn)));
        }
        GenerationOptions options =
            new GenerationOptions(turn == 1 ? 1 : maxNewTokens, PromptLayout.GOOGLE);
        answers.add(conversation.ask(questions.get(turn), options, Progress.NONE));
        oracle.assertEqual(answers.getLast(), options.maxNewTokens());
      }
    }
    return answers;
  }

  /** Without the stop token, whose place takes the template's end of turn. */
  private static int[] words(Answer a) {
    int stop = a.ending() == Ending.STOP_TOKEN ? 1 : 0;
    return a.tokenIds().stream()
        .limit(a.tokenIds().size() - stop)
        .mapToInt(Integer::intValue)
        .toArray();
  }
}
