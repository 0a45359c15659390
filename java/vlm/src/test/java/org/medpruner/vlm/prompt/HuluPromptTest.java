package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.vlm.fixtures.ByteTokenizer;

class HuluPromptTest {
  private static final int IMAGE = 259;

  private static final List<String> SPECIAL =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>");

  @TempDir Path folder;
  private Tokenizer tokenizer;

  @BeforeEach
  void open() throws IOException {
    ByteTokenizer.write(folder, SPECIAL, List.of());
    tokenizer = Tokenizer.load(folder);
  }

  @AfterEach
  void close() {
    tokenizer.close();
  }

  /** Text of a prompt whose tokens are bytes and added tokens; one sign per image token. */
  private static String text(int[] ids) {
    StringBuilder b = new StringBuilder();
    for (int id : ids) {
      switch (id) {
        case 257 -> b.append("<|im_start|>");
        case 258 -> b.append("<|im_end|>");
        case IMAGE -> b.append('#');
        default -> b.append((char) id);
      }
    }
    return b.toString();
  }

  /** What the default template renders, each mark repeated as the processor does. */
  @Test
  void promptIsTheTemplates() {
    Prompt p = new HuluPrompt(tokenizer).build(4, 3, " How many?  ");
    assertEquals(
        "<|im_start|>user\n###,###,###,###\n How many?  <|im_end|>\n<|im_start|>assistant\n",
        text(p.ids()));
    assertArrayEquals(
        new HuluPrompt(tokenizer).build(4, 1, " How many?  ").ids(),
        tokenizer.encode(
            "<|im_start|>user\n<image>,<image>,<image>,<image>\n How many?  <|im_end|>\n"
                + "<|im_start|>assistant\n"));
    assertEquals(
        "<|im_start|>user\n##\nq<|im_end|>\n<|im_start|>assistant\n",
        text(new HuluPrompt(tokenizer).build(1, 2, "q").ids()));
  }

  @Test
  void aFurtherQuestionEndsTheAnswersTurn() {
    assertEquals(
        "<|im_end|>\n<|im_start|>user\n And now?<|im_end|>\n<|im_start|>assistant\n",
        text(new HuluPrompt(tokenizer).followUp(" And now?")));
    assertThrows(
        IllegalArgumentException.class, () -> new HuluPrompt(tokenizer).followUp("<image>"));
  }

  /** Whatever slices but the first are left out, the rest is the prompt of the others. */
  @Test
  void aPrunedPromptReadsAsOneOfFewerSlices() {
    HuluPrompt hulu = new HuluPrompt(tokenizer);
    Prompt full = hulu.build(4, 5, "q");
    for (int kept = 1; kept < 16; kept += 2) {
      int mask = kept;
      int[] left =
          IntStream.range(0, full.length())
              .filter(t -> full.slice()[t] < 0 || (mask >> full.slice()[t] & 1) != 0)
              .map(t -> full.ids()[t])
              .toArray();
      assertArrayEquals(hulu.build(Integer.bitCount(kept), 5, "q").ids(), left);
    }
  }

  @Test
  void everyImageTokenHasItsSlice() {
    Prompt p = new HuluPrompt(tokenizer).build(3, 7, "q");
    for (int s = 0; s < 3; s++) {
      int slice = s;
      assertEquals(
          7,
          IntStream.range(0, p.length())
              .filter(t -> p.image()[t] && p.slice()[t] == slice)
              .count());
    }
    for (int t = 0; t < p.length(); t++) {
      assertEquals(p.ids()[t] == IMAGE, p.image()[t]);
    }
    assertEquals(IMAGE, new HuluPrompt(tokenizer).imageTokenId());
  }

  @Test
  void controlTokensInAQuestionAreRefused() {
    HuluPrompt hulu = new HuluPrompt(tokenizer);
    for (String token : SPECIAL) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> hulu.build(1, 1, "a " + token));
      assertTrue(String.valueOf(e.getMessage()).contains(token), e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> hulu.build(0, 1, "a"));
    assertThrows(IllegalArgumentException.class, () -> hulu.build(1, 0, "a"));
  }

  @Test
  void aTokenizerOfAnotherModelIsRefused() throws IOException {
    ByteTokenizer.write(folder, SPECIAL.subList(0, 3), List.of());
    try (Tokenizer other = Tokenizer.load(folder)) {
      InputException e = assertThrows(InputException.class, () -> new HuluPrompt(other));
      assertTrue(String.valueOf(e.getMessage()).contains("<image>"), e.getMessage());
    }
  }
}
