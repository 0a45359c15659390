package org.medpruner.vlm.nn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * The layers of a SigLIP-like vision encoder: pre-norm attention among the patches of one picture,
 * a feed-forward part, and a layer norm at the end. How patches are embedded and where they lie is
 * the family's business.
 */
public final class EncoderStack {
  /**
   * What the layers compute for B pictures of T patches; temporaries of the caller's scope.
   *
   * @param hidden [B, T, hidden], after the final norm
   * @param query [B, T, heads, headDim] of the last layer, after rotation where there is one
   * @param key as query
   */
  public record Output(Tensor hidden, Tensor query, Tensor key) {}

  /** A layer's weights. */
  record Layer(
      LayerNorm norm1,
      Linear q,
      Linear k,
      Linear v,
      Linear out,
      LayerNorm norm2,
      Linear fc1,
      Linear fc2) {}

  private final EncoderConfig config;
  private final List<Layer> layers;
  private final LayerNorm postNorm;

  /**
   * The layers {@code prefix + "encoder.layers.N"} and the norm {@code prefix + "post_layernorm"}.
   */
  public EncoderStack(Weights weights, String prefix, EncoderConfig c) {
    this(
        c,
        layers(weights, prefix, c),
        LayerNorm.load(weights, prefix + "post_layernorm", c.hiddenSize(), c.layerNormEps()));
  }

  EncoderStack(EncoderConfig config, List<Layer> layers, LayerNorm postNorm) {
    this.config = config;
    this.layers = layers;
    this.postNorm = postNorm;
  }

  private static List<Layer> layers(Weights weights, String prefix, EncoderConfig c) {
    int h = c.hiddenSize();
    List<Layer> layers = new ArrayList<>();
    for (int i = 0; i < c.layers(); i++) {
      String p = prefix + "encoder.layers." + i + ".";
      layers.add(
          new Layer(
              LayerNorm.load(weights, p + "layer_norm1", h, c.layerNormEps()),
              Linear.load(weights, p + "self_attn.q_proj", h, h, true),
              Linear.load(weights, p + "self_attn.k_proj", h, h, true),
              Linear.load(weights, p + "self_attn.v_proj", h, h, true),
              Linear.load(weights, p + "self_attn.out_proj", h, h, true),
              LayerNorm.load(weights, p + "layer_norm2", h, c.layerNormEps()),
              Linear.load(weights, p + "mlp.fc1", c.intermediateSize(), h, true),
              Linear.load(weights, p + "mlp.fc2", h, c.intermediateSize(), true)));
    }
    return layers;
  }

  /**
   * Runs all layers.
   *
   * @param embedded [B, T, hidden]; closed on the way
   * @param rotary of the patches, as {@link VisionRotary#table} makes it; null for none
   */
  public Output encode(Tensor embedded, RotaryEmbedding.@Nullable Table rotary) {
    Tensor x = embedded;
    for (int i = 0; i < layers.size() - 1; i++) {
      Layer layer = layers.get(i);
      Tensor input = x;
      x = TorchScope.run(() -> forward(layer, input, rotary, null));
      // The input is dead now; waiting for the caller's scope would hold every layer's.
      input.close();
    }
    Tensor input = x;
    try (QueryAndKey last = new QueryAndKey()) {
      Tensor hidden =
          TorchScope.run(() -> postNorm.apply(forward(layers.getLast(), input, rotary, last)));
      input.close();
      return new Output(hidden, last.query(), last.key());
    }
  }

  /**
   * One layer.
   *
   * @param queryAndKey receives the layer's q and k [B, T, heads, headDim]; or null
   */
  private Tensor forward(
      Layer layer,
      Tensor x,
      RotaryEmbedding.@Nullable Table rotary,
      @Nullable QueryAndKey queryAndKey) {
    long batch = x.size(0);
    long patches = x.size(1);
    Tensor normed = layer.norm1.apply(x);
    Tensor q = rotated(heads(layer.q.apply(normed)), rotary);
    Tensor k = rotated(heads(layer.k.apply(normed)), rotary);
    Tensor v = heads(layer.v.apply(normed));
    Tensor attended =
        Ops.attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            null,
            false,
            1 / Math.sqrt(config.headDim()));
    Tensor y =
        x.add(
            layer.out.apply(attended.transpose(1, 2).reshape(batch, patches, config.hiddenSize())));
    if (queryAndKey != null) {
      queryAndKey.take(q, k);
    }
    Tensor hidden = config.activation().apply(layer.fc1.apply(layer.norm2.apply(y)));
    return y.add(layer.fc2.apply(hidden));
  }

  private Tensor heads(Tensor x) {
    return x.view(x.size(0), x.size(1), config.heads(), config.headDim());
  }

  private static Tensor rotated(Tensor x, RotaryEmbedding.@Nullable Table rotary) {
    return rotary == null ? x : VisionRotary.apply(x, rotary);
  }
}
