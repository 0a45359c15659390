package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.volume.SliceImages;

/** A small checkpoint with its tokenizer, from pictures to text. */
class QwenModelTest {
  private static final GenerationOptions SHORT = new GenerationOptions(8, PromptLayout.GOOGLE);

  @TempDir Path folder;

  private static Answer ask(Path folder, SliceImages images, PruningPolicy policy) {
    try (VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume = model.encode(images, policy, Progress.NONE)) {
      return model.ask(volume, "What is seen?", SHORT, Progress.NONE);
    }
  }

  @Test
  void answersFromPictures() throws Exception {
    TinyQwen.write(folder);
    // 90 x 60 becomes 84 x 56: 3 x 2 tokens.
    SliceImages images = TinyQwen.pictures(6, 90, 60);
    Answer off = ask(folder, images, PruningPolicy.OFF);
    int scaffolding = 1 + "user\n".length() + 1 + "\n".length() + 1 + "assistant\n".length();
    int slices = 6 * (1 + 6 + 1);
    assertEquals(scaffolding + slices + "What is seen?".length(), off.promptTokens());
    assertEquals(off.promptTokens(), off.unprunedPromptTokens());
    assertTrue(off.tokenIds().size() <= 8 && !off.tokenIds().isEmpty());
    Answer paper = ask(folder, images, PruningPolicy.PAPER);
    assertEquals(off.promptTokens(), paper.unprunedPromptTokens());
    assertEquals(2, paper.report().slices().stream().filter(s -> s.kept()).count());
    for (SliceReport s : paper.report().slices()) {
      assertEquals(s.kept(), s.massKept() > 0 && s.massKept() <= 1, "slice " + s.index());
    }
    assertTrue(off.report().slices().stream().allMatch(s -> Double.isNaN(s.massKept())));
    // Four slices left with their two markers and six tokens each.
    assertTrue(paper.promptTokens() <= off.promptTokens() - 4 * 8);
    assertEquals(
        paper.tokenIds(), ask(folder, images, PruningPolicy.PAPER).tokenIds(), "not repeatable");
  }

  /** One prompt layout for both options: Qwen's template has no labels. */
  @Test
  void layoutsAreTheSame() throws Exception {
    TinyQwen.write(folder);
    try (QwenChat chat = QwenChat.load(folder)) {
      assertArrayEquals(
          chat.prompt(PromptLayout.GOOGLE, 2, 3, "a").ids(),
          chat.prompt(PromptLayout.REFERENCE, 2, 3, "a").ids());
    }
  }

  /** The same weights under the names that re-saved checkpoints use give the same answer. */
  @Test
  void nameLayoutsAndSpellings() throws Exception {
    SliceImages images = TinyQwen.pictures(3, 84, 56);
    Answer hub = ask(TinyQwen.write(folder.resolve("hub")), images, PruningPolicy.OFF);
    UnaryOperator<String> same = UnaryOperator.identity();
    UnaryOperator<String> old =
        n ->
            n.replace("model.language_model.", "language_model.model.")
                .replace("model.visual.", "visual.");
    UnaryOperator<String> bare = n -> n.replace("model.language_model.", "model.");
    UnaryOperator<String> head = n -> n.replace("lm_head.", "language_model.lm_head.");
    UnaryOperator<String> five =
        c ->
            c.replace("\"rope_theta\": 300000,", "")
                .replace("\"rope_scaling\": {", "\"rope_parameters\": {\"rope_theta\": 300000, ");
    assertEquals(
        hub.tokenIds(),
        ask(TinyQwen.write(folder.resolve("old"), five, old), images, PruningPolicy.OFF)
            .tokenIds());
    assertEquals(
        hub.tokenIds(),
        ask(TinyQwen.write(folder.resolve("bare"), same, bare), images, PruningPolicy.OFF)
            .tokenIds());
    assertEquals(
        hub.tokenIds(),
        ask(TinyQwen.write(folder.resolve("head"), same, head), images, PruningPolicy.OFF)
            .tokenIds());
  }

  @Test
  void anUntiedHeadMustBeThere() throws Exception {
    UnaryOperator<String> noHead = n -> n.equals("lm_head.weight") ? "" : n;
    assertMessage(TinyQwen.write(folder, UnaryOperator.identity(), noHead), "lm_head.weight");
  }

