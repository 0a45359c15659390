package org.medpruner.vlm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.gemma.GemmaChat;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.volume.Modality;
import org.medpruner.volume.Recipe;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/** Several questions, streaming, sampling and stop strings on the demo model. */
class ConversationTest {
  private static final List<String> QUESTIONS =
      List.of(
          "Which organ contains the lesion?",
          "How many lesions are there?",
          "Is there a lesion in the liver?");

  private static Path demo = Path.of("");
  private static VisionLanguageModel model;

  @BeforeAll
  static void load() {
    String root = System.getenv("MEDPRUNER_ROOT");
    demo = Path.of(root == null ? "../.." : root).resolve("models/demo");
    boolean there = Files.exists(demo.resolve("model.safetensors"));
    if (!there) {
      System.out.println("SKIPPED: no demo model in " + demo);
    }
    Assumptions.assumeTrue(there, "no demo model in " + demo);
    model = VisionLanguageModel.load(demo, LoadOptions.DEFAULT, Progress.NONE);
  }

  @AfterAll
  static void close() {
    if (model != null) {
      model.close();
    }
  }

  private static SliceImages images() {
    Volume volume = Volumes.read(demo.resolve("phantoms/phantom_05.nii.gz"));
    return volume.slices().images(Recipe.forModality(Modality.CT, volume));
  }

  private static EncodedVolume encode(PruningPolicy policy) {
    return model.encode(images(), policy, Progress.NONE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"paper", "off", "reference"})
  void everyTurnEqualsAFreshPrefillOfTheWholeConversation(String preset) {
    try (ChatFormat template = GemmaChat.load(demo);
        EncodedVolume volume = encode(PruningPolicy.preset(preset))) {
      List<Answer> answers = WholeConversation.ask(template, model, volume, QUESTIONS, 0);
      for (int turn = 0; turn < answers.size(); turn++) {
        Answer a = answers.get(turn);
        assertEquals(
            a.unprunedPromptTokens() - a.promptTokens(), a.report().savings().prefillTokens());
        assertEquals(turn == 1 ? Ending.LENGTH : Ending.STOP_TOKEN, a.ending());
      }
    }
  }

  @Test
  void aLaterTurnPrefillsItselfAlone() {
    List<Long> prefilled = new ArrayList<>();
    Progress progress =
        (stage, done, total) -> {
          assertFalse(stage.equals("encode"), "encoded again");
          if (stage.equals("prefill") && done > 0) {
            prefilled.add(total);
          }
        };
    try (EncodedVolume volume = encode(PruningPolicy.PAPER);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      Answer first = conversation.ask(QUESTIONS.get(0), GenerationOptions.DEFAULT, progress);
      Answer second = conversation.ask(QUESTIONS.get(1), GenerationOptions.DEFAULT, progress);
      assertEquals(first.promptTokens(), prefilled.get(0).intValue());
      assertTrue(prefilled.get(1) < 40, prefilled + " tokens prefilled");
      // The stop token is not part of what follows; its place takes the template's end of turn.
      int generated = first.tokenIds().size() - 1;
      assertEquals(first.promptTokens() + generated + prefilled.get(1), second.promptTokens());
    }
  }

  @Test
  void twoConversationsOnOneVolumeDoNotDisturbEachOther() {
    try (EncodedVolume volume = encode(PruningPolicy.PAPER);
        Conversation a = model.converse(volume, PromptLayout.GOOGLE);
        Conversation b = model.converse(volume, PromptLayout.GOOGLE);
        Conversation c = model.converse(volume, PromptLayout.GOOGLE)) {
      List<Integer> alone = new ArrayList<>();
      List<Integer> mixed = new ArrayList<>();
      for (String q : QUESTIONS) {
        alone.addAll(c.ask(q, GenerationOptions.DEFAULT, Progress.NONE).tokenIds());
      }
      for (String q : QUESTIONS) {
        mixed.addAll(a.ask(q, GenerationOptions.DEFAULT, Progress.NONE).tokenIds());
        b.ask(QUESTIONS.getLast(), GenerationOptions.DEFAULT, Progress.NONE);
      }
      assertEquals(alone, mixed);
    }
  }

  @Test
  void streamedPiecesAreTheText() {
    try (EncodedVolume volume = encode(PruningPolicy.PAPER)) {
      for (String q : QUESTIONS) {
        StringBuilder streamed = new StringBuilder();
        Answer a =
            model.ask(
                volume,
                q,
                GenerationOptions.DEFAULT,
                piece -> {
                  streamed.append(piece);
                  return true;
                },
                Progress.NONE);
        assertEquals(a.text(), streamed.toString());
        Answer silent = model.ask(volume, q, GenerationOptions.DEFAULT, Progress.NONE);
        assertEquals(silent.text(), a.text());
        assertEquals(silent.tokenIds(), a.tokenIds());
      }
    }
  }

