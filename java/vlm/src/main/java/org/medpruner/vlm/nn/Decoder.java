package org.medpruner.vlm.nn;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * A text decoder: pre-norm layers of rotary attention and a gated feed-forward part. What differs
 * between families is in {@link DecoderConfig}. Holds no state of a request.
 */
public final class Decoder {
  /** Name of the embedding's weight below a decoder's prefix. */
  public static final String EMBEDDING = "embed_tokens.weight";

  /** Bytes of one feed-forward intermediate before the rows of a prompt are taken in parts. */
  private static final long MAX_MLP_BYTES = 128L << 20;

  /**
   * Rows added to the hidden states of some tokens after the first layers (Qwen3-VL's DeepStack).
   *
   * @param places int64 [K], the tokens
   * @param planes [K, hidden] each; plane i is added after layer i
   */
  public record Additions(Tensor places, List<Tensor> planes) {
    /** Copies the list. */
    public Additions {
      planes = List.copyOf(planes);
    }
  }

  private record Layer(
      int index,
      boolean local,
      RmsNorm inputNorm,
      Linear q,
      Linear k,
      Linear v,
      Linear o,
      @Nullable RmsNorm qNorm,
      @Nullable RmsNorm kNorm,
      @Nullable RmsNorm attentionOutputNorm,
      RmsNorm feedForwardNorm,
      Linear gate,
      Linear up,
      Linear down,
      @Nullable RmsNorm feedForwardOutputNorm) {}

  private final DecoderConfig config;
  private final double embeddingScale;
  private final Param embedding;
  private final Param head;
  private final RmsNorm finalNorm;
  private final List<Layer> layers = new ArrayList<>();
  private final RotaryEmbedding globalRope;
  private final RotaryEmbedding localRope;
  private final ScalarType compute;
  private final boolean cuda;

  /**
   * The decoder of a checkpoint; tensor names below {@code prefix} are those all families share.
   *
   * @param head what turns the last hidden states into logits
   * @param embeddingScale factor of the embeddings, rounded to the stored type; 1 for none
   */
  public Decoder(
      Weights weights, String prefix, DecoderConfig c, OutputHead head, double embeddingScale) {
    this.config = c;
    this.embeddingScale = embeddingScale;
    this.compute = weights.compute();
    this.cuda = weights.cuda();
    int h = c.hiddenSize();
    embedding = weights.param(prefix + EMBEDDING, c.vocabSize(), h);
    String own = weights.head(head, prefix + EMBEDDING);
    this.head = own == null ? embedding : weights.param(own, c.vocabSize(), h);
    finalNorm = norm(weights, prefix + "norm", h);
    for (int i = 0; i < c.layers(); i++) {
      layers.add(layer(weights, prefix + "layers." + i + ".", i));
    }
    globalRope = new RotaryEmbedding(c.globalRope(), c.headDim());
    localRope = new RotaryEmbedding(c.localRope(), c.headDim());
  }

  private Layer layer(Weights w, String p, int index) {
    int h = config.hiddenSize();
    int q = config.heads() * config.headDim();
    int kv = config.kvHeads() * config.headDim();
    boolean bias = config.inputBias();
    // Gemma calls the norm after attention what the others call the one before the feed-forward.
    String beforeFeedForward =
        config.outputNorms() ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    return new Layer(
        index,
        config.local().get(index),
        norm(w, p + "input_layernorm", h),
        Linear.load(w, p + "self_attn.q_proj", q, h, bias),
        Linear.load(w, p + "self_attn.k_proj", kv, h, bias),
        Linear.load(w, p + "self_attn.v_proj", kv, h, bias),
        Linear.load(w, p + "self_attn.o_proj", h, q, config.outputBias()),
        config.queryKeyNorm() ? norm(w, p + "self_attn.q_norm", config.headDim()) : null,
        config.queryKeyNorm() ? norm(w, p + "self_attn.k_norm", config.headDim()) : null,
        config.outputNorms() ? norm(w, p + "post_attention_layernorm", h) : null,
        norm(w, p + beforeFeedForward, h),
        Linear.load(w, p + "mlp.gate_proj", config.intermediateSize(), h, false),
        Linear.load(w, p + "mlp.up_proj", config.intermediateSize(), h, false),
        Linear.load(w, p + "mlp.down_proj", h, config.intermediateSize(), false),
        config.outputNorms() ? norm(w, p + "post_feedforward_layernorm", h) : null);
  }

  private RmsNorm norm(Weights w, String name, int size) {
    return RmsNorm.load(w, name, size, config.rmsNormEps(), config.unitOffset());
  }

