package org.medpruner.vlm.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * Which keys the tokens of a prompt see, and the attention over them.
 *
 * <p>Token q sees key k if k &lt;= q or both are image tokens of one group; in a local layer only
 * if also k &gt; q - window. (transformers before 5 let a group reach past the window; that differs
 * only where one image has more tokens than the window.) Windows count tokens of the (pruned)
 * sequence.
 *
 * <p>Queries are taken in chunks whose mask stays below {@link #MAX_MASK_ELEMENTS}: a prompt of
 * 20,000 tokens would otherwise need 400 million mask entries per layer. Chunks look at no keys
 * outside the range that any of their queries sees. Masks are kept between layers only while all of
 * them together are small.
 */
public final class PromptAttention implements AutoCloseable {
  /** Mask entries of a chunk: 64 MiB where LibTorch expands it to F32. */
  public static final long MAX_MASK_ELEMENTS = 16L << 20;

  /** Queries a chunk grows by. */
  private static final int CHUNK_STEP = 64;

  private final int length;
  private final int @Nullable [] group;
  private final int[] groupEnd;
  private final long maxMaskElements;
  private final Map<Long, Tensor> masks = new HashMap<>();
  private final boolean keepMasks;

  /**
   * A prompt's attention.
   *
   * @param group per token, the image group (&gt;= 0) or -1; null for plain causal attention
   */
  public PromptAttention(int length, int @Nullable [] group) {
    this(length, group, MAX_MASK_ELEMENTS);
  }

  public PromptAttention(int length, int @Nullable [] group, long maxMaskElements) {
    this.length = length;
    this.group = group;
    this.maxMaskElements = maxMaskElements;
    this.keepMasks = (long) length * length <= maxMaskElements;
    groupEnd = new int[length];
    Map<Integer, Integer> ends = new HashMap<>();
    for (int t = length - 1; t >= 0; t--) {
      int g = group == null ? -1 : group[t];
      int end = t + 1;
      groupEnd[t] = g < 0 ? end : ends.computeIfAbsent(g, key -> end);
    }
  }

  /**
   * Attention of a whole prompt.
   *
   * @param q [heads, L, d]
   * @param k [kvHeads, L, d]
   * @param v [kvHeads, L, d]
   * @param window of a local layer, or {@link Integer#MAX_VALUE}
   * @return [heads, L, d], a temporary of the caller's scope
   */
  public Tensor attend(Tensor q, Tensor k, Tensor v, int window, double scale) {
    if (group == null && length <= window) {
      return TorchScope.run(() -> grouped(q, k, v, null, true, scale));
    }
    List<Tensor> parts = new ArrayList<>();
    for (Chunk c : chunks(window)) {
      parts.add(
          TorchScope.run(
              () ->
                  grouped(
                      q.narrow(1, c.begin(), c.end() - c.begin()),
                      k.narrow(1, c.lowestKey(), c.keys()),
                      v.narrow(1, c.lowestKey(), c.keys()),
                      mask(c, window, q),
                      false,
                      scale)));
    }
    return parts.size() == 1
        ? parts.getFirst()
        : torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), 1);
  }

  /** Attention where each key head serves several query heads, without repeating the keys. */
  public static Tensor grouped(
      Tensor q, Tensor k, Tensor v, @Nullable Tensor mask, boolean causal, double scale) {
    if (!q.is_cuda() && q.scalar_type().intern() != Ops.F32) {
      // Before the heads are expanded: converting expanded keys would write every copy.
      return TorchScope.run(
          () ->
              grouped(q.to(Ops.F32), k.to(Ops.F32), v.to(Ops.F32), mask, causal, scale)
                  .to(q.scalar_type().intern()));
    }
    long heads = q.size(0);
    long kvHeads = k.size(0);
    long dim = q.size(2);
    long share = heads / kvHeads;
    long keys = k.size(1);
    return Ops.attention(
            q.reshape(kvHeads, share, q.size(1), dim),
            k.unsqueeze(1).expand(kvHeads, share, keys, dim),
            v.unsqueeze(1).expand(kvHeads, share, keys, dim),
            mask,
            causal,
            scale)
        .reshape(heads, q.size(1), dim);
  }

  /** Queries [begin, end) and the range of keys that any of them sees. */
  public record Chunk(int begin, int end, int lowestKey, int highestKey) {
    int keys() {
      return highestKey - lowestKey;
    }
  }

  /** The chunks of a layer; one query is the least. */
  public List<Chunk> chunks(int window) {
    List<Chunk> chunks = new ArrayList<>();
    for (int begin = 0; begin < length; ) {
      Chunk chunk = chunk(begin, begin + 1, window);
      while (chunk.end() < length) {
        Chunk longer = chunk(begin, Math.min(length, chunk.end() + CHUNK_STEP), window);
        if ((long) (longer.end() - begin) * longer.keys() > maxMaskElements) {
          break;
        }
        chunk = longer;
      }
      chunks.add(chunk);
      begin = chunk.end();
    }
    return chunks;
  }

  private Chunk chunk(int begin, int end, int window) {
    int lowest = window >= length ? 0 : Math.max(0, begin - window + 1);
    int highest = end;
    for (int t = begin; t < end; t++) {
      highest = Math.max(highest, groupEnd[t]);
    }
    return new Chunk(begin, end, lowest, highest);
  }

  private Tensor mask(Chunk chunk, int window, Tensor like) {
    if (!keepMasks) {
      return build(chunk, window, like);
    }
    return masks.computeIfAbsent(
        ((long) chunk.begin() << 32) | Integer.toUnsignedLong(window),
        key -> TorchScope.detach(TorchScope.run(() -> build(chunk, window, like))));
  }

  /** The bool mask [queries, keys]. */
  private Tensor build(Chunk c, int window, Tensor like) {
    Tensor queries = range(c.begin(), c.end(), like).unsqueeze(1);
    Tensor keys = range(c.lowestKey(), c.highestKey(), like).unsqueeze(0);
    Tensor seen = keys.le(queries);
    if (group != null) {
      Tensor mine = groups(c.begin(), c.end(), like).unsqueeze(1);
      Tensor same = mine.eq(groups(c.lowestKey(), c.highestKey(), like).unsqueeze(0));
      seen.logical_or_(same.logical_and_(mine.ge(new Scalar(0L))));
    }
    if (window < length) {
      seen.logical_and_(keys.gt(queries.sub(new Scalar((long) window))));
    }
    return seen;
  }

  /**
   * The mask of text that continues a sequence: token q sees key k if q - window &lt; k &lt;= q.
   *
   * @param first number, in the sequence, of the first query
   * @param keys number of each key
   * @return bool [queries, keys]
   */
  static Tensor continuation(long first, long queries, long[] keys, int window, Tensor like) {
    long[] numbers = new long[Math.toIntExact(queries)];
    Arrays.setAll(numbers, i -> first + i);
    Tensor query = Ops.vector(numbers, like).unsqueeze(1);
    Tensor key = Ops.vector(keys, like).unsqueeze(0);
    return key.le(query).logical_and_(key.gt(query.sub(new Scalar((long) window))));
  }

  private static Tensor range(int from, int to, Tensor like) {
    long[] values = new long[to - from];
    for (int i = 0; i < values.length; i++) {
      values[i] = from + i;
    }
    return Ops.vector(values, like);
  }

  private Tensor groups(int from, int to, Tensor like) {
    long[] values = new long[to - from];
    for (int i = 0; i < values.length; i++) {
      values[i] = group == null ? -1 : group[from + i];
    }
    return Ops.vector(values, like);
  }

  @Override
  public void close() {
    masks.values().forEach(Tensor::close);
    masks.clear();
  }
}