  /** Whatever the keys say of tying: a head of its own that was saved is the one that was used. */
  @Test
  void aHeadThatTheFileAloneKnows() throws Exception {
    SliceImages images = TinyQwen.pictures(3, 84, 56);
    UnaryOperator<String> same = UnaryOperator.identity();
    UnaryOperator<String> noHead = n -> n.equals("lm_head.weight") ? "" : n;
    UnaryOperator<String> tied =
        c -> c.replace("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
    UnaryOperator<String> unclear =
        c -> c.replace("\"text_config\": {", "\"text_config\": {\"tie_word_embeddings\": true, ");
    Path embedding = TinyQwen.write(folder.resolve("embedding"), tied, noHead);
    Path own = TinyQwen.write(folder.resolve("own"), same, same);
    Path without = TinyQwen.write(folder.resolve("without"), unclear, noHead);
    Path with = TinyQwen.write(folder.resolve("with"), unclear, same);
    Path tiedWith = TinyQwen.write(folder.resolve("tiedWith"), tied, same);
    UnaryOperator<String> textOnly =
        c -> unclear.apply(c).replace("\"tie_word_embeddings\": false,", "");
    Path textOnlyWith = TinyQwen.write(folder.resolve("textOnlyWith"), textOnly, same);
    List<Integer> tiedIds = ask(embedding, images, PruningPolicy.OFF).tokenIds();
    List<Integer> ownIds = ask(own, images, PruningPolicy.OFF).tokenIds();
    assertNotEquals(tiedIds, ownIds);
    assertEquals(tiedIds, ask(without, images, PruningPolicy.OFF).tokenIds());
    for (Path other : List.of(with, tiedWith, textOnlyWith)) {
      assertEquals(ownIds, ask(other, images, PruningPolicy.OFF).tokenIds(), other.toString());
    }
  }

  @Test
  void theTowersRotaryBaseComesFromTheFile() throws Exception {
    SliceImages images = TinyQwen.pictures(1, 84, 56);
    float[] usual = mass(TinyQwen.write(folder.resolve("absent")), images);
    assertArrayEquals(usual, mass(withBase("same", 10_000), images));
    assertFalse(Arrays.equals(usual, mass(withBase("other", 50), images)));
  }

  private Path withBase(String name, int base) throws IOException {
    String rope = "\"rope_parameters\": {\"rope_type\": \"axial\", \"rope_theta\": " + base + "}, ";
    return TinyQwen.write(
        folder.resolve(name),
        c -> c.replace("\"vision_config\": {", "\"vision_config\": {" + rope),
        UnaryOperator.identity());
  }

  private static float[] mass(Path folder, SliceImages images) {
    Answer answer = ask(folder, images, PruningPolicy.PAPER);
    return Objects.requireNonNull(answer.report().slices().getFirst().detail()).mass();
  }

  /** Such a token used to be read as token 0. */
  @Test
  void tokensBeyondTheVocabularyAreRefused() throws Exception {
    TinyQwen.write(folder);
    addToken("<lesion>", 270);
    addToken("<scan>", 269);
    try (VisionLanguageModel model =
            VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE);
        EncodedVolume volume =
            model.encode(TinyQwen.pictures(2, 84, 56), PruningPolicy.PAPER, Progress.NONE);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      Runnable bad = () -> conversation.ask("A <lesion>?", SHORT, Progress.NONE);
      assertUnknown(bad);
      assertUnknown(() -> conversation.recall("A <lesion>?", "No.", Progress.NONE));
      assertUnknown(() -> conversation.recall("Which?", "A <lesion>.", Progress.NONE));
      Answer first = conversation.ask("A <scan>?", SHORT, Progress.NONE);
      assertUnknown(bad);
      assertUnknown(() -> conversation.recall("Which?", "A <lesion>.", Progress.NONE));
      assertEquals(
          first.tokenIds(),
          model.ask(volume, "A <scan>?", SHORT, Progress.NONE).tokenIds(),
          "the conversation began otherwise");
      assertFalse(conversation.ask("And?", SHORT, Progress.NONE).tokenIds().isEmpty());
    }
  }

  private static void assertUnknown(Runnable call) {
    InputException e = assertThrows(InputException.class, call::run);
    assertEquals(
        "token 270 is not in the model's vocabulary of 270; use the tokenizer of this model",
        e.getMessage());
  }

