package org.medpruner.serve;

import java.io.UncheckedIOException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;
import org.medpruner.MedPrunerException;
import org.medpruner.MedPrunerOutOfMemoryException;
import org.medpruner.PruningReport;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.AnswerListener;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;
import org.medpruner.vlm.Words;
import org.medpruner.vlm.memory.Encodings;
import org.medpruner.volume.VolumeException;

/**
 * One question on its way through the queue and the model. {@link #run} belongs to the worker,
 * {@link #cancel} to everybody. It ends exactly once.
 */
final class ChatJob implements Runnable {
  /** What ends a job from outside. */
  enum Cancellation {
    GONE,
    TIMEOUT,
    CLOSING
  }

  /** Thrown through the model by its progress. */
  private static final class Cancelled extends RuntimeException {
    private static final long serialVersionUID = 1;

    Cancelled() {
      super("cancelled", null, false, false);
    }
  }

  private enum State {
    WAITING,
    RUNNING,
    OVER
  }

  /**
   * What a job works with.
   *
   * @param files where a job's file lies, until a client deletes it
   * @param name what clients call the model: its folder is not theirs to know
   */
  record Tools(
      VisionLanguageModel model,
      FileStore files,
      String name,
      Encodings<VolumeInput.Key, VolumeInput> encodings,
      Audits audits,
      Metrics metrics,
      Log log) {}

  private final Tools tools;
  private final ChatRequest request;
  private final StoredFile file;
  private final Completion completion;
  private final ChatReply reply;
  private final long timeoutSeconds;
  private final Consumer<ChatJob> ended;
  private final AtomicReference<State> state = new AtomicReference<>(State.WAITING);
  private final AtomicBoolean told = new AtomicBoolean();
  private volatile @Nullable Cancellation cancelled;

  /**
   * A job.
   *
   * @param ended called once, whatever becomes of it
   */
  ChatJob(
      Tools tools,
      ChatRequest request,
      StoredFile file,
      Completion completion,
      ChatReply reply,
      long timeoutSeconds,
      Consumer<ChatJob> ended) {
    this.tools = tools;
    this.request = request;
    this.file = file;
    this.completion = completion;
    this.reply = reply;
    this.timeoutSeconds = timeoutSeconds;
    this.ended = ended;
  }

  /** The file that it holds. */
  StoredFile file() {
    return file;
  }

  /** Ends it: at once while it waits, else before the model's next step. */
  void cancel(Cancellation why) {
    if (cancelled == null) {
      cancelled = why;
    }
    if (state.compareAndSet(State.WAITING, State.OVER)) {
      endCancelled();
    }
  }

  @Override
  public void run() {
    if (!state.compareAndSet(State.WAITING, State.RUNNING)) {
      return;
    }
    try {
      answer();
    } catch (Cancelled e) {
      tools.encodings.forgetConversation();
      endCancelled();
    } catch (RuntimeException | Error e) {
      fail(e);
    } finally {
      over();
    }
  }

  private void fail(Throwable e) {
    try {
      tools.encodings.forgetConversation();
      end("failed", error(e));
    } catch (RuntimeException | Error again) {
      // Where the heap is full this may meet it too; the client must hear of it all the same.
      end("failed", ApiError.outOfMemory());
      throw again;
    }
  }

  /** Tells once that this has ended. */
  private void over() {
    if (told.compareAndSet(false, true)) {
      ended.accept(this);
    }
  }

  private void answer() {
    if (isFileGone()) {
      throw FileStore.unknown();
    }
    Progress progress = this::progress;
    progress.update(Progress.READ, 0, 1);
    Encodings.Encoded<VolumeInput> volume =
        tools.encodings.encoded(
            new VolumeInput.Key(file.id(), request.reading()),
            request.policy(),
            () -> VolumeInput.read(file, request.reading(), progress),
            progress);
    VolumeInput input = volume.notes();
    String question = request.messages().question();
    Answer answer =
        tools.encodings.ask(
            volume,
            request.messages().past(),
            question,
            request.generation(),
            request.stream() ? this::piece : AnswerListener.NONE,
            progress);
    if (answer.ending() == Ending.CANCELLED) {
      throw new Cancelled();
    }
    PruningReport report = input.complete(answer.report());
    tools.audits.add(
        completion.id(),
        Audit.of(
                input.audited(),
                tools.model.info().calledAs(tools.name),
                report,
                question,
                answer.text())
            .withGeneration(request.generation(), answer)
            .text(),
        input.sheet(),
        report);
    tools.metrics.answered(answer);
    state.set(State.OVER);
    tools.metrics.ended(Words.of(answer.ending()));
    reply.whole(answer, report);
  }

  private boolean isFileGone() {
    return !tools.files.has(file.id());
  }

  private boolean piece(String text) {
    reply.piece(text);
    return cancelled == null;
  }

  /** Ends the call where it stands, unless it is about to hand over what it made. */
  private void progress(String stage, long done, long total) {
    if (cancelled != null && !stage.equals(Progress.PRUNE)) {
      throw new Cancelled();
    }
  }

  private void endCancelled() {
    Cancellation why = cancelled;
    if (why == null) {
      why = Cancellation.CLOSING; // an interrupt of the worker
    }
    switch (why) {
      case GONE -> end("cancelled", null);
      case TIMEOUT -> end("timeout", ApiError.timeout(timeoutSeconds));
      case CLOSING -> end("cancelled", ApiError.closing());
    }
  }

  private void end(String how, @Nullable ApiError error) {
    state.set(State.OVER);
    try {
      tools.metrics.ended(how);
      if (error == null) {
        reply.stopHeartbeat();
      } else {
        reply.failed(error);
      }
    } finally {
      over();
    }
  }

  /** What the client is told; what is a defect goes into the log. */
  private ApiError error(Throwable e) {
    boolean reading =
        e instanceof VolumeException
            || e instanceof InputException
            || e instanceof UncheckedIOException;
    if (reading && isFileGone()) {
      return cancelled == Cancellation.CLOSING ? ApiError.closing() : FileStore.unknown();
    }
    String message = file.withoutPath(String.valueOf(e.getMessage()));
    return switch (e) {
      case ApiError known -> known;
      case VolumeException v -> ApiError.bad("messages", message);
      case InputException i -> ApiError.bad("messages", message);
      case IllegalArgumentException i -> ApiError.bad("medpruner", message);
      case MedPrunerOutOfMemoryException m -> ApiError.model("the model is out of memory");
      case OutOfMemoryError m -> ApiError.outOfMemory();
      case MedPrunerException m -> {
        tools.log.defect(e);
        yield ApiError.model("the model failed; the server's log says where");
      }
      default -> {
        tools.log.defect(e);
        yield ApiError.internal();
      }
    };
  }
}
