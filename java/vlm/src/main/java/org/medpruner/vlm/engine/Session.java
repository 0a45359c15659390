package org.medpruner.vlm.engine;

import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.KvCache;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.PromptAttention;

/**
 * One request to the language model: all of its state, cache and position included, lives here, so
 * that nothing of it can reach the next request. Made, used and closed by one thread.
 */
public final class Session implements AutoCloseable {
  /** Tokens of text taken at once: their mask over 20,000 cached ones has 5 million entries. */
  private static final int EXTENSION = 256;

  private final Decoder model;
  private final PrunedPrompt prompt;
  private final KvCache cache;
  private long nextPosition;
  private boolean prefilled;

  public Session(Decoder model, PrunedPrompt prompt) {
    this.model = model;
    this.prompt = prompt;
    this.cache = new KvCache(model.config(), model.compute(), model.cuda());
    this.nextPosition = prompt.nextPosition();
  }

  /**
   * Runs the prompt; once per session.
   *
   * @param visual the volume's tokens; not used by a prompt without any
   * @return [L, hidden] before the final norm, a temporary of the caller's scope
   */
  public Tensor prefill(PackedTokens visual) {
    prefilled = true;
    try (InferenceMode guard = new InferenceMode(true);
        PromptAttention attention = new PromptAttention(prompt.length(), prompt.group())) {
      return TorchScope.run(
          () -> {
            Visual seen = visual(visual);
            return model.prefill(
                embeddings(seen),
                prompt.positions(),
                attention,
                cache,
                seen == null || seen.planes().isEmpty()
                    ? null
                    : new Decoder.Additions(seen.places(), seen.planes()));
          });
    }
  }

  /**
   * The decoder's input: text embeddings, with the visual tokens at the image places.
   *
   * @return [L, hidden], a temporary of the caller's scope
   */
  public Tensor embeddings(PackedTokens visual) {
    return TorchScope.run(() -> embeddings(visual(visual)));
  }

  private Tensor embeddings(@Nullable Visual seen) {
    Tensor x = model.embed(prompt.ids());
    return seen == null ? x : x.index_copy(0, seen.places(), seen.features());
  }

  /** The prompt's visual tokens in its order, and the places they stand at. */
  private record Visual(Tensor places, Tensor features, List<Tensor> planes) {}

  private @Nullable Visual visual(PackedTokens packed) {
    long[] places = new long[prompt.length()];
    long[] rows = new long[prompt.length()];
    int count = 0;
    for (int i = 0; i < prompt.length(); i++) {
      if (prompt.feature()[i] >= 0) {
        places[count] = i;
        rows[count++] = prompt.feature()[i];
      }
    }
    if (count == 0) {
      return null;
    }
    Tensor index = Ops.vector(Arrays.copyOf(rows, count), packed.features());
    return new Visual(
        Ops.vector(Arrays.copyOf(places, count), packed.features()),
        packed.features().index_select(0, index).to(model.compute()),
        packed.planes().stream().map(p -> p.index_select(0, index).to(model.compute())).toList());
  }

  /**
   * Runs one generated token; positions advance by one per token.
   *
   * @return [1, hidden] before the final norm, a temporary of the caller's scope
   */
  public Tensor step(int id) {
    try (InferenceMode guard = new InferenceMode(true)) {
      return model.step(id, nextPosition++, cache);
    }
  }

  /**
   * Runs text that follows what is in the cache, in parts of {@link #EXTENSION} tokens.
   *
   * @param ids at least one
   * @return [1, hidden] of the last one before the final norm, a temporary of the caller's scope
   */
  public Tensor extend(int[] ids) {
    try (InferenceMode guard = new InferenceMode(true)) {
      @Nullable Tensor last = null;
      for (int from = 0; from < ids.length; from += EXTENSION) {
        int[] part = Arrays.copyOfRange(ids, from, Math.min(ids.length, from + EXTENSION));
        last =
            TorchScope.run(
                () -> {
                  Tensor hidden = model.extend(part, nextPosition, cache);
                  return hidden.narrow(0, part.length - 1, 1).clone();
                });
        nextPosition += part.length;
      }
      if (last == null) {
        throw new IllegalArgumentException("ids: there are none");
      }
      return last;
    }
  }

  /** Whether the prompt has been run. */
  boolean prefilled() {
    return prefilled;
  }

  /** Rotary position the next generated token will get. */
  public long nextPosition() {
    return nextPosition;
  }

  /** Logits [rows, vocabulary], F32, of the last {@code rows} of hidden states. */
  public Tensor logits(Tensor hidden, long rows) {
    try (InferenceMode guard = new InferenceMode(true)) {
      return TorchScope.run(() -> model.logits(hidden.narrow(0, hidden.size(0) - rows, rows)));
    }
  }

  @Override
  public void close() {
    cache.close();
  }
}
