package org.medpruner.vlm.hulu;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.medpruner.vlm.fixtures.ByteTokenizer;
import org.medpruner.vlm.fixtures.RandomWeights;

/** Complete Hulu-Med checkpoints of 0.04 M random weights; none of their numbers is a default. */
final class TinyHulu {
  static final List<String> SPECIAL =
      List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>");

  static final int IM_END = 258;
  static final int IMAGE = 259;
  static final int THINK = 260;
  static final int END_OF_THINK = 261;

  private static final int HIDDEN = 32;
  private static final int VISION = 40;

  private static final String CONFIG =
      """
      {"architectures": ["HulumedQwen2ForCausalLM"], "model_type": "hulumed_qwen2",
       "vocab_size": 270, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
       "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 1024,
       "rms_norm_eps": 1e-5, "rope_theta": 1000000.0, "image_token_index": -1,
       "mm_projector_type": "mlp2x_gelu", "eos_token_id": 256,
       "vision_encoder_config": {"hidden_size": 40, "intermediate_size": 56,
         "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 14,
         "layer_norm_eps": 1e-5}}
      """;

  /** The allowance is small enough to be felt by a dozen slices. */
  private static final String PREPROCESSOR =
      """
      {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5], "max_tokens": 200}
      """;

  private TinyHulu() {}

  /** A checkpoint with a Qwen2 decoder. */
  static Path write(Path folder) throws IOException {
    return write(folder, UnaryOperator.identity(), UnaryOperator.identity());
  }

  /** The same with the configuration changed and weights under other names, or left out. */
  static Path write(Path folder, UnaryOperator<String> config, UnaryOperator<String> names)
      throws IOException {
    return write(folder, config.apply(CONFIG), names, false);
  }

  /** A checkpoint with a Qwen3 decoder, whose heads are wider than hidden / heads. */
  static Path writeQwen3(Path folder) throws IOException {
    String config =
        CONFIG
            .replace("HulumedQwen2ForCausalLM", HuluConfig.QWEN3)
            .replace("hulumed_qwen2", "hulumed_qwen3")
            .replace(
                "\"num_hidden_layers\": 2,\n \"num_att",
                "\"head_dim\": 16, \"num_hidden_layers\": 2,\n \"num_att");
    return write(folder, config, UnaryOperator.identity(), true);
  }

  private static Path write(Path folder, String config, UnaryOperator<String> names, boolean qwen3)
      throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config);
    Files.writeString(folder.resolve("preprocessor_config.json"), PREPROCESSOR);
    Files.writeString(
        folder.resolve("generation_config.json"),
        "{\"eos_token_id\": [256, 258], \"max_new_tokens\": 8}");
    ByteTokenizer.write(folder, SPECIAL, List.of("<think>", "</think>"));
    RandomWeights w = new RandomWeights(11);
    text(w, qwen3);
    vision(w);
    w.write(folder, names);
    return folder;
  }

  private static void text(RandomWeights w, boolean qwen3) {
    int head = qwen3 ? 16 : 8;
    w.normal("model.embed_tokens.weight", 1, 270, HIDDEN);
    w.linear("lm_head", 270, HIDDEN, false);
    w.norm("model.norm", HIDDEN, false);
    for (int i = 0; i < 2; i++) {
      String p = "model.layers." + i + ".";
      w.norm(p + "input_layernorm", HIDDEN, false);
      w.norm(p + "post_attention_layernorm", HIDDEN, false);
      w.linear(p + "mlp.gate_proj", 48, HIDDEN, false);
      w.linear(p + "mlp.up_proj", 48, HIDDEN, false);
      w.linear(p + "mlp.down_proj", HIDDEN, 48, false);
      w.linear(p + "self_attn.q_proj", 4L * head, HIDDEN, !qwen3);
      w.linear(p + "self_attn.k_proj", 2L * head, HIDDEN, !qwen3);
      w.linear(p + "self_attn.v_proj", 2L * head, HIDDEN, !qwen3);
      w.linear(p + "self_attn.o_proj", HIDDEN, 4L * head, false);
      if (qwen3) {
        w.norm(p + "self_attn.q_norm", head, false);
        w.norm(p + "self_attn.k_norm", head, false);
      }
    }
  }

  private static void vision(RandomWeights w) {
    w.linear("model.mm_projector.readout.0", HIDDEN, VISION, true);
    w.linear("model.mm_projector.readout.2", HIDDEN, HIDDEN, true);
    String v = "model.vision_encoder.";
    w.normal(v + "embeddings.patch_embedding.weight", 0.05, VISION, 3, 14, 14);
    w.normal(v + "embeddings.patch_embedding.bias", 0.1, VISION);
    w.norm(v + "post_layernorm", VISION, true);
    for (int i = 0; i < 2; i++) {
      String p = v + "encoder.layers." + i + ".";
      w.norm(p + "layer_norm1", VISION, true);
      w.norm(p + "layer_norm2", VISION, true);
      for (String name : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
        w.linear(p + "self_attn." + name, VISION, VISION, true);
      }
      w.linear(p + "mlp.fc1", 56, VISION, true);
      w.linear(p + "mlp.fc2", VISION, 56, true);
    }
  }
}