  /** Scaled embeddings of ids, [L, hidden]; an id beyond the vocabulary gives token 0's. */
  public Tensor embed(int[] ids) {
    return TorchScope.run(
        () -> {
          long[] rows = new long[ids.length];
          for (int i = 0; i < ids.length; i++) {
            rows[i] = ids[i] < config.vocabSize() ? ids[i] : 0;
          }
          Tensor table = embedding.stored();
          Tensor chosen = table.index_select(0, Ops.vector(rows, table)).to(compute);
          return embeddingScale == 1 ? chosen : chosen.mul(new Scalar(embeddingScale));
        });
  }

  /**
   * Runs a prompt and fills an empty cache.
   *
   * @param embeddings [L, hidden]
   * @param positions [axes][L] rotary positions; one axis stands for all
   * @param additions what is added to the hidden states on the way, or null
   * @return [L, hidden] before the final norm
   */
  public Tensor prefill(
      Tensor embeddings,
      long[][] positions,
      PromptAttention attention,
      KvCache cache,
      @Nullable Additions additions) {
    return TorchScope.run(
        () -> {
          RotaryEmbedding.Table global = globalRope.table(positions, embeddings);
          RotaryEmbedding.Table local = localRope.table(positions, embeddings);
          Tensor x = embeddings;
          for (Layer layer : layers) {
            Tensor input = x;
            x =
                TorchScope.run(
                    () -> {
                      Tensor attended =
                          TorchScope.run(
                              () ->
                                  attendPrompt(
                                      layer,
                                      input,
                                      layer.local() ? local : global,
                                      attention,
                                      cache));
                      return added(feedForward(layer, attended), layer.index(), additions);
                    });
            // The input is dead now; waiting for the caller's scope would hold every layer's.
            if (input != embeddings) {
              input.close();
            }
          }
          return x;
        });
  }

  private static Tensor added(Tensor x, int layer, @Nullable Additions additions) {
    return additions == null || layer >= additions.planes().size()
        ? x
        : x.index_add(0, additions.places(), additions.planes().get(layer).to(x.scalar_type()));
  }

  private Tensor attendPrompt(
      Layer layer, Tensor x, RotaryEmbedding.Table rope, PromptAttention attention, KvCache cache) {
    Tensor normed = layer.inputNorm().apply(x);
    Tensor q = rotated(layer.q(), layer.qNorm(), config.heads(), normed, rope);
    Tensor k = rotated(layer.k(), layer.kNorm(), config.kvHeads(), normed, rope);
    Tensor v = heads(layer.v().apply(normed), config.kvHeads());
    cache.fill(layer.index(), k, v);
    int window = layer.local() ? config.slidingWindow() : Integer.MAX_VALUE;
    Tensor attended = attention.attend(q, k, v, window, config.attentionScale());
    return afterAttention(layer, x, attended);
  }

  private Tensor rotated(
      Linear projection, @Nullable RmsNorm norm, int heads, Tensor x, RotaryEmbedding.Table rope) {
    return TorchScope.run(
        () -> {
          Tensor split = projection.apply(x).view(x.size(0), heads, config.headDim());
          Tensor normed = norm == null ? split : norm.apply(split);
          return RotaryEmbedding.apply(normed.transpose(0, 1).contiguous(), rope);
        });
  }

  /** [L, heads * d] as [heads, L, d]. */
  private Tensor heads(Tensor x, int heads) {
    return x.view(x.size(0), heads, config.headDim()).transpose(0, 1).contiguous();
  }

  private Tensor afterAttention(Layer layer, Tensor x, Tensor attended) {
    long length = x.size(0);
    Tensor merged =
        attended.transpose(0, 1).reshape(length, (long) config.heads() * config.headDim());
    Tensor out = layer.o().apply(merged);
    RmsNorm norm = layer.attentionOutputNorm();
    return x.add(norm == null ? out : norm.apply(out));
  }

