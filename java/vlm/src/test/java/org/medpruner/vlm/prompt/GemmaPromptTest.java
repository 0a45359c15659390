package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.medpruner.vlm.PromptLayout;

class GemmaPromptTest {
  /** What transformers' processor makes of the eight phantoms' 45 questions. */
  @Test
  void demoPromptsEqualTransformers() throws Exception {
    Path demo = TestFiles.demo();
    JsonNode cases = new ObjectMapper().readTree(demo.resolve("expected.json").toFile());
    int withRuns = 0;
    try (Tokenizer tokenizer = Tokenizer.load(demo)) {
      GemmaPrompt gemma = new GemmaPrompt(tokenizer);
      for (JsonNode c : cases) {
        String question = c.get("question").asText();
        Prompt p = gemma.build(PromptLayout.GOOGLE, 24, 64, question);
        if (c.has("prompt_ids_runs")) {
          withRuns++;
          assertEquals(c.get("prompt_ids_runs").toString(), runs(p.ids()), question);
        }
        assertEquals(c.get("prompt_tokens").asInt(), p.length(), question);
        assertEquals(c.get("prompt_ids_sha256").asText(), sha256(p.ids()), question);
      }
    }
    assertTrue(cases.size() > 0 && withRuns > 0, "expected.json has no cases");
  }

