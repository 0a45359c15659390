package org.medpruner.bench.model;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.vlm.checkpoint.SafetensorsWriter.Tensor;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.gemma.GemmaConfig;
import org.medpruner.vlm.gemma.SiglipConfig;
import org.medpruner.vlm.nn.DecoderConfig;
import org.medpruner.vlm.nn.OutputHead;

/** Names and shapes of a Gemma 3 checkpoint's tensors, as its files on the Hub have them. */
final class GemmaTensors {
  private static final String TEXT = "language_model.model.";
  private static final String VISION = "vision_tower.vision_model.";
  private static final String PROJECTOR = "multi_modal_projector.";

  private final StorageType type;
  private final List<Tensor> tensors = new ArrayList<>();

  private GemmaTensors(StorageType type) {
    this.type = type;
  }

  /** All tensors that a configuration asks for. */
  static List<Tensor> of(GemmaConfig config, StorageType type) {
    GemmaTensors t = new GemmaTensors(type);
    t.text(config);
    int vision = config.vision().hiddenSize();
    t.add(PROJECTOR + "mm_input_projection_weight", vision, config.text().hiddenSize());
    t.add(PROJECTOR + "mm_soft_emb_norm.weight", vision);
    t.vision(config.vision());
    return t.tensors;
  }

  private void text(GemmaConfig config) {
    DecoderConfig c = config.text();
    int h = c.hiddenSize();
    add(TEXT + "embed_tokens.weight", c.vocabSize(), h);
    if (config.head() == OutputHead.OWN) {
      add("language_model.lm_head.weight", c.vocabSize(), h);
    }
    for (int i = 0; i < c.layers(); i++) {
      String p = TEXT + "layers." + i + ".";
      int q = c.heads() * c.headDim();
      int kv = c.kvHeads() * c.headDim();
      add(p + "input_layernorm.weight", h);
      linear(p + "mlp.down_proj", h, c.intermediateSize(), false);
      linear(p + "mlp.gate_proj", c.intermediateSize(), h, false);
      linear(p + "mlp.up_proj", c.intermediateSize(), h, false);
      add(p + "post_attention_layernorm.weight", h);
      add(p + "post_feedforward_layernorm.weight", h);
      add(p + "pre_feedforward_layernorm.weight", h);
      add(p + "self_attn.k_norm.weight", c.headDim());
      linear(p + "self_attn.k_proj", kv, h, c.inputBias());
      linear(p + "self_attn.o_proj", h, q, c.outputBias());
      add(p + "self_attn.q_norm.weight", c.headDim());
      linear(p + "self_attn.q_proj", q, h, c.inputBias());
      linear(p + "self_attn.v_proj", kv, h, c.inputBias());
    }
    add(TEXT + "norm.weight", h);
  }

  private void vision(SiglipConfig c) {
    int h = c.hiddenSize();
    int side = c.patchSize();
    add(VISION + "embeddings.patch_embedding.bias", h);
    add(VISION + "embeddings.patch_embedding.weight", h, c.channels(), side, side);
    add(VISION + "embeddings.position_embedding.weight", c.patches(), h);
    for (int i = 0; i < c.layers(); i++) {
      String p = VISION + "encoder.layers." + i + ".";
      layerNorm(p + "layer_norm1", h);
      layerNorm(p + "layer_norm2", h);
      linear(p + "mlp.fc1", c.intermediateSize(), h, true);
      linear(p + "mlp.fc2", h, c.intermediateSize(), true);
      for (String projection : List.of("k_proj", "out_proj", "q_proj", "v_proj")) {
        linear(p + "self_attn." + projection, h, h, true);
      }
    }
    layerNorm(VISION + "post_layernorm", h);
  }

  private void linear(String name, long out, long in, boolean bias) {
    if (bias) {
      add(name + ".bias", out);
    }
    add(name + ".weight", out, in);
  }

  private void layerNorm(String name, long size) {
    add(name + ".bias", size);
    add(name + ".weight", size);
  }

  private void add(String name, long... shape) {
    tensors.add(new Tensor(name, type, shape));
  }
}
