package org.medpruner.vlm.prompt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;

class PromptDraftTest {
  @TempDir Path folder;

  /** A word-level tokenizer whose one added token is the image. */
  private Tokenizer tokenizer() throws Exception {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"version":"1.0","added_tokens":[{"id":4,"content":"<image>","single_word":false,"lstrip":false,
         "rstrip":false,"normalized":false,"special":true}],"normalizer":null,
         "pre_tokenizer":{"type":"Whitespace"},"post_processor":null,"decoder":null,
         "model":{"type":"WordLevel","vocab":{"a":0,"b":1,"ab":2,"[UNK]":3},"unk_token":"[UNK]"}}
        """);
    return Tokenizer.load(folder);
  }

  @Test
  void imagesAreRepeatedAndTokensKnowTheirOwner() throws Exception {
    try (Tokenizer tokenizer = tokenizer()) {
      PromptDraft draft = new PromptDraft();
      draft.add(PromptDraft.TEXT, "a ");
      draft.add(0, "b<image>");
      draft.add(1, "<image>a");
      // One token of two owners is text.
      draft.add(PromptDraft.TEXT, "b \uD83E\uDEC1 ");
      draft.add(2, "<image> b");
      Prompt p = draft.tokenize(tokenizer, tokenizer.idOf("<image>"), 2);
      assertArrayEquals(new int[] {0, 1, 4, 4, 4, 4, 2, 3, 4, 4, 1}, p.ids());
      assertArrayEquals(new int[] {-1, 0, 0, 0, 1, 1, -1, -1, 2, 2, 2}, p.slice());
    }
  }

  @Test
  void aTokenThatIsOnlyTheUnknownOneIsMissing() throws Exception {
    try (Tokenizer tokenizer = tokenizer()) {
      assertThrows(InputException.class, () -> tokenizer.idOf("c"));
    }
  }

  @Test
  void badRequestsAreRefused() {
    List<String> control = List.of("<image>");
    assertThrows(IllegalArgumentException.class, () -> PromptDraft.check(0, "a", control));
    assertThrows(IllegalArgumentException.class, () -> PromptDraft.check(1, "a<image>", control));
    assertThrows(IllegalArgumentException.class, () -> PromptDraft.tokensPerSlice(0));
  }
}
