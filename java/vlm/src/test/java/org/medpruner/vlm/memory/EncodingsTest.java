package org.medpruner.vlm.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.volume.SliceImages;

/** What is encoded again, what is remembered, and when and in which order it is freed. */
class EncodingsTest {
  private static final Progress CANCELLING =
      (stage, done, total) -> {
        throw new CancellationException(stage);
      };

  private final NotedModel model = new NotedModel();
  private final Encodings<String, String> encodings = new Encodings<>(model, 2);

  private static Encodings.Slices<String> read(String name) {
    SliceImages images = new SliceImages(1, 1, List.of(), List.of(), Double.NaN, name);
    return new Encodings.Slices<>(images, "notes of " + name);
  }

  private Encodings.Encoded<String> encoded(String name) {
    return encodings.encoded(name, PruningPolicy.PAPER, () -> read(name), Progress.NONE);
  }

  private Answer ask(String name, String question, Turn... past) {
    return encodings.ask(
        encoded(name),
        List.of(past),
        question,
        GenerationOptions.DEFAULT,
        AnswerListener.NONE,
        Progress.NONE);
  }

  private void assertCalls(String... calls) {
    assertEquals(List.of(calls), model.calls());
  }

  @Test
  void aFurtherQuestionGoesOnInTheConversationThatIsThere() {
    assertEquals("no", ask("a", "q").text());
    assertCalls("encode a", "converse a", "ask q");
    ask("a", "r", new Turn("q", "no"));
    assertCalls("ask r");
    ask("a", "s", new Turn("q", "no"), new Turn("r", "no"));
    assertCalls("ask s");
  }

  @Test
  void aConversationThatIsNotThereIsRecalled() {
    ask("a", "q");
    model.calls();
    ask("a", "s", new Turn("q", "no"), new Turn("r", "yes"));
    assertCalls("end a", "converse a", "recall q no", "recall r yes", "ask s");
    // Nor is a first question one further.
    ask("a", "q");
    assertCalls("end a", "converse a", "ask q");
    encodings.ask(
        encoded("a"),
        List.of(new Turn("q", "no")),
        "r",
        new GenerationOptions(0, PromptLayout.REFERENCE),
        AnswerListener.NONE,
        Progress.NONE);
    assertCalls("end a", "converse a", "recall q no", "ask r");
  }

  @Test
  void aVolumeIsReadAndEncodedOncePerPolicy() {
    Encodings.Encoded<String> first = encoded("a");
    assertEquals("notes of a", first.notes());
    assertCalls("encode a");
    Encodings.Encoded<String> again =
        encodings.encoded(
            "a",
            PruningPolicy.PAPER,
            () -> {
              throw new AssertionError("read again");
            },
            Progress.NONE);
    assertSame(first, again);
    assertCalls();
    encodings.encoded("a", PruningPolicy.OFF, () -> read("a"), Progress.NONE);
    assertCalls("encode a");
    assertSame(first, encoded("a"));
  }

  @Test
  void theVolumeAskedForLongestAgoIsFreedFirst() {
    ask("a", "q");
    encoded("b");
    assertCalls("encode a", "converse a", "ask q", "end a", "encode b");
    encoded("a");
    encoded("c");
    assertCalls("close b", "encode c");
    encoded("a");
    assertCalls();
    encoded("b");
    assertCalls("close c", "encode b");
  }

  @Test
  void roomIsMadeBeforeAVolumeIsRead() {
    encoded("a");
    encoded("b");
    ask("b", "q");
    model.calls();
    encodings.encoded(
        "c",
        PruningPolicy.PAPER,
        () -> {
          assertCalls("end b", "close a");
          return read("c");
        },
        Progress.NONE);
    assertCalls("encode c");
  }

  @Test
  void aVolumeThatCannotBeReadOrEncodedIsNotRemembered() {
    assertThrows(
        IllegalArgumentException.class,
        () ->
            encodings.encoded(
                "a",
                PruningPolicy.PAPER,
                () -> {
                  throw new IllegalArgumentException("not a volume");
                },
                Progress.NONE));
    assertCalls();
    assertThrows(
        CancellationException.class,
        () -> encodings.encoded("a", PruningPolicy.PAPER, () -> read("a"), CANCELLING));
    assertCalls("encode a");
    encoded("a");
    assertCalls("encode a");
  }

  @ParameterizedTest
  @EnumSource(Ending.class)
  void aConversationStaysIfItsCacheHoldsWhatTheAnswerSays(Ending ending) {
    model.endWith(ending);
    assertEquals(ending, ask("a", "q").ending());
    assertCalls(
        ending == Ending.STOP_TOKEN || ending == Ending.LENGTH
            ? new String[] {"encode a", "converse a", "ask q"}
            : new String[] {"encode a", "converse a", "ask q", "end a"});
  }

  @ParameterizedTest
  @ValueSource(strings = {"ask r", "recall q yes"})
  void aConversationThatFailsIsFreedAndItsVolumeStays(String call) {
    encoded("a");
    model.calls();
    model.failAt(call);
    assertThrows(IllegalStateException.class, () -> ask("a", "r", new Turn("q", "yes")));
    assertEquals("end a", model.calls().getLast());
    model.failAt("");
    ask("a", "r", new Turn("q", "yes"));
    assertCalls("converse a", "recall q yes", "ask r");
  }

  @Test
  void aCancelledQuestionEndsItsConversation() {
    ask("a", "q");
    model.calls();
    assertThrows(
        CancellationException.class,
        () ->
            encodings.ask(
                encoded("a"),
                List.of(new Turn("q", "no")),
                "r",
                GenerationOptions.DEFAULT,
                AnswerListener.NONE,
                CANCELLING));
    assertCalls("ask r", "end a");
    encodings.forgetConversation();
    assertCalls();
  }

  @Test
  void whatCameFromASourceThatIsGoneIsFreed() {
    Encodings<String, String> three = new Encodings<>(model, 3);
    three.encoded("a", PruningPolicy.OFF, () -> read("a, off"), Progress.NONE);
    three.encoded("b", PruningPolicy.PAPER, () -> read("b"), Progress.NONE);
    Encodings.Encoded<String> a =
        three.encoded("a", PruningPolicy.PAPER, () -> read("a"), Progress.NONE);
    three.ask(a, List.of(), "q", GenerationOptions.DEFAULT, AnswerListener.NONE, Progress.NONE);
    model.calls();
    three.forgetUnless(source -> !source.equals("b"));
    assertCalls("close b");
    three.forgetUnless(source -> !source.equals("a"));
    assertCalls("close a, off", "end a", "close a");
    three.close();
    assertCalls();
  }

  @Test
  void closingFreesEverythingButTheModel() {
    encoded("a");
    encoded("b");
    ask("a", "q");
    model.calls();
    encodings.close();
    assertCalls("end a", "close b", "close a");
    encodings.close();
    assertCalls();
  }

  @Test
  void oneVolumeIsTheLeast() {
    assertThrows(IllegalArgumentException.class, () -> new Encodings<>(model, 0));
  }
}
