package org.medpruner.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.VisionLanguageModel;

/**
 * A LangChain4j chat model that answers questions about medical volumes with a vision-language
 * model in this process, pruning on the way.
 *
 * {@snippet :
 * try (var model = MedPrunerChatModel.builder().modelPath(checkpoint).build()) {
 *   ChatResponse response =
 *       model.chat(UserMessage.from(VolumeContent.of(ct), TextContent.from("Any lesion?")));
 * }
 * }
 *
 * <p><b>Conversations.</b> A request's messages are one conversation about one volume, which any of
 * its user messages holds; system messages come first. A volume is encoded and pruned once: the
 * pruned tokens of the last ones ({@link Builder#maxVolumes}) are kept under the SHA-256 of their
 * bytes, which are therefore read anew for every request, and the key-value cache of the last
 * conversation is kept too, so that its next question prefills itself alone.
 *
 * <p><b>Not supported</b>, and an {@link dev.langchain4j.exception.UnsupportedFeatureException} in
 * one line: tools, response formats other than text, audio, video, PDF, addresses other than {@code
 * file:}, a second volume, frequency and presence penalties. What cannot be used is an {@link
 * dev.langchain4j.exception.InvalidRequestException}.
 *
 * <p><b>Threads.</b> May be used from any number of threads. One thread of its own answers, one
 * request after the other; {@link Builder#maxWaiting} requests may wait, further ones are a {@link
 * dev.langchain4j.exception.RateLimitException}. Handlers and subscribers of a stream and
 * continuations of {@link #chatAsync} run on that thread and must return quickly; {@link #chat}
 * from there is an {@link IllegalStateException}. An interrupt of a thread that waits in {@code
 * chat} ends its request.
 *
 * <p><b>Time.</b> With a {@link Builder#timeout} a request that has not ended by then is a {@link
 * dev.langchain4j.exception.TimeoutException}, whether it waits or is being answered: thrown by
 * {@code chat}, the outcome of a {@link #chatAsync} or the {@code onError} of a stream, on a thread
 * of its own. Nobody waits for the model then, which stops before its next step and goes on to the
 * next request; a conversation that was cut short is prefilled anew.
 *
 * <p><b>Ownership.</b> The model owns its weights, the volumes it remembers and its thread. {@link
 * #close} ends requests that wait or run with an {@link IllegalStateException} and frees all; it is
 * idempotent. The {@link #streaming} view belongs to the model.
 */
public final class MedPrunerChatModel implements ChatModel, AutoCloseable {
  private final Engine engine;
  private final MedPrunerChatRequestParameters defaults;
  private final List<ChatModelListener> listeners;

  private MedPrunerChatModel(Builder builder, VisionLanguageModel model) {
    listeners = List.copyOf(builder.listeners);
    engine =
        new Engine(
            model,
            builder.maxWaiting,
            builder.timeout == null ? null : new TimeLimit(builder.timeout, builder.timers),
            builder.maxVolumes,
            builder.root,
            builder.progress);
    defaults =
        MedPrunerChatRequestParameters.builder()
            .modelName(engine.name())
            .overrideWith(builder.defaults)
            .build();
    // What every request would be refused for.
    Wanted.of(defaults, engine.name());
  }

