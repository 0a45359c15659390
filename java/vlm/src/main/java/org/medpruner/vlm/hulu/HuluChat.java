package org.medpruner.vlm.hulu;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.InputException;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.HuluPrompt;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;

/** Hulu-Med's tokenizer and chat template, which has one layout. */
public final class HuluChat implements ChatFormat {
  private final Tokenizer tokenizer;

  private HuluChat(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a checkpoint folder.
   *
   * @throws InputException if the tokenizer is missing, lacks one of the template's tokens, or
   *     names another image token than {@code config.json}
   */
  public static HuluChat load(Path folder) {
    int stated = HuluConfig.read(folder).imageToken();
    Tokenizer tokenizer = Tokenizer.load(folder);
    boolean ok = false;
    try {
      int found = new HuluPrompt(tokenizer, 1).imageTokenId();
      if (stated >= 0 && stated != found) {
        throw new InputException(
            "model "
                + folder
                + ": config.json says image token "
                + stated
                + ", tokenizer.json "
                + found
                + "; the files are not of one model");
      }
      ok = true;
      return new HuluChat(tokenizer);
    } finally {
      if (!ok) {
        tokenizer.close();
      }
    }
  }

  @Override
  public Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question) {
    return new HuluPrompt(tokenizer, tokensPerSlice).build(slices, question);
  }

  @Override
  public int[] followUp(String question) {
    return new HuluPrompt(tokenizer, 1).followUp(question);
  }

  @Override
  public String answer(List<Integer> ids) {
    return ThinkingBlock.QWEN.strip(tokenizer.decode(ids));
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
