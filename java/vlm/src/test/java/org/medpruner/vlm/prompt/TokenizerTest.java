package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.util.Utils;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;

class TokenizerTest {
  @TempDir Path folder;

  @Test
  void neverGoesToTheNetwork() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      assertTrue(tokenizer.encode("yes").length > 0);
      assertTrue(Utils.isOfflineMode());
      assertEquals("cpu", Utils.getEnvOrSystemProperty("RUST_FLAVOR"));
    }
  }

  @Test
  void decodingLeavesSpecialTokensOut() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      int[] ids = tokenizer.encode("<start_of_turn>right lung<end_of_turn>");
      assertEquals(tokenizer.idOf("<start_of_turn>"), ids[0]);
      assertEquals("right lung", tokenizer.decode(Arrays.stream(ids).boxed().toList()));
      assertEquals("", tokenizer.decode(List.of()));
    }
  }

  @Test
  void longTextIsNotCut() {
    try (Tokenizer tokenizer = Tokenizer.load(TestFiles.demo())) {
      int soft = tokenizer.idOf("<image_soft_token>");
      int[] ids = tokenizer.encode("<image_soft_token>".repeat(30_000));
      assertEquals(30_000, ids.length);
      assertTrue(Arrays.stream(ids).allMatch(id -> id == soft));
    }
  }

  /** Checkpoints that were trained further are often saved with both. */
  @Test
  void truncationAndPaddingOfTheFileAreNotApplied() throws Exception {
    ObjectMapper json = new ObjectMapper();
    ObjectNode root =
        (ObjectNode) json.readTree(TestFiles.demo().resolve("tokenizer.json").toFile());
    root.putObject("truncation")
        .put("direction", "Right")
        .put("max_length", 4)
        .put("strategy", "LongestFirst")
        .put("stride", 0);
    ObjectNode padding = root.putObject("padding");
    padding.putObject("strategy").put("Fixed", 64);
    padding
        .put("direction", "Left")
        .putNull("pad_to_multiple_of")
        .put("pad_id", 0)
        .put("pad_type_id", 0)
        .put("pad_token", "<pad>");
    json.writeValue(folder.resolve("tokenizer.json").toFile(), root);
    String text = "<bos><start_of_turn>user\nIs there a lesion in the left lung?<end_of_turn>";
    try (Tokenizer plain = Tokenizer.load(TestFiles.demo());
        Tokenizer limited = Tokenizer.load(folder)) {
      assertTrue(plain.encode(text).length > 4);
      assertArrayEquals(plain.encode(text), limited.encode(text));
      assertArrayEquals(plain.tokens(text).ids(), limited.tokens(text).ids());
    }
  }

  @Test
  void closeIsIdempotentAndUseAfterItIsAnError() {
    Tokenizer tokenizer = Tokenizer.load(TestFiles.demo());
    tokenizer.close();
    tokenizer.close();
    assertThrows(IllegalStateException.class, () -> tokenizer.encode("a"));
    assertThrows(IllegalStateException.class, () -> tokenizer.decode(List.of(1)));
  }

  @Test
  void missingFileIsNamed() {
    InputException e = assertThrows(InputException.class, () -> Tokenizer.load(folder).close());
    assertNames(e);
  }

  @Test
  void brokenFilesAreNamed() throws Exception {
    byte[] good = Files.readAllBytes(TestFiles.demo().resolve("tokenizer.json"));
    List<byte[]> broken =
        List.of(
            new byte[0],
            "{}".getBytes(StandardCharsets.UTF_8),
            "[1, 2]".getBytes(StandardCharsets.UTF_8),
            "{\"model\":{\"type\":\"BPE\"}}".getBytes(StandardCharsets.UTF_8),
            new byte[] {0, (byte) 0xFF, (byte) 0xC0, 13, 10},
            Arrays.copyOf(good, good.length / 2));
    for (byte[] bytes : broken) {
      Files.write(folder.resolve("tokenizer.json"), bytes);
      assertNames(assertThrows(InputException.class, () -> Tokenizer.load(folder).close()));
    }
  }

  @Test
  void anotherModelsTokenizerIsRefused() throws Exception {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
         "post_processor":null,"decoder":null,
         "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"[UNK]":2},"unk_token":"[UNK]"}}
        """);
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertNames(assertThrows(InputException.class, () -> new GemmaPrompt(tokenizer)));
    }
  }

  private static void assertNames(InputException e) {
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains("tokenizer.json"), message);
    assertEquals(1, message.lines().count(), message);
  }
}
