package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.PruningPolicy;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Conversation;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Reply;
import org.medpruner.vlm.Request;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.hulu.HuluChat;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.prompt.Prompt;

/** One call at a time, from its first token id to its last character. */
class ChatModelTest {
  private static final GenerationOptions OPTIONS = new GenerationOptions(3, PromptLayout.GOOGLE);
  private static final String BUSY = "the model is serving another call";

  @TempDir Path folder;

  @BeforeEach
  void write() throws IOException {
    TinyHulu.write(folder);
  }

  /** A text side that does something else before ids become text, or text an answer's ids. */
  private record Watched(ChatFormat format, Runnable first) implements ChatFormat {
    @Override
    public Prompt prompt(PromptLayout layout, int slices, int tokensPerSlice, String question) {
      return format.prompt(layout, slices, tokensPerSlice, question);
    }

    @Override
    public int[] followUp(String question) {
      return format.followUp(question);
    }

    @Override
    public int[] answerIds(String answer) {
      first.run();
      return format.answerIds(answer);
    }

    @Override
    public String decode(List<Integer> ids) {
      first.run();
      return format.decode(ids);
    }

    @Override
    public String visible(String decoded) {
      return format.visible(decoded);
    }

    @Override
    public void close() {
      format.close();
    }
  }

  private ChatModel load(Runnable first) {
    return new ChatModel(
        (Pipeline) TokenModel.load(folder, LoadOptions.DEFAULT, Progress.NONE),
        new Watched(HuluChat.load(folder), first));
  }

  private static EncodedVolume encode(ChatModel model) {
    return model.encode(TinyQwen.pictures(2, 112, 112), PruningPolicy.PAPER, Progress.NONE);
  }

  /** What another thread gets to hear. */
  private static String elsewhere(Runnable call) {
    return CompletableFuture.supplyAsync(
            () -> {
              try {
                call.run();
                return "done";
              } catch (IllegalStateException e) {
                return String.valueOf(e.getMessage());
              }
            })
        .join();
  }

  /** Closed in the middle, the tokenizer's memory would be read after it was freed. */
  @Test
  void theTextSideIsUsedInsideTheCallAlone() {
    List<String> heard = Collections.synchronizedList(new ArrayList<>());
    ChatModel[] loaded = new ChatModel[1];
    loaded[0] = load(() -> heard.add(elsewhere(() -> loaded[0].close())));
    try (ChatModel model = loaded[0];
        EncodedVolume volume = encode(model)) {
      Answer silent = model.ask(volume, "Where?", OPTIONS, Progress.NONE);
      assertEquals(List.of(BUSY), List.copyOf(heard));
      Answer listened = model.ask(volume, "Where?", OPTIONS, piece -> true, Progress.NONE);
      assertTrue(heard.size() > 1);
      assertEquals(silent.tokenIds(), listened.tokenIds());
      heard.clear();
      try (Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
        conversation.recall("Where?", "Here.", Progress.NONE);
        assertEquals(List.of(BUSY), List.copyOf(heard));
        conversation.recall("How many?", "Two.", Progress.NONE);
        assertFalse(conversation.ask("Why?", OPTIONS, Progress.NONE).tokenIds().isEmpty());
      }
      assertEquals(Collections.nCopies(heard.size(), BUSY), List.copyOf(heard));
    }
  }

  /** The other thread never stops trying from the first request to the last. */
  @Test
  void noCallGetsBetweenTheRequestsOfOne() {
    int count = 48;
    AtomicInteger got = new AtomicInteger();
    AtomicBoolean over = new AtomicBoolean();
    try (ChatModel model = load(() -> {});
        EncodedVolume volume = encode(model)) {
      GenerationOptions one = new GenerationOptions(1, PromptLayout.GOOGLE);
      Thread[] other = new Thread[1];
      int[] begun = new int[1];
      Progress progress =
          (stage, done, total) -> {
            if (stage.equals("prefill") && done == 0 && begun[0]++ == 0) {
              other[0] =
                  Thread.ofPlatform()
                      .start(
                          () -> {
                            while (!over.get()) {
                              if (gets(model)) {
                                got.incrementAndGet();
                              }
                            }
                          });
            }
            if (stage.equals("decode") && begun[0] == count) {
              over.set(true);
              join(other[0]);
            }
          };
      List<Reply> replies =
          model.askAll(Collections.nCopies(count, new Request(volume, "Where?", one)), progress);
      assertEquals(count, replies.size());
      replies.forEach(Reply::orThrow);
      assertEquals(0, got.get(), "calls of another thread in between");
      assertTrue(gets(model), "the model is free again");
    } finally {
      over.set(true);
    }
  }

