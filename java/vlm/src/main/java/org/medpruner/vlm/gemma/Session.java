package org.medpruner.vlm.gemma;

import java.util.Arrays;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.KvCache;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.PromptAttention;

/**
 * One request to the language model: all of its state, cache and position included, lives here, so
 * that nothing of it can reach the next request. Made, used and closed by one thread.
 */
final class Session implements AutoCloseable {
  private final TextModel model;
  private final PrunedPrompt prompt;
  private final KvCache cache;
  private long nextPosition;

  Session(TextModel model, PrunedPrompt prompt) {
    this.model = model;
    this.prompt = prompt;
    this.cache = new KvCache(model.config(), model.compute(), model.cuda());
    this.nextPosition = prompt.nextPosition();
  }

  /**
   * The decoder's input: text embeddings, with the visual tokens at the image places.
   *
   * @param features [K, hidden], the packed visual tokens, slice by slice; not used without any
   * @return [L, hidden], a temporary of the caller's scope
   */
  Tensor embeddings(Tensor features) {
    return TorchScope.run(
        () -> {
          Tensor x = model.embed(prompt.ids());
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
            return x.clone();
          }
          Tensor chosen =
              features
                  .index_select(0, Ops.vector(Arrays.copyOf(rows, count), features))
                  .to(model.compute());
          return x.index_copy(0, Ops.vector(Arrays.copyOf(places, count), x), chosen);
        });
  }

  /**
   * Runs the prompt; once per session.
   *
   * @return [L, hidden] before the final norm, a temporary of the caller's scope
   */
  Tensor prefill(Tensor features) {
    try (InferenceMode guard = new InferenceMode(true);
        PromptAttention attention = new PromptAttention(prompt.length(), prompt.group())) {
      return TorchScope.run(
          () -> model.prefill(embeddings(features), prompt.positions(), attention, cache));
    }
  }

  /**
   * Runs one generated token; positions advance by one per token.
   *
   * @return [1, hidden] before the final norm, a temporary of the caller's scope
   */
  Tensor step(int id) {
    try (InferenceMode guard = new InferenceMode(true)) {
      return model.step(id, nextPosition++, cache);
    }
  }

  /** Rotary position the next generated token will get. */
  long nextPosition() {
    return nextPosition;
  }

  /** Logits [rows, vocabulary], F32, of the last {@code rows} of hidden states. */
  Tensor logits(Tensor hidden, long rows) {
    try (InferenceMode guard = new InferenceMode(true)) {
      return TorchScope.run(() -> model.logits(hidden.narrow(0, hidden.size(0) - rows, rows)));
    }
  }

  @Override
  public void close() {
    cache.close();
  }
}
