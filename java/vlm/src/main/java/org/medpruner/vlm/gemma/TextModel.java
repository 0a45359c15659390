package org.medpruner.vlm.gemma;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.checkpoint.TextConfig;
import org.medpruner.vlm.nn.KvCache;
import org.medpruner.vlm.nn.Linear;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.PromptAttention;
import org.medpruner.vlm.nn.RotaryEmbedding;
import org.medpruner.vlm.nn.Weights;

/** Gemma 3's text model: four norms a layer, q and k norms, local and global rotary layers. */
final class TextModel {
  /** Bytes of one feed-forward intermediate before the rows of a prompt are taken in parts. */
  private static final long MAX_MLP_BYTES = 128L << 20;

  /** Bytes of a converted part of the output head, when every use converts it. */
  private static final long MAX_HEAD_BYTES = 256L << 20;

  private record Layer(
      int index,
      boolean local,
      Param inputNorm,
      Linear q,
      Linear k,
      Linear v,
      Linear o,
      Param qNorm,
      Param kNorm,
      Param postAttentionNorm,
      Param preFeedForwardNorm,
      Param gate,
      Param up,
      Param down,
      Param postFeedForwardNorm) {}

  private final TextConfig config;
  private final double embeddingScale;
  private final Param embedding;
  private final Param head;
  private final Param finalNorm;
  private final List<Layer> layers = new ArrayList<>();
  private final RotaryEmbedding globalRope;
  private final RotaryEmbedding localRope;
  private final ScalarType compute;
  private final boolean cuda;

  /**
   * The text model of a checkpoint.
   *
   * @param head name of the output head's weight, or null when it is the embedding
   * @param embeddingScale factor of the embeddings, rounded to the stored type
   */
  TextModel(
      Weights weights, String prefix, TextConfig c, @Nullable String head, double embeddingScale) {
    this.config = c;
    this.embeddingScale = embeddingScale;
    this.compute = weights.compute();
    this.cuda = weights.cuda();
    int h = c.hiddenSize();
    embedding = weights.param(prefix + "embed_tokens.weight", c.vocabSize(), h);
    this.head = head == null ? embedding : weights.param(head, c.vocabSize(), h);
    finalNorm = weights.normFactor(prefix + "norm.weight", h);
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
    return new Layer(
        index,
        config.local().get(index),
        w.normFactor(p + "input_layernorm.weight", h),
        Linear.load(w, p + "self_attn.q_proj", q, h, config.attentionBias()),
        Linear.load(w, p + "self_attn.k_proj", kv, h, config.attentionBias()),
        Linear.load(w, p + "self_attn.v_proj", kv, h, config.attentionBias()),
        Linear.load(w, p + "self_attn.o_proj", h, q, config.attentionBias()),
        w.normFactor(p + "self_attn.q_norm.weight", config.headDim()),
        w.normFactor(p + "self_attn.k_norm.weight", config.headDim()),
        w.normFactor(p + "post_attention_layernorm.weight", h),
        w.normFactor(p + "pre_feedforward_layernorm.weight", h),
        w.param(p + "mlp.gate_proj.weight", config.intermediateSize(), h),
        w.param(p + "mlp.up_proj.weight", config.intermediateSize(), h),
        w.param(p + "mlp.down_proj.weight", h, config.intermediateSize()),
        w.normFactor(p + "post_feedforward_layernorm.weight", h));
  }

  /** Scaled embeddings of ids, [L, hidden]; an id beyond the vocabulary gives token 0's. */
  Tensor embed(int[] ids) {
    return TorchScope.run(
        () -> {
          long[] rows = new long[ids.length];
          for (int i = 0; i < ids.length; i++) {
            rows[i] = ids[i] < config.vocabSize() ? ids[i] : 0;
          }
          Tensor table = embedding.stored();
          return table
              .index_select(0, Ops.vector(rows, table))
              .to(compute)
              .mul(new Scalar(embeddingScale));
        });
  }

