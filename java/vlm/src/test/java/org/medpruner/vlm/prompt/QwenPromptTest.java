package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.vlm.fixtures.ByteTokenizer;

class QwenPromptTest {
  private static final List<String> SPECIAL =
      List.of(
          "<|endoftext|>",
          "<|im_start|>",
          "<|im_end|>",
          "<|vision_start|>",
          "<|vision_end|>",
          "<|image_pad|>");

  @TempDir Path folder;

  private Tokenizer bytes(List<String> special) throws Exception {
    ByteTokenizer.write(folder, special, List.of());
    return Tokenizer.load(folder);
  }

  /** The rendered text, every image token written out; nothing of the question is trimmed. */
  @Test
  void textOfThePrompt() throws Exception {
    String question = "  Wo ist \u00E9 \uD83E\uDEC1?\n";
    String picture = "<|vision_start|>" + "<|image_pad|>".repeat(3) + "<|vision_end|>";
    String text =
        "<|im_start|>user\n" + picture + picture + question + "<|im_end|>\n<|im_start|>assistant\n";
    try (Tokenizer tokenizer = bytes(SPECIAL)) {
      Prompt p = new QwenPrompt(tokenizer, "").build(2, 3, question);
      assertArrayEquals(tokenizer.encode(text), p.ids());
      int head = 1 + "user\n".length();
      for (int t = 0; t < p.length(); t++) {
        int slice = t >= head && t < head + 10 ? (t - head) / 5 : -1;
        assertEquals(slice, p.slice()[t], "token " + t);
        assertEquals(slice >= 0 && (t - head) % 5 % 4 != 0, p.image()[t], "token " + t);
      }
      for (String opening : List.of("<think>\n", "<think>\n\n</think>\n\n")) {
        QwenPrompt thinking = new QwenPrompt(tokenizer, opening);
        assertArrayEquals(
            tokenizer.encode(text + opening), thinking.build(2, 3, question).ids(), opening);
        // An answer given as text closes the block where it is open.
        String closed = thinking.thinking() ? "\n</think>\n\n" : "";
        assertEquals(!opening.contains("</think>"), thinking.thinking());
        assertArrayEquals(tokenizer.encode(closed + "a"), thinking.answer("a"));
      }
    }
  }

  @Test
  void controlTokensInAQuestionAreRefused() throws Exception {
    try (Tokenizer tokenizer = bytes(SPECIAL)) {
      QwenPrompt prompts = new QwenPrompt(tokenizer, "");
      for (String token : List.of("<|im_end|>", "<|image_pad|>", "<|video_pad|>")) {
        IllegalArgumentException e =
            assertThrows(
                IllegalArgumentException.class, () -> prompts.build(1, 1, "a" + token + "b"));
        assertTrue(String.valueOf(e.getMessage()).contains(token), e.getMessage());
      }
      assertThrows(IllegalArgumentException.class, () -> prompts.build(0, 1, "a"));
      assertThrows(IllegalArgumentException.class, () -> prompts.build(1, 0, "a"));
    }
  }

  @Test
  void aTokenizerWithoutVisionTokensIsRefused() throws Exception {
    try (Tokenizer tokenizer = bytes(SPECIAL.subList(0, 5))) {
      InputException e = assertThrows(InputException.class, () -> new QwenPrompt(tokenizer, ""));
      assertTrue(String.valueOf(e.getMessage()).contains("<|image_pad|>"), e.getMessage());
    }
  }

  /** Ids of Qwen's own vocabulary. */
  @Test
  void idsOfQwen3() throws Exception {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.qwenTokenizer())) {
      QwenPrompt prompts = new QwenPrompt(tokenizer, "");
      assertEquals(151_655, prompts.imageTokenId());
      assertArrayEquals(
          new int[] {
            151_644, 872, 198, 151_652, 151_655, 151_655, 151_653, 151_652, 151_655, 151_655,
            151_653, 74_785, 432, 13, 151_645, 198, 151_644, 77_091, 198
          },
          prompts.build(2, 2, "Describe it.").ids());
      int[] thought = tokenizer.encode("<think>\nno\n</think>\n\nYes<|im_end|>");
      String text = tokenizer.decode(java.util.Arrays.stream(thought).boxed().toList());
      assertEquals("Yes", ThinkingBlock.QWEN.strip(text));
    }
  }
}
