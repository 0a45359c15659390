package org.medpruner.vlm.engine;

import java.nio.file.Path;
import java.util.function.Function;
import java.util.function.ToIntFunction;
import org.medpruner.InputException;
import org.medpruner.vlm.prompt.Tokenizer;

/** Loads a family's text side: a tokenizer that its prompts can be written with. */
public final class TextSide {
  private TextSide() {}

  /**
   * Loads the tokenizer of a checkpoint folder and checks that it is the model's.
   *
   * @param stated image token that {@code config.json} names; negative where it names none
   * @param imageToken the tokenizer's; fails where it lacks a token of the prompts
   * @param make owns the tokenizer from then on
   * @throws InputException if the tokenizer is missing, lacks one of the prompts' tokens, or names
   *     another image token
   */
  public static <T> T load(
      Path folder, int stated, ToIntFunction<Tokenizer> imageToken, Function<Tokenizer, T> make) {
    Tokenizer tokenizer = Tokenizer.load(folder);
    boolean ok = false;
    try {
      int found = imageToken.applyAsInt(tokenizer);
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
      T made = make.apply(tokenizer);
      ok = true;
      return made;
    } finally {
      if (!ok) {
        tokenizer.close();
      }
    }
  }
}