  /** Whether a call is let in. */
  private static boolean gets(ChatModel model) {
    try {
      return model.pipeline().exclusively(() -> true);
    } catch (IllegalStateException e) {
      return false;
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static List<Request> three(EncodedVolume first, EncodedVolume second) {
    return List.of(
        new Request(first, "Where?", OPTIONS),
        new Request(second, "Where?", OPTIONS),
        new Request(first, "Where?", OPTIONS));
  }

  private static void assertOnlyTheSecondFailed(
      List<Reply> replies, String message, Class<? extends Throwable> type) {
    assertEquals(3, replies.size());
    assertEquals(replies.get(0).orThrow().tokenIds(), replies.get(2).orThrow().tokenIds());
    Reply.Failed failed = assertInstanceOf(Reply.Failed.class, replies.get(1));
    assertEquals(message, failed.cause().getMessage());
    assertInstanceOf(type, failed.cause().getCause());
  }

  @Test
  void aVolumeClosedMeanwhileFailsItsOwnRequestAlone() {
    try (ChatModel model = load(() -> {});
        EncodedVolume first = encode(model);
        EncodedVolume second = encode(model)) {
      Progress closing =
          (stage, done, total) -> {
            if (stage.equals("decode")) {
              second.close();
            }
          };
      assertOnlyTheSecondFailed(
          model.askAll(three(first, second), closing),
          "the encoded volume is closed",
          IllegalStateException.class);
    }
  }

  /** As LibTorch does where there is no memory: several lines, of which the first says it. */
  @Test
  void whatARequestThrowsIsItsOwn() {
    IllegalStateException thrown = new IllegalStateException("no memory\nframe #0\nframe #1");
    assertIsItsOwn(
        thrown,
        () -> {
          throw thrown;
        });
  }

  /** Java's heap, or JavaCPP's own limit of native memory. */
  @Test
  void soIsMemoryThatIsNotThere() {
    OutOfMemoryError thrown = new OutOfMemoryError("no memory");
    assertIsItsOwn(
        thrown,
        () -> {
          throw thrown;
        });
  }

  private void assertIsItsOwn(Throwable thrown, Runnable throwing) {
    AtomicInteger calls = new AtomicInteger();
    Runnable second =
        () -> {
          if (calls.incrementAndGet() == 2) {
            throwing.run();
          }
        };
    try (ChatModel model = load(second);
        EncodedVolume volume = encode(model)) {
      List<Reply> replies = model.askAll(three(volume, volume), Progress.NONE);
      assertOnlyTheSecondFailed(replies, "no memory", thrown.getClass());
      assertSame(thrown, assertInstanceOf(Reply.Failed.class, replies.get(1)).cause().getCause());
    }
  }

  @Test
  void whatLibTorchThrowsIsOneLineForTheCaller() {
    try (ChatModel model = load(() -> {})) {
      MedPrunerException e =
          assertThrows(
              MedPrunerException.class,
              () -> model.pipeline().exclusively(() -> TorchScope.run(ChatModelTest::unfit)));
      assertEquals(1, String.valueOf(e.getMessage()).lines().count(), e.getMessage());
      RuntimeException torchs = assertInstanceOf(RuntimeException.class, e.getCause());
      assertTrue(String.valueOf(torchs.getMessage()).lines().count() > 1, torchs.getMessage());
      RuntimeException own = new RuntimeException("two\nlines");
      assertSame(
          own,
          assertThrows(
              RuntimeException.class,
              () ->
                  model
                      .pipeline()
                      .exclusively(
                          () -> {
                            throw own;
                          })));
    }
  }

  private static Tensor unfit() {
    Tensor rows = Ops.empty(Ops.F32, false, 2, 3);
    return rows.matmul(rows);
  }

  @Test
  void whatTheProgressThrowsEndsTheWholeCall() {
    try (ChatModel model = load(() -> {});
        EncodedVolume volume = encode(model)) {
      int first = model.ask(volume, "Where?", OPTIONS, Progress.NONE).tokenIds().size();
      List<String> stages = new ArrayList<>();
      Progress cancel =
          (stage, done, total) -> {
            stages.add(stage);
            if (Collections.frequency(stages, "decode") == first + 1) {
              throw new CancellationException("enough");
            }
          };
      assertThrows(CancellationException.class, () -> model.askAll(three(volume, volume), cancel));
      assertEquals(2, Collections.frequency(stages, "prefill") / 2, "requests that were begun");
      assertEquals(3, model.askAll(three(volume, volume), Progress.NONE).size());
    }
  }

  @Test
  void aBlankQuestionIsTakenAsItIsButByNoRequest() {
    try (ChatModel model = load(() -> {});
        EncodedVolume volume = encode(model)) {
      assertFalse(model.ask(volume, " ", OPTIONS, Progress.NONE).tokenIds().isEmpty());
      assertThrows(IllegalArgumentException.class, () -> new Request(volume, " ", OPTIONS));
    }
  }

  @Test
  void manyRequestsAreOneCall() {
    ChatModel model = load(() -> {});
    EncodedVolume volume = encode(model);
    assertEquals(List.of(), model.askAll(List.of(), Progress.NONE));
    model.close();
    assertThrows(
        IllegalStateException.class, () -> model.askAll(three(volume, volume), Progress.NONE));
    volume.close();
  }

  /** What its tokenizer is given of a text that is far too long: tens of megabytes take minutes. */
  @Test
  void aTextThatCannotFitIsRefusedBeforeAllOfItIsTokenized() {
    AtomicLong characters = new AtomicLong();
    ChatFormat plain = HuluChat.load(folder);
    ChatFormat counting =
        new ChatFormat() {
          @Override
          public Prompt prompt(
              PromptLayout layout, int slices, int tokensPerSlice, String question) {
            characters.addAndGet(question.length());
            return plain.prompt(layout, slices, tokensPerSlice, question);
          }

          @Override
          public int[] followUp(String question) {
            characters.addAndGet(question.length());
            return plain.followUp(question);
          }

          @Override
          public int[] answerIds(String answer) {
            characters.addAndGet(answer.length());
            return plain.answerIds(answer);
          }

          @Override
          public String decode(List<Integer> ids) {
            return plain.decode(ids);
          }

          @Override
          public String visible(String decoded) {
            return plain.visible(decoded);
          }

          @Override
          public void close() {
            plain.close();
          }
        };
    String longText = "Where is it? ".repeat(200_000);
    try (ChatModel model =
            new ChatModel(
                (Pipeline) TokenModel.load(folder, LoadOptions.DEFAULT, Progress.NONE), counting);
        EncodedVolume volume = encode(model);
        Conversation conversation = model.converse(volume, PromptLayout.GOOGLE)) {
      List<Runnable> calls =
          List.of(
              () -> conversation.ask(longText, OPTIONS, Progress.NONE),
              () -> conversation.recall("Where?", longText, Progress.NONE));
      for (Runnable call : calls) {
        characters.set(0);
        InputException e = assertThrows(InputException.class, call::run);
        assertTrue(String.valueOf(e.getMessage()).contains("the model's context has 1024"));
        assertTrue(characters.get() < 100_000, characters + " characters were tokenized");
      }
      assertFalse(conversation.ask("Where?", OPTIONS, Progress.NONE).tokenIds().isEmpty());
      characters.set(0);
      assertThrows(InputException.class, () -> conversation.ask(longText, OPTIONS, Progress.NONE));
      assertTrue(characters.get() < 100_000, characters + " characters were tokenized");
    }
  }
}
