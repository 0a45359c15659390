package org.medpruner.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.memory.Encodings;

/**
 * One question on its way through the queue and the model. {@link #run} belongs to the worker,
 * everything else to everybody.
 */
final class Job {
  /** Thrown through the model by its progress. */
  private static final class Stopped extends RuntimeException {
    private static final long serialVersionUID = 1;

    Stopped() {
      super("stopped", null, false, false);
    }
  }

  private final String model;
  private final Turns turns;
  private final Wanted wanted;
  private final @Nullable Consumer<String> pieces;
  private final Progress progress;
  private final CompletableFuture<ChatResponse> result = new CompletableFuture<>();
  private final AtomicBoolean claimed = new AtomicBoolean();
  private volatile @Nullable RuntimeException stop;

  /**
   * A job.
   *
   * @param pieces receives the text while it is generated; null if nobody wants it
   * @param progress of the caller
   */
  Job(
      String model,
      Turns turns,
      Wanted wanted,
      @Nullable Consumer<String> pieces,
      Progress progress) {
    this.model = model;
    this.turns = turns;
    this.wanted = wanted;
    this.pieces = pieces;
    this.progress = progress;
  }

  /**
   * Its response, or the exception that its caller shall see. Cancelling it, or completing it with
   * an exception, ends the job: at once while it waits, else before the model's next step.
   */
  CompletableFuture<ChatResponse> result() {
    return result;
  }

  /** True once, for who runs it or ends it before it ran. */
  boolean claim() {
    return claimed.compareAndSet(false, true);
  }

  /**
   * Ends it: at once while it waits, else the worker does, before the model's next step.
   *
   * @return whether it waited
   */
  boolean stop(RuntimeException why) {
    stop = why;
    boolean waited = claim();
    if (waited) {
      result.completeExceptionally(why);
    }
    return waited;
  }

  private boolean stopped() {
    return stop != null || result.isDone();
  }

  /** Answers, with all that the model remembers; completes nothing. */
  ChatResponse run(ModelInfo info, Encodings<VolumeInput.Key, VolumeInput> encodings) {
    try {
      return answer(info, encodings);
    } catch (Stopped e) {
      encodings.forgetConversation();
      RuntimeException why = stop;
      throw why == null ? new CancellationException("the request was cancelled") : why;
    } catch (RuntimeException | Error e) {
      encodings.forgetConversation();
      throw Failures.forCaller(e, turns.source());
    }
  }

  private ChatResponse answer(ModelInfo info, Encodings<VolumeInput.Key, VolumeInput> encodings) {
    Progress checked = this::progress;
    checked.update(Progress.READ, 0, 1);
    VolumeSource source = turns.source();
    Encodings.Encoded<VolumeInput> volume =
        encodings.encoded(
            new VolumeInput.Key(source.digest(), wanted.reading()),
            wanted.policy(),
            () -> VolumeInput.read(source, wanted.reading(), checked),
            checked);
    AnswerListener listener = pieces == null ? AnswerListener.NONE : this::piece;
    Answer answer =
        encodings.ask(
            volume, turns.past(), turns.question(), wanted.generation(), listener, checked);
    if (answer.ending() == Ending.CANCELLED) {
      throw new Stopped();
    }
    return response(info, volume.notes(), answer);
  }

  private ChatResponse response(ModelInfo info, VolumeInput input, Answer answer) {
    PruningReport report = input.complete(answer.report());
    String audit =
        Audit.of(input.audited(turns.source()), info, report, turns.question(), answer.text())
            .withGeneration(wanted.generation(), answer)
            .text();
    MedPrunerChatResponseMetadata metadata =
        MedPrunerChatResponseMetadata.builder()
            .id("medpruner-" + UUID.randomUUID())
            .modelName(model)
            .tokenUsage(new TokenUsage(answer.promptTokens(), answer.tokenIds().size()))
            .finishReason(answer.stopped() ? FinishReason.STOP : FinishReason.LENGTH)
            .pruning(report, audit, answer.unprunedPromptTokens())
            .build();
    return ChatResponse.builder()
        .aiMessage(AiMessage.from(answer.text()))
        .metadata(metadata)
        .build();
  }

  private boolean piece(String text) {
    if (pieces != null && !stopped()) {
      pieces.accept(text);
    }
    return !stopped();
  }

  /** Ends the call where it stands, unless it is about to hand over what it made. */
  private void progress(String stage, long done, long total) {
    if (stopped() && !stage.equals(Progress.PRUNE)) {
      throw new Stopped();
    }
    progress.update(stage, done, total);
  }
}
