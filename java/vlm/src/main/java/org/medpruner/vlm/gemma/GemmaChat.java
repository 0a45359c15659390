package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.engine.TextSide;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.GemmaPrompt;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;

/** Gemma 3's tokenizer and chat template. */
public final class GemmaChat implements ChatFormat {
  private final Tokenizer tokenizer;
  private final GemmaPrompt prompts;

  private GemmaChat(Tokenizer tokenizer, GemmaPrompt prompts) {
    this.tokenizer = tokenizer;
    this.prompts = prompts;
  }

  /**
   * Reads a checkpoint folder.
   *
   * @throws org.medpruner.InputException if the tokenizer is missing, lacks one of Gemma's image
   *     tokens, or names another image token than {@code config.json}
   */
  public static GemmaChat load(Path folder) {
    return TextSide.load(
        folder,
        GemmaConfig.read(folder).imageToken(),
        tokenizer -> new GemmaPrompt(tokenizer).softTokenId(),
        tokenizer -> new GemmaChat(tokenizer, new GemmaPrompt(tokenizer)));
  }

  @Override
  public Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question) {
    return prompts.build(layout, slices, tokensPerSlice, question);
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
    return ThinkingBlock.GEMMA.strip(decoded);
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
