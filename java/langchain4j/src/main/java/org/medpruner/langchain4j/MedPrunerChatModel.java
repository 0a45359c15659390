package org.medpruner.langchain4j;

import dev.langchain4j.exception.LangChain4jException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.response.ChatResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
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
        new Engine(model, builder.maxWaiting, builder.maxVolumes, builder.root, builder.progress);
    defaults =
        MedPrunerChatRequestParameters.builder()
            .modelName(engine.name())
            .overrideWith(builder.defaults)
            .build();
  }

  /** A model with the defaults; it needs a checkpoint. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * The same model as one that streams, with the same volumes, conversation, queue and listeners.
   * Requests that are refused go to {@code onError}, on the calling thread. Its publishers ask anew
   * for every subscriber and keep pieces until they are requested.
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
    private int maxVolumes = 4;
    private @Nullable Path root;
    private Progress progress = Progress.NONE;

    private Builder() {}

    /** A Hugging Face checkpoint folder, loaded by {@link #build}. */
    public Builder modelPath(Path folder) {
      checkpoint = folder;
      return this;
    }

    /** A loaded model instead, which is taken over: closed with this one, used by it alone. */
    public Builder model(VisionLanguageModel loaded) {
      model = loaded;
      return this;
    }

    /** Device, compute type and memory of a checkpoint that is loaded. */
    public Builder loadOptions(LoadOptions options) {
      load = options;
      return this;
    }

    /** What requests leave open; {@link MedPrunerChatRequestParameters} or LangChain4j's. */
    public Builder defaultRequestParameters(ChatRequestParameters parameters) {
      defaults = parameters;
      return this;
    }

    /** Told of every request, response and error. */
    public Builder listeners(List<ChatModelListener> all) {
      listeners = all;
      return this;
    }

    /** Requests that may wait while one is answered; 16 unless set. */
    public Builder maxWaiting(int count) {
      maxWaiting = atLeast(0, "maxWaiting", count);
      return this;
    }

    /**
     * Encoded volumes to keep, 4 unless set; each holds its pruned features, with MedGemma 4B in
     * BF16 up to 1.3 MB a slice.
     */
    public Builder maxVolumes(int count) {
      maxVolumes = atLeast(1, "maxVolumes", count);
      return this;
    }

    /**
     * Where the files that messages name must lie, links resolved; set it where messages are not
     * your own. Anywhere unless set.
     */
    public Builder volumesUnder(Path folder) {
      root = folder;
      return this;
    }

    /** Told of loading, encoding and decoding; called on the thread that works. */
    public Builder progress(Progress listener) {
      progress = listener;
      return this;
    }

    /**
     * Loads the model.
     *
     * @throws IllegalStateException if there is neither a checkpoint nor a model, or both
     * @throws org.medpruner.InputException if the checkpoint cannot be used
     */
    public MedPrunerChatModel build() {
      if ((checkpoint == null) == (model == null)) {
        throw new IllegalStateException("set one of modelPath and model");
      }
      VisionLanguageModel loaded =
          model == null
              ? VisionLanguageModel.load(Objects.requireNonNull(checkpoint), load, progress)
              : model;
      return new MedPrunerChatModel(this, loaded);
    }

    private static int atLeast(int least, String name, int count) {
      if (count < least) {
        throw new IllegalArgumentException(name + " = " + count + ", but it must be >= " + least);
      }
      return count;
    }
  }
}