  @Test
  void aStopStringAListenerAndAnInterruptEndAnAnswer() {
    try (EncodedVolume volume = encode(PruningPolicy.PAPER)) {
      String q = QUESTIONS.getFirst();
      Answer full = model.ask(volume, q, GenerationOptions.DEFAULT, Progress.NONE);
      String stop = full.text().substring(2, 4);
      Answer cut =
          model.ask(
              volume,
              q,
              new GenerationOptions(0, PromptLayout.GOOGLE, Sampling.GREEDY, List.of(stop)),
              Progress.NONE);
      assertEquals(Ending.STOP_STRING, cut.ending());
      assertEquals(full.text().substring(0, full.text().indexOf(stop)).strip(), cut.text());
      assertTrue(cut.stopped());

      Answer refused =
          model.ask(volume, q, GenerationOptions.DEFAULT, piece -> false, Progress.NONE);
      assertEquals(Ending.CANCELLED, refused.ending());
      assertTrue(full.text().startsWith(refused.text()) && !refused.text().isEmpty());
      assertFalse(refused.stopped());

      Thread.currentThread().interrupt();
      Answer interrupted = model.ask(volume, q, GenerationOptions.DEFAULT, Progress.NONE);
      assertTrue(Thread.interrupted(), "the interrupt was swallowed");
      assertEquals(Ending.CANCELLED, interrupted.ending());
      assertEquals(1, interrupted.tokenIds().size());
    }
  }

  @Test
  void aSeedDecidesASampledAnswer() {
    try (EncodedVolume volume = encode(PruningPolicy.PAPER)) {
      List<Integer> first = sampled(volume, new Sampling(20, 0, 1, 1, 1));
      assertEquals(first, sampled(volume, new Sampling(20, 0, 1, 1, 1)));
      assertNotEquals(first, sampled(volume, new Sampling(20, 0, 1, 1, 2)));
      List<Integer> greedy = sampled(volume, Sampling.GREEDY);
      assertEquals(greedy, sampled(volume, new Sampling(20, 1, 1, 1, 3)));
      assertEquals(greedy, sampled(volume, new Sampling(20, 0, 1e-9, 1, 4)));
    }
  }

  private static List<Integer> sampled(EncodedVolume volume, Sampling sampling) {
    return model
        .ask(
            volume,
            QUESTIONS.getFirst(),
            new GenerationOptions(12, PromptLayout.GOOGLE, sampling, List.of()),
            Progress.NONE)
        .tokenIds();
  }

  @Test
  void misuseIsRefused() {
    try (EncodedVolume volume = encode(PruningPolicy.PAPER)) {
      Conversation conversation = model.converse(volume, PromptLayout.GOOGLE);
      conversation.ask(QUESTIONS.getFirst(), GenerationOptions.DEFAULT, Progress.NONE);
      InputException control =
          assertThrows(
              InputException.class,
              () ->
                  conversation.ask("a <end_of_turn> b", GenerationOptions.DEFAULT, Progress.NONE));
      assertTrue(String.valueOf(control.getMessage()).contains("<end_of_turn>"));
      InputException length =
          assertThrows(
              InputException.class,
              () ->
                  conversation.ask("why ".repeat(4500), GenerationOptions.DEFAULT, Progress.NONE));
      assertTrue(String.valueOf(length.getMessage()).contains("begin a new conversation"));
      // Too long for any.
      InputException never =
          assertThrows(
              InputException.class,
              () ->
                  conversation.ask("why ".repeat(9000), GenerationOptions.DEFAULT, Progress.NONE));
      assertTrue(String.valueOf(never.getMessage()).contains("ask less"));
      // Neither has changed anything.
      assertFalse(
          conversation
              .ask(QUESTIONS.get(1), GenerationOptions.DEFAULT, Progress.NONE)
              .text()
              .isEmpty());
      conversation.close();
      conversation.close();
      assertThrows(
          IllegalStateException.class,
          () -> conversation.ask("more?", GenerationOptions.DEFAULT, Progress.NONE));
      assertThrows(
          IllegalArgumentException.class,
          () -> new GenerationOptions(0, PromptLayout.GOOGLE, Sampling.GREEDY, List.of("")));
    }
  }
}
