package org.medpruner.vlm.gemma;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.LayerNorm;
import org.medpruner.vlm.nn.Linear;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.Weights;

/**
 * SigLIP's vision tower: patch embedding with learned positions, pre-norm encoder layers, a final
 * layer norm. Patches are in raster order.
 */
final class SiglipTower {
  /**
   * What the tower computes for B pictures of T patches.
   *
   * @param hidden [B, T, hidden], after the final norm
   * @param query [B, T, heads, headDim] of the last layer
   * @param key [B, T, heads, headDim] of the last layer
   */
  record Output(Tensor hidden, Tensor query, Tensor key) {}

  private record Layer(
      LayerNorm norm1,
      Linear q,
      Linear k,
      Linear v,
      Linear out,
      LayerNorm norm2,
      Linear fc1,
      Linear fc2) {}

  private final SiglipConfig config;
  private final Param patchWeight;
  private final Param patchBias;
  private final Param positions;
  private final List<Layer> layers = new ArrayList<>();
  private final LayerNorm postNorm;

  SiglipTower(Weights weights, String prefix, SiglipConfig c) {
    config = c;
    int h = c.hiddenSize();
    String embeddings = prefix + "embeddings.";
    patchWeight =
        weights.param(
            embeddings + "patch_embedding.weight", h, c.channels(), c.patchSize(), c.patchSize());
    patchBias = weights.param(embeddings + "patch_embedding.bias", h);
    positions = weights.param(embeddings + "position_embedding.weight", c.patches(), h);
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
    postNorm = LayerNorm.load(weights, prefix + "post_layernorm", h, c.layerNormEps());
  }

  /**
   * Bytes of activations per picture at the widest point, for sizing batches: in a layer the input,
   * the norm, q, k, v and the attention output (6 x hidden) or the feed-forward part (2 x
   * intermediate + 2 x hidden) live at once, and the pixels beside them.
   */
  static long activationBytes(SiglipConfig c, int elementBytes) {
    long wide = Math.max(6L * c.hiddenSize(), 2L * c.hiddenSize() + 2L * c.intermediateSize());
    long pixels = (long) c.channels() * c.imageSize() * c.imageSize();
    return elementBytes * (c.patches() * (wide + 2L * c.hiddenSize()) + 2 * pixels);
  }

  /**
   * Encodes pictures.
   *
   * @param pixels normalised, [B, 3, imageSize, imageSize], in the compute type
   * @return temporaries of the caller's scope
   */
  Output encode(Tensor pixels) {
    Tensor x = TorchScope.run(() -> embed(pixels));
    for (int i = 0; i < layers.size() - 1; i++) {
      Layer layer = layers.get(i);
      Tensor input = x;
      x = TorchScope.run(() -> forward(layer, input, null));
      // The input is dead now; waiting for the caller's scope would hold every layer's.
      input.close();
    }
    Layer last = layers.getLast();
    Tensor[] queryAndKey = new Tensor[2];
    Tensor input = x;
    Tensor hidden =
        TorchScope.run(
            () -> {
              Tensor y = forward(last, input, queryAndKey);
              return postNorm.apply(y);
            });
    return new Output(hidden, TorchScope.attach(queryAndKey[0]), TorchScope.attach(queryAndKey[1]));
  }

  private Tensor embed(Tensor pixels) {
    return Ops.patches(pixels, patchWeight.value(), patchBias.value(), config.patchSize())
        .add(positions.value());
  }

  /**
   * One encoder layer.
   *
   * @param queryAndKey receives the layer's q and k [B, T, heads, headDim], detached from all
   *     scopes; or null
   */
  private Tensor forward(Layer layer, Tensor x, Tensor @Nullable [] queryAndKey) {
    long batch = x.size(0);
    long patches = x.size(1);
    long heads = config.heads();
    long dim = config.headDim();
    Tensor normed = layer.norm1.apply(x);
    Tensor q = layer.q.apply(normed).view(batch, patches, heads, dim);
    Tensor k = layer.k.apply(normed).view(batch, patches, heads, dim);
    Tensor v = layer.v.apply(normed).view(batch, patches, heads, dim);
    Tensor attended =
        Ops.attention(
            q.transpose(1, 2),
            k.transpose(1, 2),
            v.transpose(1, 2),
            null,
            false,
            1 / Math.sqrt(dim));
    Tensor y =
        x.add(
            layer.out.apply(attended.transpose(1, 2).reshape(batch, patches, config.hiddenSize())));
    if (queryAndKey != null) {
      queryAndKey[0] = TorchScope.detach(q);
      queryAndKey[1] = TorchScope.detach(k);
    }
    Tensor hidden = config.gelu().apply(layer.fc1.apply(layer.norm2.apply(y)));
    return y.add(layer.fc2.apply(hidden));
  }
}