  private Tensor feedForward(Layer layer, Tensor x) {
    long length = x.size(0);
    long rows = Math.max(64, MAX_MLP_BYTES / ((long) config.intermediateSize() * elementBytes()));
    if (length <= rows) {
      return TorchScope.run(() -> feedForwardRows(layer, x));
    }
    List<Tensor> parts = new ArrayList<>();
    for (long from = 0; from < length; from += rows) {
      Tensor part = x.narrow(0, from, Math.min(rows, length - from));
      parts.add(TorchScope.run(() -> feedForwardRows(layer, part)));
    }
    return torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), 0);
  }

  private Tensor feedForwardRows(Layer layer, Tensor x) {
    Tensor normed = layer.feedForwardNorm().apply(x);
    Tensor hidden =
        config.activation().apply(layer.gate().apply(normed)).mul(layer.up().apply(normed));
    Tensor out = layer.down().apply(hidden);
    RmsNorm norm = layer.feedForwardOutputNorm();
    return x.add(norm == null ? out : norm.apply(out));
  }

  /**
   * Runs one token after those in the cache.
   *
   * @param position its rotary position, on every axis
   * @return [1, hidden] before the final norm
   */
  public Tensor step(int id, long position, KvCache cache) {
    return continued(new int[] {id}, position, cache, this::attendStep);
  }

  /**
   * Runs several tokens of text after those in the cache.
   *
   * @param position rotary position of the first, on every axis; each further one is one more
   * @return [n, hidden] before the final norm
   */
  public Tensor extend(int[] ids, long position, KvCache cache) {
    return continued(ids, position, cache, this::attendExtension);
  }

  @FunctionalInterface
  private interface CachedAttention {
    Tensor attend(Layer layer, Tensor x, RotaryEmbedding.Table rope, KvCache cache);
  }

  private Tensor continued(int[] ids, long position, KvCache cache, CachedAttention attention) {
    return TorchScope.run(
        () -> {
          Tensor x = embed(ids);
          long[][] positions = new long[1][ids.length];
          Arrays.setAll(positions[0], i -> position + i);
          RotaryEmbedding.Table global = globalRope.table(positions, x);
          RotaryEmbedding.Table local = localRope.table(positions, x);
          for (Layer layer : layers) {
            Tensor input = x;
            RotaryEmbedding.Table rope = layer.local() ? local : global;
            x =
                TorchScope.run(
                    () ->
                        feedForward(
                            layer,
                            TorchScope.run(() -> attention.attend(layer, input, rope, cache))));
          }
          return x;
        });
  }

  private Tensor attendStep(Layer layer, Tensor x, RotaryEmbedding.Table rope, KvCache cache) {
    Tensor normed = layer.inputNorm().apply(x);
    Tensor q = rotated(layer.q(), layer.qNorm(), config.heads(), normed, rope);
    Tensor k = rotated(layer.k(), layer.kNorm(), config.kvHeads(), normed, rope);
    Tensor v = heads(layer.v().apply(normed), config.kvHeads());
    KvCache.View seen = cache.append(layer.index(), k, v);
    // One query per head: the heads that share keys become its rows.
    Tensor rows = q.view(config.kvHeads(), config.heads() / config.kvHeads(), config.headDim());
    Tensor attended =
        Ops.attention(
                rows.unsqueeze(0),
                seen.keys().unsqueeze(0),
                seen.values().unsqueeze(0),
                null,
                false,
                config.attentionScale())
            .reshape(config.heads(), 1, config.headDim());
    return afterAttention(layer, x, attended);
  }

  private Tensor attendExtension(Layer layer, Tensor x, RotaryEmbedding.Table rope, KvCache cache) {
    Tensor normed = layer.inputNorm().apply(x);
    Tensor q = rotated(layer.q(), layer.qNorm(), config.heads(), normed, rope);
    Tensor k = rotated(layer.k(), layer.kNorm(), config.kvHeads(), normed, rope);
    Tensor v = heads(layer.v().apply(normed), config.kvHeads());
    long first = cache.length(layer.index());
    KvCache.Extension seen = cache.extend(layer.index(), k, v);
    int window = layer.local() ? config.slidingWindow() : Integer.MAX_VALUE;
    Tensor mask = PromptAttention.continuation(first, q.size(1), seen.index(), window, q);
    Tensor attended =
        PromptAttention.grouped(
            q, seen.keys(), seen.values(), mask, false, config.attentionScale());
    return afterAttention(layer, x, attended);
  }

  /** Logits [L, vocabulary] in F32 of hidden states before the final norm. */
  public Tensor logits(Tensor hidden) {
    return TorchScope.run(
        () -> {
          Tensor normed = finalNorm.apply(hidden);
          return head.linear(normed, null).to(ScalarType.Float);
        });
  }

  /** Whether the model lies on CUDA. */
  public boolean cuda() {
    return cuda;
  }

  /** The type the model computes in. */
  public ScalarType compute() {
    return compute;
  }

  /** Name of the type the model computes in: "F32" or "BF16". */
  public String computeName() {
    return compute == ScalarType.Float ? "F32" : "BF16";
  }

  /** Bytes of a value in the type the model computes in. */
  public int elementBytes() {
    return compute == ScalarType.Float ? Float.BYTES : Short.BYTES;
  }

  /** The configuration. */
  public DecoderConfig config() {
    return config;
  }
}
