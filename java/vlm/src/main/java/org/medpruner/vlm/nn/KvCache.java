package org.medpruner.vlm.nn;

import java.util.ArrayList;
import java.util.List;
import java.util.function.LongFunction;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * Keys and values of one request. Global layers hold every token; local layers only the window's,
 * in a ring: keys carry their position already, so their order in memory does not matter.
 */
public final class KvCache implements AutoCloseable {
  /** Tokens a global layer's buffers grow by. */
  private static final int GROWTH = 256;

  private static final class Layer {
    final int window;
    @Nullable Tensor keys;
    @Nullable Tensor values;
    long capacity;
    long length;

    Layer(int window) {
      this.window = window;
    }
  }

  /** What a query sees: keys and values [kvHeads, k, d], temporaries of the caller's scope. */
  public record View(Tensor keys, Tensor values) {}

  private final LongFunction<Tensor> buffers;
  private final List<Layer> layers = new ArrayList<>();

  public KvCache(DecoderConfig config, ScalarType type, boolean cuda) {
    this(config, capacity -> Ops.empty(type, cuda, config.kvHeads(), capacity, config.headDim()));
  }

  /**
   * An empty cache.
   *
   * @param buffers gives memory of undefined contents, [kvHeads, capacity, d], for so many tokens;
   *     a temporary of the caller's scope
   */
  KvCache(DecoderConfig config, LongFunction<Tensor> buffers) {
    this.buffers = buffers;
    for (boolean local : config.local()) {
      layers.add(new Layer(local ? config.slidingWindow() : Integer.MAX_VALUE));
    }
  }

  /**
   * Bytes the cache holds after a prompt: per layer 2 x kvHeads x headDim values for each token, of
   * which local layers hold at most the window.
   */
  public static long bytes(DecoderConfig config, long promptTokens, int elementBytes) {
    long tokens = 0;
    for (boolean local : config.local()) {
      tokens += local ? Math.min(promptTokens, config.slidingWindow()) : promptTokens;
    }
    return tokens * 2 * config.kvHeads() * config.headDim() * elementBytes;
  }

  /** Tokens seen by a layer so far, those the ring has dropped included. */
  public long length(int layer) {
    return layers.get(layer).length;
  }

  /** Stores a prompt's keys and values [kvHeads, L, d] in an empty layer. */
  public void fill(int index, Tensor keys, Tensor values) {
    Layer layer = layers.get(index);
    long length = keys.size(1);
    long capacity = Math.min(layer.window, length + GROWTH);
    allocate(layer, capacity);
    long kept = Math.min(length, capacity);
    // Token i lies in slot i mod capacity; a prompt longer than the ring wraps once.
    long first = length - kept;
    long split = Math.min(kept, capacity - first % capacity);
    TorchScope.run(
        () -> {
          copy(layer, first % capacity, keys, values, first, split);
          return copy(layer, 0, keys, values, first + split, kept - split);
        });
    layer.length = length;
  }

  private static Tensor copy(
      Layer layer, long slot, Tensor keys, Tensor values, long from, long count) {
    storage(layer.values).narrow(1, slot, count).copy_(values.narrow(1, from, count));
    return storage(layer.keys).narrow(1, slot, count).copy_(keys.narrow(1, from, count));
  }

  /** Adds one token's key and value [kvHeads, 1, d] and gives what its query sees. */
  public View append(int index, Tensor key, Tensor value) {
    Layer layer = layers.get(index);
    if (layer.length == layer.capacity && layer.capacity < layer.window) {
      grow(layer);
    }
    long slot = layer.length % layer.capacity;
    storage(layer.keys).narrow(1, slot, 1).copy_(key);
    storage(layer.values).narrow(1, slot, 1).copy_(value);
    layer.length++;
    long seen = Math.min(layer.length, layer.capacity);
    return new View(
        storage(layer.keys).narrow(1, 0, seen), storage(layer.values).narrow(1, 0, seen));
  }

  /**
   * What the queries of several new tokens see.
   *
   * @param keys [kvHeads, k, d], those held and the new ones
   * @param values [kvHeads, k, d]
   * @param index [k], which token of the sequence each is
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Extension(Tensor keys, Tensor values, long[] index) {}

  /**
   * Adds several tokens' keys and values [kvHeads, n, d] to a layer that holds a prompt. A local
   * layer's ring may drop tokens that the first of the new queries still see, so what they see is
   * taken before the ring is written.
   */
  public Extension extend(int layerIndex, Tensor keys, Tensor values) {
    Layer layer = layers.get(layerIndex);
    long added = keys.size(1);
    long held = Math.min(layer.length, layer.capacity);
    long[] index = new long[Math.toIntExact(held + added)];
    for (long slot = 0; slot < held; slot++) {
      // The latest token whose number is slot modulo the capacity.
      index[(int) slot] =
          layer.length <= layer.capacity
              ? slot
              : layer.length - 1 - Math.floorMod(layer.length - 1 - slot, layer.capacity);
    }
    for (long i = 0; i < added; i++) {
      index[(int) (held + i)] = layer.length + i;
    }
    Extension seen =
        new Extension(
            torch.cat(new TensorVector(storage(layer.keys).narrow(1, 0, held), keys), 1),
            torch.cat(new TensorVector(storage(layer.values).narrow(1, 0, held), values), 1),
            index);
    for (long i = 0; i < added; i++) {
      long one = i;
      TorchScope.run(
          () -> append(layerIndex, keys.narrow(1, one, 1), values.narrow(1, one, 1)).keys());
    }
    return seen;
  }

  private void grow(Layer layer) {
    Tensor oldKeys = storage(layer.keys);
    Tensor oldValues = storage(layer.values);
    long length = layer.capacity;
    allocate(layer, Math.min(layer.window, length + GROWTH));
    try {
      TorchScope.run(() -> copy(layer, 0, oldKeys, oldValues, 0, length));
    } finally {
      oldKeys.close();
      oldValues.close();
    }
  }

  /** Gives a layer new memory. Where there is not enough, what was taken goes back at once. */
  private void allocate(Layer layer, long capacity) {
    Tensor keys = buffer(capacity);
    boolean ok = false;
    try {
      layer.values = buffer(capacity);
      ok = true;
    } finally {
      if (!ok) {
        keys.close();
      }
    }
    layer.keys = keys;
    layer.capacity = capacity;
  }

  private Tensor buffer(long capacity) {
    return TorchScope.detach(TorchScope.run(() -> buffers.apply(capacity)));
  }

  private static Tensor storage(@Nullable Tensor tensor) {
    if (tensor == null) {
      throw new IllegalStateException("the cache is closed, or no prompt was prefilled");
    }
    return tensor;
  }

  @Override
  public void close() {
    for (Layer layer : layers) {
      if (layer.keys != null) {
        layer.keys.close();
        layer.keys = null;
      }
      if (layer.values != null) {
        layer.values.close();
        layer.values = null;
      }
    }
  }
}