  /** {@return a builder with the defaults; it needs a checkpoint or a model} */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The same model as one that streams, with the same volumes, conversation, queue and listeners.
   * Requests that are refused go to {@code onError}, on the calling thread. Its publishers ask anew
   * for every subscriber and keep pieces until they are requested.
   *
   * @return a view that is closed with this model and not by itself
   */
  public StreamingChatModel streaming() {
    return new StreamingView(engine, defaults, listeners);
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    if (engine.isWorker()) {
      throw new IllegalStateException(
          "chat() would wait for the thread it was called on, which answers; use another one");
    }
    Job job = engine.job(request, null);
    engine.submit(job);
    try {
      return job.result().get();
    } catch (InterruptedException e) {
      job.result().cancel(false);
      Thread.currentThread().interrupt();
      throw new LangChain4jException("interrupted before there was an answer", e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw new CompletionException(e.getCause());
    }
  }

  /** {@inheritDoc} Cancelling the future ends the request. */
  @Override
  public CompletableFuture<ChatResponse> doChatAsync(ChatRequest request) {
    try {
      Job job = engine.job(request, null);
      engine.submit(job);
      return job.result();
    } catch (RuntimeException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  @Override
  public MedPrunerChatRequestParameters defaultRequestParameters() {
    return defaults;
  }

  @Override
  public List<ChatModelListener> listeners() {
    return listeners;
  }

  @Override
  public void close() {
    engine.close();
  }

  /** Builds a model. */
  public static final class Builder {
    private @Nullable Path checkpoint;
    private @Nullable VisionLanguageModel model;
    private LoadOptions load = LoadOptions.DEFAULT;
    private ChatRequestParameters defaults = MedPrunerChatRequestParameters.builder().build();
    private List<ChatModelListener> listeners = List.of();
    private int maxWaiting = 16;
    private @Nullable Duration timeout;
    private Function<Duration, CompletableFuture<Void>> timers = TimeLimit::timer;
    private int maxVolumes = 4;
    private @Nullable Path root;
    private Progress progress = Progress.NONE;

    private Builder() {}

    /**
     * Names a checkpoint to load in {@link #build}.
     *
     * @param folder of a Hugging Face checkpoint
     * @return this
     */
    public Builder modelPath(Path folder) {
      checkpoint = folder;
      return this;
    }

    /**
     * Takes a loaded model instead of a checkpoint.
     *
     * @param loaded is taken over: closed with this one, used by it alone
     * @return this
     */
    public Builder model(VisionLanguageModel loaded) {
      model = loaded;
      return this;
    }

    /**
     * Says how a checkpoint is loaded; without effect on a loaded model.
     *
     * @param options device, compute type and memory of the encoder
     * @return this
     */
    public Builder loadOptions(LoadOptions options) {
      load = options;
      return this;
    }

    /**
     * Sets what requests leave open.
     *
     * @param parameters {@link MedPrunerChatRequestParameters} or LangChain4j's; what they leave
     *     open is the {@code paper} preset and the likeliest token always
     * @return this
     */
    public Builder defaultRequestParameters(ChatRequestParameters parameters) {
      defaults = parameters;
      return this;
    }

    /**
     * Sets who is told of every request, response and error.
     *
     * @param all in the order they are told; copied by {@link #build}
     * @return this
     */
    public Builder listeners(List<ChatModelListener> all) {
      listeners = all;
      return this;
    }

    /**
     * Sets how many requests may wait while one is answered; 16 unless set.
     *
     * @param count &gt;= 0; one more is a {@link dev.langchain4j.exception.RateLimitException}
     * @return this
     * @throws IllegalArgumentException if the count is negative
     */
    public Builder maxWaiting(int count) {
      maxWaiting = atLeast(0, "maxWaiting", count);
      return this;
    }

    /**
     * Sets how long a request may take, waiting for the model included: from when it is queued to
     * the end of its answer; any time unless set.
     *
     * @param limit &gt; 0; null for any time
     * @return this
     * @throws IllegalArgumentException if the limit is zero or negative
     */
    public Builder timeout(@Nullable Duration limit) {
      if (limit != null && !limit.isPositive()) {
        throw new IllegalArgumentException("timeout = " + limit + ", but it must be > 0");
      }
      timeout = limit;
      return this;
    }

    /** Another clock than the process's, for tests, which then need not wait. */
    Builder timers(Function<Duration, CompletableFuture<Void>> factory) {
      timers = factory;
      return this;
    }

    /**
     * Sets how many encoded volumes to keep, 4 unless set; each holds its pruned features, with
     * MedGemma 4B in BF16 up to 1.3 MB a slice.
     *
     * @param count &gt;= 1
     * @return this
     * @throws IllegalArgumentException if the count is below 1
     */
    public Builder maxVolumes(int count) {
      maxVolumes = atLeast(1, "maxVolumes", count);
      return this;
    }

    /**
     * Sets where the files that messages name must lie, links resolved; set it where messages are
     * not your own. Anywhere unless set.
     *
     * @param folder a request that names a file outside of it is refused
     * @return this
     */
    public Builder volumesUnder(Path folder) {
      root = folder;
      return this;
    }

    /**
     * Sets who is told of loading, encoding and decoding.
     *
     * @param listener called on the thread that works; must return quickly
     * @return this
     */
    public Builder progress(Progress listener) {
      progress = listener;
      return this;
    }

    /**
     * Loads the model.
     *
     * @return an open model, the caller's to close
     * @throws IllegalStateException if there is neither a checkpoint nor a model, or both
     * @throws dev.langchain4j.exception.LangChain4jException if the default parameters ask for what
     *     the model does not do, or are another model's
     * @throws org.medpruner.InputException if the checkpoint cannot be used
     */
    public MedPrunerChatModel build() {
      if ((checkpoint == null) == (model == null)) {
        throw new IllegalStateException("set one of modelPath and model");
      }
      // Before gigabytes are loaded, which nobody would free.
      listeners = List.copyOf(listeners);
      Objects.requireNonNull(defaults, "defaultRequestParameters");
      if (model != null) {
        return new MedPrunerChatModel(this, model);
      }
      VisionLanguageModel loaded =
          VisionLanguageModel.load(Objects.requireNonNull(checkpoint), load, progress);
      boolean ok = false;
      try {
        MedPrunerChatModel made = new MedPrunerChatModel(this, loaded);
        ok = true;
        return made;
      } finally {
        if (!ok) {
          loaded.close();
        }
      }
    }

    private static int atLeast(int least, String name, int count) {
      if (count < least) {
        throw new IllegalArgumentException(name + " = " + count + ", but it must be >= " + least);
      }
      return count;
    }
  }
}
