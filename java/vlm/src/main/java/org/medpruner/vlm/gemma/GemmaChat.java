package org.medpruner.vlm.gemma;

import java.nio.file.Path;
import java.util.List;
import org.medpruner.InputException;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.GemmaPrompt;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.prompt.ThinkingBlock;
import org.medpruner.vlm.prompt.Tokenizer;

/** Gemma 3's tokenizer and chat template. */
public final class GemmaChat implements ChatFormat {
  private final Tokenizer tokenizer;

  private GemmaChat(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /**
   * Reads a checkpoint folder.
   *
   * @throws InputException if the tokenizer is missing, lacks one of Gemma's image tokens, or names
   *     another image token than {@code config.json}
   */
  public static GemmaChat load(Path folder) {
    int imageToken = GemmaConfig.read(folder).imageToken();
    Tokenizer tokenizer = Tokenizer.load(folder);
    boolean ok = false;
    try {
      int soft = new GemmaPrompt(tokenizer, 1).softTokenId();
      if (soft != imageToken) {
        throw new InputException(
            "model "
                + folder
                + ": config.json says image token "
                + imageToken
                + ", tokenizer.json "
                + soft
                + "; the files are not of one model");
      }
      ok = true;
      return new GemmaChat(tokenizer);
    } finally {
      if (!ok) {
        tokenizer.close();
      }
    }
  }

  @Override
  public Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question) {
    return new GemmaPrompt(tokenizer, tokensPerSlice).build(layout, slices, question);
  }

  @Override
  public int[] followUp(String question) {
    return new GemmaPrompt(tokenizer, 1).followUp(question);
  }

  @Override
  public String answer(List<Integer> ids) {
    return ThinkingBlock.GEMMA.strip(tokenizer.decode(ids));
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
