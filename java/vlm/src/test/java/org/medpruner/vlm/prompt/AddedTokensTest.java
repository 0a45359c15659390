package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.vlm.fixtures.ByteTokenizer;

/** A folder whose {@code tokenizer.json} is the base model's, and so has no image token. */
class AddedTokensTest {
  private static final List<String> BASE = List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>");

  @TempDir Path folder;

  @BeforeEach
  void baseTokenizer() throws IOException {
    ByteTokenizer.write(folder, BASE, List.of());
  }

  /** As in the real files, where added tokens are not in the vocabulary. */
  private void takeOutOfTheVocabulary(List<String> tokens) throws IOException {
    ObjectMapper json = new ObjectMapper();
    Path file = folder.resolve("tokenizer.json");
    ObjectNode root = (ObjectNode) json.readTree(file.toFile());
    ((ObjectNode) root.path("model").path("vocab")).remove(tokens);
    json.writeValue(file.toFile(), root);
  }

  private void write(String name, String json) throws IOException {
    Files.writeString(folder.resolve(name), json);
  }

  private static String decoder(int id, boolean special) {
    return "{\"added_tokens_decoder\": {\"256\": {\"content\": \"<|endoftext|>\", \"special\": true},"
        + (" \"" + id + "\": {\"content\": \"<image>\", \"lstrip\": false, \"normalized\": false,")
        + " \"rstrip\": false, \"single_word\": false, \"special\": "
        + special
        + "}}}";
  }

  private void assertImageToken(int id) {
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertEquals(id, new HuluPrompt(tokenizer).imageTokenId());
      assertArrayEquals(
          new int[] {257, 'a', id, id, 258, 256},
          tokenizer.encode("<|im_start|>a<image><image><|im_end|><|endoftext|>"));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {259, 300})
  void theImageTokenOfAddedTokensJson(int id) throws IOException {
    write("added_tokens.json", "{\"<image>\": " + id + ", \"<|im_end|>\": 258}");
    assertImageToken(id);
    takeOutOfTheVocabulary(BASE);
    assertImageToken(id);
  }

  @ParameterizedTest
  @ValueSource(ints = {259, 300})
  void theImageTokenOfTokenizerConfig(int id) throws IOException {
    write("tokenizer_config.json", decoder(id, true));
    assertImageToken(id);
    takeOutOfTheVocabulary(BASE);
    assertImageToken(id);
  }

  @Test
  void severalTokensInNoOrder() throws IOException {
    takeOutOfTheVocabulary(BASE);
    write("added_tokens.json", "{\"<c>\": 310, \"<image>\": 300, \"<b>\": 259}");
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      assertArrayEquals(
          new int[] {310, 259, 300, 258}, tokenizer.encode("<c><b><image><|im_end|>"));
    }
  }

  /** {@code added_tokens.json} says of no token whether it is special, two other files do. */
  @Test
  void decodingLeavesOutWhatIsSpecial() throws IOException {
    write("tokenizer_config.json", decoder(259, true));
    assertEquals("AB", decoded());
    write("tokenizer_config.json", decoder(259, false));
    assertEquals("A<image>B", decoded());
    Files.delete(folder.resolve("tokenizer_config.json"));
    write("added_tokens.json", "{\"<image>\": 259}");
    assertEquals("A<image>B", decoded());
    write(
        "special_tokens_map.json", "{\"additional_special_tokens\": [{\"content\": \"<image>\"}]}");
    assertEquals("AB", decoded());
    Files.delete(folder.resolve("special_tokens_map.json"));
    write("tokenizer_config.json", "{\"image_token\": \"<image>\"}");
    assertEquals("AB", decoded());
  }

  private String decoded() {
    try (Tokenizer tokenizer = Tokenizer.load(folder)) {
      return tokenizer.decode(List.of((int) 'A', 259, (int) 'B'));
    }
  }

  /** transformers takes the id of {@code tokenizer.json} too. */
  @Test
  void whatTokenizerJsonListsIsItsOwn() throws IOException {
    ByteTokenizer.write(
        folder, List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>"), List.of());
    write("added_tokens.json", "{\"<image>\": 7}");
    assertImageToken(259);
  }

  @Test
  void filesThatDoNotFitAreNamed() throws IOException {
    write("added_tokens.json", "{\"<image>\": 258}");
    assertRefused("added_tokens.json", "gives <image> the id 258, which is <|im_end|> in");
    write("added_tokens.json", "{\"<image>\": 259, \"<b>\": 259}");
    assertRefused("added_tokens.json", "gives <b> the id 259, which is <image> in");
    write("added_tokens.json", "{\"<image>\": \"259\"}");
    assertRefused("added_tokens.json", "must be an integer");
    write("added_tokens.json", "{\"<image>\": null}");
    assertRefused("added_tokens.json", "must be the id of a token");
    write("added_tokens.json", "{\"A\": 300}");
    assertRefused("added_tokens.json", "gives A the id 300, which does not fit to");
    write("added_tokens.json", "{}");
    write(
        "tokenizer_config.json", "{\"added_tokens_decoder\": {\"x\": {\"content\": \"<image>\"}}}");
    assertRefused("tokenizer_config.json", "added_tokens_decoder.x");
  }

  @Test
  void aSlowTokenizersFilesAloneAreNotEnough() throws IOException {
    Files.delete(folder.resolve("tokenizer.json"));
    assertRefused("tokenizer.json is missing", "give a complete checkpoint folder");
    write("vocab.json", "{}");
    write("merges.txt", "");
    write("added_tokens.json", "{\"<image>\": 259}");
    assertRefused("tokenizer.json is missing", "vocab.json and merges.txt are not read");
  }

  private void assertRefused(String... parts) {
    InputException e = assertThrows(InputException.class, () -> Tokenizer.load(folder).close());
    String message = String.valueOf(e.getMessage());
    for (String part : parts) {
      assertTrue(message.contains(part), message);
    }
    assertEquals(1, message.lines().count(), message);
  }
}