  private void addToken(String token, int id) throws IOException {
    ObjectMapper json = new ObjectMapper();
    Path file = folder.resolve("tokenizer.json");
    ObjectNode root = (ObjectNode) json.readTree(file.toFile());
    root.withArray("added_tokens")
        .addObject()
        .put("id", id)
        .put("content", token)
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", false);
    ((ObjectNode) root.at("/model/vocab")).put(token, id);
    json.writeValue(file.toFile(), root);
  }

  @Test
  void thinkingCheckpoints() throws Exception {
    TinyQwen.write(folder);
    Files.writeString(
        folder.resolve("chat_template.json"),
        "{\"chat_template\": \"{{- '<|im_start|>assistant\\\\n<think>\\\\n' }}\"}");
    try (QwenChat chat = QwenChat.load(folder)) {
      int[] ids = chat.prompt(PromptLayout.GOOGLE, 1, 1, "a").ids();
      assertEquals(264, ids[ids.length - 2]);
      assertEquals(264, chat.followUp("a")[chat.followUp("a").length - 2]);
      assertEquals("b", chat.visible(chat.decode(List.of(97, 265, 10, 98, TinyQwen.IM_END))));
      assertEquals("", chat.visible(chat.decode(List.of(97, 98))));
    }
    // Thinking turned off: the block is closed before the answer begins.
    Files.writeString(
        folder.resolve("chat_template.jinja"),
        "{{- '<|im_start|>assistant\\n<think>\\n\\n</think>\\n\\n' }}");
    try (QwenChat chat = QwenChat.load(folder)) {
      int[] ids = chat.prompt(PromptLayout.GOOGLE, 1, 1, "a").ids();
      assertArrayEquals(
          new int[] {264, 10, 10, 265, 10, 10},
          Arrays.copyOfRange(ids, ids.length - 6, ids.length));
      assertEquals("ab", chat.visible(chat.decode(List.of(97, 98))));
    }
    Files.delete(folder.resolve("chat_template.jinja"));
    Files.delete(folder.resolve("chat_template.json"));
    try (QwenChat chat = QwenChat.load(folder)) {
      int[] ids = chat.prompt(PromptLayout.GOOGLE, 1, 1, "a").ids();
      assertEquals('t', ids[ids.length - 2]);
      assertEquals("ab", chat.visible(chat.decode(List.of(97, 98, TinyQwen.IM_END))));
    }
  }

  @Test
  void badFoldersAreNamed() throws Exception {
    TinyQwen.write(folder, c -> c.replace("262", "261"), UnaryOperator.identity());
    assertMessage(folder, "image token");
    TinyQwen.write(folder, UnaryOperator.identity(), n -> n.contains("pos_embed") ? "" : n);
    assertMessage(folder, "pos_embed.weight");
    TinyQwen.write(folder, UnaryOperator.identity(), n -> n.contains("patch_embed") ? "" : n);
    assertMessage(folder, "model.visual.patch_embed.proj.weight");
    TinyQwen.write(
        folder,
        c -> c.replace("\"num_position_embeddings\": 36", "\"num_position_embeddings\": 49"),
        UnaryOperator.identity());
    assertMessage(folder, "pos_embed.weight");
    TinyQwen.write(folder);
    Path file = folder.resolve("preprocessor_config.json");
    String good = Files.readString(file);
    for (String[] bad :
        new String[][] {
          {"\"patch_size\": 14", "\"patch_size\": 16", "patch_size"},
          {"\"merge_size\": 2", "\"merge_size\": 1", "merge_size"},
          {"\"resample\": 3", "\"resample\": 1", "resample"},
          {"\"shortest_edge\": 3136", "\"shortest_edge\": 50000", "50000"},
          {"\"resample\": 3", "\"do_resize\": false", "do_resize"},
        }) {
      Files.writeString(file, good.replace(bad[0], bad[1]));
      assertMessage(folder, bad[2]);
    }
  }

  @Test
  void longAndThinSlicesAreRefused() throws Exception {
    TinyQwen.write(folder);
    InputException e =
        assertThrows(
            InputException.class,
            () -> ask(folder, TinyQwen.pictures(2, 2, 402), PruningPolicy.OFF));
    assertTrue(String.valueOf(e.getMessage()).contains("2 x 402"), e.getMessage());
  }

  private static void assertMessage(Path folder, String named) {
    InputException e =
        assertThrows(
            InputException.class,
            () -> VisionLanguageModel.load(folder, LoadOptions.DEFAULT, Progress.NONE).close());
    String message = String.valueOf(e.getMessage());
    assertTrue(message.contains(named), message);
    assertEquals(1, message.lines().count(), message);
  }
}
