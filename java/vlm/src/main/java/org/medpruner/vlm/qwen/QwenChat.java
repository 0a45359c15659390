package org.medpruner.vlm.qwen;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.engine.TextSide;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.QwenPrompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;

/** Qwen3-VL's tokenizer and chat template. */
public final class QwenChat implements ChatFormat {
  private final Tokenizer tokenizer;
  private final QwenPrompt prompts;

  private QwenChat(Tokenizer tokenizer, QwenPrompt prompts) {
    this.tokenizer = tokenizer;
    this.prompts = prompts;
  }

  /**
   * Reads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the tokenizer is missing, lacks one of Qwen's vision
   *     tokens, or names another image token than {@code config.json}, or the template begins the
   *     model's turn in a way that is not known
   */
  public static QwenChat load(Path folder) {
    int imageToken = QwenConfig.read(folder).imageToken();
    String opening = TurnOpening.read(folder);
    return TextSide.load(
        folder,
        imageToken,
        tokenizer -> new QwenPrompt(tokenizer, opening).imageTokenId(),
        tokenizer -> new QwenChat(tokenizer, new QwenPrompt(tokenizer, opening)));
  }

  /** The layout has no say: Qwen's template knows one order, see {@link QwenPrompt}. */
  @Override
  public Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question) {
    return prompts.build(slices, tokensPerSlice, question);
  }

  @Override
  public int[] followUp(String question) {
    return prompts.followUp(question);
  }

  @Override
  public int[] answerIds(String answer) {
    return prompts.answer(answer);
  }

  @Override
  public String decode(List<Integer> ids) {
    return tokenizer.decode(ids);
  }

  @Override
  public String visible(String decoded) {
    // The prompt opened the block: a text without its end was cut off inside, all of it is thought.
    return prompts.thinking() && !decoded.contains(ThinkingBlock.QWEN.close())
        ? ""
        : ThinkingBlock.QWEN.strip(decoded);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
