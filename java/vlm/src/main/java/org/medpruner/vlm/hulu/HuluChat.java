package org.medpruner.vlm.hulu;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.engine.TextSide;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.HuluPrompt;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;

/** Hulu-Med's tokenizer and chat template, which has one layout. */
public final class HuluChat implements ChatFormat {
  private final Tokenizer tokenizer;
  private final HuluPrompt prompts;

  private HuluChat(Tokenizer tokenizer, HuluPrompt prompts) {
    this.tokenizer = tokenizer;
    this.prompts = prompts;
  }

  /**
   * Reads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the tokenizer is missing, lacks one of the template's
   *     tokens, or names another image token than {@code config.json}
   */
  public static HuluChat load(Path folder) {
    return TextSide.load(
        folder,
        HuluConfig.read(folder).imageToken(),
        tokenizer -> new HuluPrompt(tokenizer).imageTokenId(),
        tokenizer -> new HuluChat(tokenizer, new HuluPrompt(tokenizer)));
  }

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
    return ThinkingBlock.QWEN.strip(decoded);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