  /**
   * Runs a prompt and fills an empty cache.
   *
   * @param embeddings [L, hidden]; closed on the way
   * @param positions L rotary positions
   * @return [L, hidden] before the final norm
   */
  Tensor prefill(Tensor embeddings, long[] positions, PromptAttention attention, KvCache cache) {
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
                      return feedForward(layer, attended);
                    });
            if (input != embeddings) {
              input.close();
            }
          }
          return x;
        });
  }

  private Tensor attendPrompt(
      Layer layer, Tensor x, RotaryEmbedding.Table rope, PromptAttention attention, KvCache cache) {
    Tensor normed = Ops.rmsNorm(x, layer.inputNorm(), config.rmsNormEps());
    Tensor q = rotated(layer.q(), layer.qNorm(), config.heads(), normed, rope);
    Tensor k = rotated(layer.k(), layer.kNorm(), config.kvHeads(), normed, rope);
    Tensor v = heads(layer.v().apply(normed), config.kvHeads());
    cache.fill(layer.index(), k, v);
    int window = layer.local() ? config.slidingWindow() : Integer.MAX_VALUE;
    Tensor attended = attention.attend(q, k, v, window, config.attentionScale());
    return afterAttention(layer, x, attended);
  }

  private Tensor rotated(
      Linear projection, Param norm, int heads, Tensor x, RotaryEmbedding.Table rope) {
    return TorchScope.run(
        () -> {
          Tensor split = projection.apply(x).view(x.size(0), heads, config.headDim());
          Tensor normed = Ops.rmsNorm(split, norm, config.rmsNormEps());
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
    return x.add(
        Ops.rmsNorm(layer.o().apply(merged), layer.postAttentionNorm(), config.rmsNormEps()));
  }

  private Tensor feedForward(Layer layer, Tensor x) {
    Tensor gate = layer.gate().value();
    Tensor up = layer.up().value();
    Tensor down = layer.down().value();
    long length = x.size(0);
    long rows = Math.max(64, MAX_MLP_BYTES / ((long) config.intermediateSize() * Float.BYTES));
    if (length <= rows) {
      return TorchScope.run(() -> feedForward(layer, x, gate, up, down));
    }
    List<Tensor> parts = new ArrayList<>();
    for (long from = 0; from < length; from += rows) {
      Tensor part = x.narrow(0, from, Math.min(rows, length - from));
      parts.add(TorchScope.run(() -> feedForward(layer, part, gate, up, down)));
    }
    return torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), 0);
  }

  private Tensor feedForward(Layer layer, Tensor x, Tensor gate, Tensor up, Tensor down) {
    Tensor normed = Ops.rmsNorm(x, layer.preFeedForwardNorm(), config.rmsNormEps());
    Tensor hidden =
        torch.gelu(torch.linear(normed, gate), config.gelu()).mul(torch.linear(normed, up));
    return x.add(
        Ops.rmsNorm(torch.linear(hidden, down), layer.postFeedForwardNorm(), config.rmsNormEps()));
  }

  /**
   * Runs one token after those in the cache.
   *
   * @param position its rotary position
   * @return [1, hidden] before the final norm
   */
  Tensor step(int id, long position, KvCache cache) {
    return TorchScope.run(
        () -> {
          Tensor x = embed(new int[] {id});
          long[] positions = {position};
          RotaryEmbedding.Table global = globalRope.table(positions, x);
          RotaryEmbedding.Table local = localRope.table(positions, x);
          for (Layer layer : layers) {
            Tensor input = x;
            x =
                TorchScope.run(
                    () -> {
                      Tensor attended =
                          TorchScope.run(
                              () ->
                                  attendStep(layer, input, layer.local() ? local : global, cache));
                      return feedForward(layer, attended);
                    });
          }
          return x;
        });
  }

  private Tensor attendStep(Layer layer, Tensor x, RotaryEmbedding.Table rope, KvCache cache) {
    Tensor normed = Ops.rmsNorm(x, layer.inputNorm(), config.rmsNormEps());
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

  /** Logits [L, vocabulary] in F32 of hidden states before the final norm. */
  Tensor logits(Tensor hidden) {
    return TorchScope.run(
        () -> {
          Tensor normed = Ops.rmsNorm(hidden, finalNorm, config.rmsNormEps());
          if (!head.converts()) {
            return torch.linear(normed, head.stored()).to(ScalarType.Float);
          }
          // A converted copy of the whole head (2.7 GB for MedGemma) would be made for every token.
          long rows = Math.max(1, MAX_HEAD_BYTES / ((long) config.hiddenSize() * Float.BYTES));
          List<Tensor> parts = new ArrayList<>();
          for (long from = 0; from < config.vocabSize(); from += rows) {
            Tensor part = head.stored().narrow(0, from, Math.min(rows, config.vocabSize() - from));
            parts.add(TorchScope.run(() -> torch.linear(normed, part.to(compute))));
          }
          return torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), 1).to(ScalarType.Float);
        });
  }

  /** Whether the model lies on CUDA. */
  boolean cuda() {
    return cuda;
  }

  /** The type the model computes in. */
  ScalarType compute() {
    return compute;
  }

  /** The configuration. */
  TextConfig config() {
    return config;
  }
}
