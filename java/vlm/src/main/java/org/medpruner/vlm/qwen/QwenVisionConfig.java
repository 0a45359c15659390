package org.medpruner.vlm.qwen;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import org.medpruner.vlm.checkpoint.JsonFile;
import org.medpruner.vlm.nn.Activation;

/**
 * Qwen3-VL's vision tower, from {@code vision_config}; absent keys take transformers' defaults.
 *
 * @param hiddenSize width
 * @param intermediateSize width of the feed-forward part
 * @param layers number of blocks
 * @param heads attention heads; divides the width
 * @param channels colour planes, 3
 * @param patchSize side of a square patch in pixels
 * @param temporalPatchSize frames a patch spans; a picture is repeated as often
 * @param mergeSize side of the block of patches that makes one visual token
 * @param outputSize width of a visual token
 * @param positionSide side of the square grid of learned positions
 * @param deepStack blocks, ascending, whose output makes a DeepStack plane each
 * @param activation of the feed-forward part
 * @param ropeTheta base of the rotary frequencies
 */
public record QwenVisionConfig(
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int channels,
    int patchSize,
    int temporalPatchSize,
    int mergeSize,
    int outputSize,
    int positionSide,
    List<Integer> deepStack,
    Activation activation,
    double ropeTheta) {

  /** Copies the list. */
  public QwenVisionConfig {
    deepStack = List.copyOf(deepStack);
  }

  static QwenVisionConfig of(JsonFile json) {
    int positions = json.integer("num_position_embeddings", 2304, 1);
    int side = (int) Math.round(Math.sqrt(positions));
    if (side * side != positions) {
      throw json.bad(
          "vision_config.num_position_embeddings = " + positions + ", must be a square number");
    }
    int layers = json.integer("depth", 27, 1);
    QwenVisionConfig c =
        new QwenVisionConfig(
            json.integer("hidden_size", 1152, 1),
            json.integer("intermediate_size", 4304, 1),
            layers,
            json.integer("num_heads", 16, 1),
            json.integer("in_channels", 3, 1),
            json.integer("patch_size", 16, 1),
            json.integer("temporal_patch_size", 2, 1),
            json.integer("spatial_merge_size", 2, 1),
            json.integer("out_hidden_size", 3584, 1),
            side,
            deepStack(json, layers),
            Activation.read(json, "hidden_act", Activation.GELU_TANH),
            ropeTheta(json.object("rope_parameters")));
    if (c.hiddenSize % c.heads != 0 || c.headDim() % 4 != 0) {
      throw json.bad(
          "vision_config: hidden_size = "
              + c.hiddenSize
              + " does not give num_heads = "
              + c.heads
              + " heads of a width that divides by 4");
    }
    if (c.channels != 3) {
      throw json.bad("vision_config.in_channels = " + c.channels + ", only 3 is supported");
    }
    return c;
  }

  /**
   * Only transformers 5 writes it down; before, it was 10,000 for all. "default" is what it calls
   * the axial kind, too, where this model has no other.
   */
  private static double ropeTheta(JsonFile json) {
    JsonNode type = json.get("rope_type");
    if (type != null && !List.of("axial", "default").contains(type.asText())) {
      throw json.bad("rope_type", type, "axial: rows and columns turn apart");
    }
    return json.positive("rope_theta", 10_000);
  }

  private static List<Integer> deepStack(JsonFile json, int layers) {
    int[] blocks =
        Objects.requireNonNullElse(
            json.integers("deepstack_visual_indexes"), new int[] {8, 16, 24});
    for (int i = 0; i < blocks.length; i++) {
      if (blocks[i] >= layers || (i > 0 && blocks[i] <= blocks[i - 1])) {
        throw json.bad(
            "vision_config.deepstack_visual_indexes must ascend and stay below depth = " + layers);
      }
    }
    return IntStream.of(blocks).boxed().toList();
  }

  /** Width of one attention head. */
  public int headDim() {
    return hiddenSize / heads;
  }

  /** Patches of a visual token. */
  public int patchesPerToken() {
    return mergeSize * mergeSize;
  }

  /** Values of a patch vector. */
  public int patchValues() {
    return channels * temporalPatchSize * patchSize * patchSize;
  }
}
