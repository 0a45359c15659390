package org.medpruner.vlm.qwen;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.medpruner.vlm.fixtures.ByteTokenizer;
import org.medpruner.vlm.fixtures.RandomWeights;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * A Qwen3-VL checkpoint of 0.3 M random weights with a tokenizer; none of its numbers is a default.
 */
final class TinyQwen {
  static final List<String> SPECIAL =
      List.of(
          "<|endoftext|>",
          "<|im_start|>",
          "<|im_end|>",
          "<|vision_start|>",
          "<|vision_end|>",
          "<|vision_pad|>",
          "<|image_pad|>",
          "<|video_pad|>");

  static final int IM_END = 258;
  static final int IMAGE = 262;

  private static final int HIDDEN = 40;
  private static final int VISION = 48;
  private static final int JOINED = 4 * VISION;

  private static final String CONFIG =
      """
      {"architectures": ["Qwen3VLForConditionalGeneration"], "model_type": "qwen3_vl",
       "image_token_id": 262, "vision_start_token_id": 259, "vision_end_token_id": 260,
       "tie_word_embeddings": false,
       "text_config": {"hidden_size": 40, "num_hidden_layers": 3, "num_attention_heads": 6,
         "num_key_value_heads": 2, "head_dim": 8, "intermediate_size": 56, "vocab_size": 270,
         "max_position_embeddings": 20000, "rms_norm_eps": 1e-5, "rope_theta": 300000,
         "eos_token_id": 258,
         "rope_scaling": {"mrope_interleaved": true, "mrope_section": [2, 1, 1],
           "rope_type": "default"}},
       "vision_config": {"depth": 3, "hidden_size": 48, "num_heads": 4, "intermediate_size": 80,
         "out_hidden_size": 40, "deepstack_visual_indexes": [0, 1], "patch_size": 14,
         "spatial_merge_size": 2, "temporal_patch_size": 2, "num_position_embeddings": 36}}
      """;

  /** The smallest picture of this checkpoint has 4 x 4 patches of 14. */
  private static final String PREPROCESSOR =
      """
      {"size": {"shortest_edge": 3136, "longest_edge": 40000}, "patch_size": 14, "merge_size": 2,
       "temporal_patch_size": 2, "resample": 3, "image_mean": [0.5, 0.5, 0.5],
       "image_std": [0.5, 0.5, 0.5]}
      """;

  private TinyQwen() {}

  /** A complete checkpoint folder in the Hub's layout. */
  static Path write(Path folder) throws IOException {
    return write(folder, CONFIG, UnaryOperator.identity());
  }

  /** The same weights under other names, with the configuration changed. */
  static Path write(Path folder, UnaryOperator<String> config, UnaryOperator<String> names)
      throws IOException {
    return write(folder, config.apply(CONFIG), names);
  }

  private static Path write(Path folder, String config, UnaryOperator<String> names)
      throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), config);
    Files.writeString(folder.resolve("preprocessor_config.json"), PREPROCESSOR);
    ByteTokenizer.write(folder, SPECIAL, List.of("<think>", "</think>"));
    RandomWeights w = new RandomWeights(5);
    text(w);
    vision(w);
    w.write(folder, names);
    return folder;
  }

  private static void text(RandomWeights w) {
    String p = "model.language_model.";
    w.normal(p + "embed_tokens.weight", 1, 270, HIDDEN);
    for (int i = 0; i < 3; i++) {
      String l = p + "layers." + i + ".";
      w.norm(l + "input_layernorm", HIDDEN, false);
      w.linear(l + "self_attn.q_proj", 48, HIDDEN, false);
      w.linear(l + "self_attn.k_proj", 16, HIDDEN, false);
      w.linear(l + "self_attn.v_proj", 16, HIDDEN, false);
      w.linear(l + "self_attn.o_proj", HIDDEN, 48, false);
      w.norm(l + "self_attn.q_norm", 8, false);
      w.norm(l + "self_attn.k_norm", 8, false);
      w.norm(l + "post_attention_layernorm", HIDDEN, false);
      w.linear(l + "mlp.gate_proj", 56, HIDDEN, false);
      w.linear(l + "mlp.up_proj", 56, HIDDEN, false);
      w.linear(l + "mlp.down_proj", HIDDEN, 56, false);
    }
    w.norm(p + "norm", HIDDEN, false);
    w.linear("lm_head", 270, HIDDEN, false);
  }

  private static void vision(RandomWeights w) {
    String p = "model.visual.";
    w.normal(p + "patch_embed.proj.weight", 0.03, VISION, 3, 2, 14, 14);
    w.normal(p + "patch_embed.proj.bias", 0.1, VISION);
    w.normal(p + "pos_embed.weight", 0.5, 36, VISION);
    for (int i = 0; i < 3; i++) {
      String b = p + "blocks." + i + ".";
      w.norm(b + "norm1", VISION, true);
      w.linear(b + "attn.qkv", 3 * VISION, VISION, true);
      w.linear(b + "attn.proj", VISION, VISION, true);
      w.norm(b + "norm2", VISION, true);
      w.linear(b + "mlp.linear_fc1", 80, VISION, true);
      w.linear(b + "mlp.linear_fc2", VISION, 80, true);
    }
    merger(w, p + "merger.", VISION);
    merger(w, p + "deepstack_merger_list.0.", JOINED);
    merger(w, p + "deepstack_merger_list.1.", JOINED);
  }

  private static void merger(RandomWeights w, String p, int normed) {
    w.norm(p + "norm", normed, true);
    w.linear(p + "linear_fc1", JOINED, JOINED, true);
    w.linear(p + "linear_fc2", HIDDEN, JOINED, true);
  }

  /** Pictures of three different kinds; picture i is the same as i - 1 unless i divides by 3. */
  static SliceImages pictures(int slices, int height, int width) {
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    for (int s = 0; s < slices; s++) {
      byte[] p = new byte[3 * height * width];
      for (int i = 0; i < p.length; i++) {
        int x = i / 3 % width;
        int y = i / 3 / width;
        p[i] = (byte) ((s / 3 * 60 + x * (3 + s / 3) + y * y / 7 + i % 3 * 20) % 256);
      }
      pixels.add(p);
      info.add(new SliceInfo(s, s, Double.NaN));
    }
    return new SliceImages(height, width, pixels, info, 2, "test");
  }
}