  /** Two pictures in the released code's layout, as Gemma 3's own processor tokenizes them. */
  @Test
  void goldenSequenceOfGemma3() throws Exception {
    int[] head = {2, 105, 2364, 107};
    int[] tail = {82858, 625, 236761, 106, 107, 105, 4368, 107};
    int[] expected =
        concat(
            head,
            new int[] {132465, 236743, 236770, 236787, 108, 255999},
            repeat(262144, 256),
            new int[] {256000, 108},
            new int[] {132465, 236743, 236778, 236787, 108, 255999},
            repeat(262144, 256),
            new int[] {256000, 108},
            tail);
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.gemmaTokenizer())) {
      Prompt p =
          new GemmaPrompt(tokenizer).build(PromptLayout.REFERENCE, 2, 256, "  Describe it.\n");
      assertEquals(540, p.length());
      assertArrayEquals(expected, p.ids());
      int[] slices = concat(repeat(-1, 4), repeat(0, 264), repeat(1, 264), repeat(-1, 8));
      assertArrayEquals(slices, p.slice());
      assertEquals(List.of(100), ids(tokenizer.encode("<unused94>")));
      String block = tokenizer.decode(List.of(2, 100, 2364, 101, 4368, 106));
      assertEquals("model", ThinkingBlock.GEMMA.strip(block));
    }
  }

  /** One soft token repeated afterwards gives the ids that the full text gives. */
  @Test
  void splicedSoftTokensEqualLiteralOnes() throws Exception {
    try (Tokenizer demo = Tokenizer.load(TestFiles.demo())) {
      assertSpliceEqualsLiteral(demo, 64, 24);
    }
  }

  @Test
  void splicedSoftTokensEqualLiteralOnesInGemma3() throws Exception {
    try (Tokenizer real = Tokenizer.load(TestFiles.gemmaTokenizer())) {
      assertSpliceEqualsLiteral(real, 256, 85);
    }
  }

  private static void assertSpliceEqualsLiteral(Tokenizer tokenizer, int n, int slices) {
    StringBuilder text = new StringBuilder("<bos><start_of_turn>user\n" + GemmaPrompt.INSTRUCTION);
    for (int s = 1; s <= slices; s++) {
      text.append("\n\n<start_of_image>").append("<image_soft_token>".repeat(n));
      text.append("<end_of_image>\n\nSLICE ").append(s);
    }
    text.append("What is seen?<end_of_turn>\n<start_of_turn>model\n");
    Prompt p = new GemmaPrompt(tokenizer).build(PromptLayout.GOOGLE, slices, n, "What is seen?");
    assertArrayEquals(tokenizer.encode(text.toString()), p.ids());
  }

  @Test
  void everyTokenBelongsToItsSliceOrToTheText() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      GemmaPrompt gemma = new GemmaPrompt(tokenizer);
      for (PromptLayout layout : PromptLayout.values()) {
        // Outside the basic plane: one code point, two chars.
        String question = "Is \uD83E\uDEC1 there \u00E9?";
        Prompt p = gemma.build(layout, 12, 5, question);
        assertEquals(1, Arrays.stream(p.ids()).filter(id -> id == tokenizer.idOf("<bos>")).count());
        for (int s = 0; s < 12; s++) {
          int slice = s;
          int[] own = IntStream.range(0, p.length()).filter(t -> p.slice()[t] == slice).toArray();
          assertEquals(5, Arrays.stream(own).filter(t -> p.image()[t]).count());
          assertEquals(own.length - 1, own[own.length - 1] - own[0], "one contiguous block");
          String text = tokenizer.decode(ids(Arrays.stream(own).map(t -> p.ids()[t]).toArray()));
          String label = "SLICE " + (s + 1);
          String expected =
              layout == PromptLayout.GOOGLE ? "\n\n\n\n" + label : label + ":\n\n\n\n";
          assertEquals(expected, text);
        }
        String rest =
            tokenizer.decode(
                ids(
                    IntStream.range(0, p.length())
                        .filter(t -> p.slice()[t] < 0)
                        .map(t -> p.ids()[t])
                        .toArray()));
        String instruction = layout == PromptLayout.GOOGLE ? GemmaPrompt.INSTRUCTION : "";
        // The demo's byte tokens are special, so decoding drops what is not in its vocabulary.
        int[] text = tokenizer.encode("user\n" + instruction + question + "\nmodel\n");
        assertEquals(tokenizer.decode(ids(text)), rest);
        for (int t = 0; t < p.length(); t++) {
          assertEquals(p.ids()[t] == gemma.softTokenId(), p.image()[t]);
          assertTrue(!p.image()[t] || p.slice()[t] >= 0);
        }
      }
    }
  }

  @Test
  void questionIsTrimmedAsPythonDoes() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      GemmaPrompt gemma = new GemmaPrompt(tokenizer);
      assertArrayEquals(
          gemma.build(PromptLayout.GOOGLE, 1, 4, "How many?").ids(),
          gemma.build(PromptLayout.GOOGLE, 1, 4, "\u00A0\u0085\n\t How many?\u2028\u3000 ").ids());
    }
  }

  @Test
  void controlTokensInAQuestionAreRefused() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      GemmaPrompt gemma = new GemmaPrompt(tokenizer);
      for (String token : List.of("<image_soft_token>", "<start_of_image>", "<bos>")) {
        IllegalArgumentException e =
            assertThrows(
                IllegalArgumentException.class,
                () -> gemma.build(PromptLayout.GOOGLE, 1, 4, "a " + token + " b"));
        assertTrue(String.valueOf(e.getMessage()).contains(token), e.getMessage());
      }
      assertThrows(
          IllegalArgumentException.class, () -> gemma.build(PromptLayout.REFERENCE, 0, 4, "a"));
      assertThrows(
          IllegalArgumentException.class, () -> gemma.build(PromptLayout.GOOGLE, 1, 0, "a"));
    }
  }

  private static List<Integer> ids(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }

  private static int[] repeat(int id, int times) {
    int[] out = new int[times];
    Arrays.fill(out, id);
    return out;
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  private static String runs(int[] ids) {
    List<String> runs = new ArrayList<>();
    for (int i = 0, j; i < ids.length; i = j) {
      for (j = i; j < ids.length && ids[j] == ids[i]; ) {
        j++;
      }
      runs.add("[" + ids[i] + "," + (j - i) + "]");
    }
    return "[" + String.join(",", runs) + "]";
  }

  private static String sha256(int[] ids) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(ids);
    return TestFiles.sha256(bytes.array());
  }
}
