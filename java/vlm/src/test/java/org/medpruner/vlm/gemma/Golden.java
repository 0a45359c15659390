package org.medpruner.vlm.gemma;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.PruningPolicy;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PrunedPrompt;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.golden.GoldenFolder;
import org.medpruner.vlm.golden.TensorFile;
import org.medpruner.vlm.prompt.Prompt;

/**
 * The golden folder for MedGemma: checkpoint, volumes, expected tensors. The vision tower runs once
 * per volume and its output serves every scenario.
 */
final class Golden implements AutoCloseable {
  final TensorFile expected;
  final TensorFile stock;
  final JsonNode manifest;
  final GemmaFamily family;
  final Pipeline pipeline;
  private final TensorFile volumes;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Volume> cache = new HashMap<>();

  /** A volume's normalised pixels [D, 3, side, side] and what the vision encoder makes of them. */
  static final class Volume {
    final MemorySegment memory;
    final Tensor pixels;
    final int slices;
    private VisionEncoder.@Nullable Tokens encoded;

    private Volume(MemorySegment memory, int slices, int side) {
      this.memory = memory;
      this.slices = slices;
      this.pixels =
          TorchScope.detach(TorchTensors.borrow(memory, DType.F32, slices, 3, side, side).tensor());
    }
  }

  private Golden(Path folder) throws IOException {
    manifest = new ObjectMapper().readTree(Files.readAllBytes(folder.resolve("manifest.json")));
    expected = new TensorFile(folder.resolve("medgemma_golden.safetensors"));
    stock = new TensorFile(folder.resolve("stock.safetensors"));
    volumes = new TensorFile(folder.resolve("volumes.safetensors"));
    family = GemmaFamily.load(folder.resolve("medgemma"), LoadOptions.DEFAULT, Progress.NONE);
    pipeline = new Pipeline(family, LoadOptions.DEFAULT);
  }

  /** Everything of the golden folder, or a skip. */
  static Golden open() {
    Path folder =
        GoldenFolder.require(
            "manifest.json",
            "medgemma_golden.safetensors",
            "stock.safetensors",
            "volumes.safetensors",
            "medgemma/model.safetensors");
    try {
      return new Golden(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode section() {
    return manifest.get("files").get("medgemma_golden.safetensors");
  }

  JsonNode facts() {
    return section().get("facts");
  }

  /** The parameters of a scenario, or null. */
  JsonNode scenario(String name) {
    return section().get("meta").get("scenarios").get(name);
  }

  /** The reference preset with a scenario's switches. */
  PruningPolicy policy(String scenario) {
    JsonNode s = scenario(scenario);
    return PruningPolicy.REFERENCE.toBuilder()
        .sliceAnchoring(s.get("slice_compose").booleanValue())
        .tokenPruning(s.get("token_compose").booleanValue())
        .tau(s.get("tau").doubleValue())
        .gamma(s.get("gamma").doubleValue())
        .build();
  }

  private String mainVolume() {
    return section().get("meta").get("volume").textValue();
  }

  /**
   * The volume of a group of tensors: "run" and "phantom" are the main one, "single" its slice 0.
   */
  Volume volume(String group) {
    return cache.computeIfAbsent(group, this::load);
  }

  private Volume load(String group) {
    boolean single = group.equals("single");
    String name = single || group.equals("run") || group.equals("phantom") ? mainVolume() : group;
    GoldenFolder.assume(volumes.has(name), "volumes.safetensors has no " + name);
    long[] shape = volumes.shape(name);
    int slices = single ? 1 : (int) shape[0];
    int side = family.config().vision().imageSize();
    return new Volume(
        normalised(volumes.bytes(name), slices, (int) shape[1], (int) shape[2], side),
        slices,
        side);
  }

  /** (u - 127.5) / 127.5, zero-padded at the bottom and right to a square, nearest upsampling. */
  private MemorySegment normalised(byte[] u8, int slices, int height, int width, int side) {
    int square = Math.max(height, width);
    int factor = side / square;
    if (factor * square != side) {
      throw new IllegalStateException(side + " is no multiple of " + square);
    }
    MemorySegment out = arena.allocate(4L * slices * 3 * side * side, 64);
    long at = 0;
    for (int d = 0; d < slices; d++) {
      for (int c = 0; c < 3; c++) {
        for (int y = 0; y < side; y++) {
          int sy = y / factor;
          for (int x = 0; x < side; x++, at++) {
            int sx = x / factor;
            int u =
                sy < height && sx < width ? u8[((d * height + sy) * width + sx) * 3 + c] & 0xff : 0;
            out.setAtIndex(ValueLayout.JAVA_FLOAT, at, (u - 127.5f) / 127.5f);
          }
        }
      }
    }
    return out;
  }

  /** Everything the vision encoder makes of a volume, computed at first use. */
  VisionEncoder.Tokens encoded(Volume volume) {
    VisionEncoder.Tokens all = volume.encoded;
    if (all == null) {
      all = encodeAll(volume);
      volume.encoded = all;
    }
    return all;
  }

  private VisionEncoder.Tokens encodeAll(Volume volume) {
    VisionEncoder vision = family.vision(source(volume));
    Tensor[] features = new Tensor[volume.slices];
    Tensor[] query = new Tensor[volume.slices];
    Tensor[] key = new Tensor[volume.slices];
    try (PointerScope scope = new PointerScope()) {
      for (int i = 0; i < volume.slices; i++) {
        VisionEncoder.Tokens t = vision.encode(new int[] {i});
        features[i] = t.features();
        query[i] = t.query();
        key[i] = t.key();
      }
      return new VisionEncoder.Tokens(
          TorchScope.detach(torch.cat(new TensorVector(features), 0)),
          TorchScope.detach(torch.cat(new TensorVector(query), 0)),
          TorchScope.detach(torch.cat(new TensorVector(key), 0)));
    }
  }

  PixelSource source(Volume volume) {
    return family.pixels(volume.pixels);
  }

  /** An encoder that looks the slices up in {@link #encoded}. */
  VisionEncoder lookup(Volume volume) {
    VisionEncoder.Tokens all = encoded(volume);
    return slices -> {
      long[] rows = new long[slices.length];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = slices[i];
      }
      Tensor index = torch.tensor(rows);
      return new VisionEncoder.Tokens(
          all.features().index_select(0, index),
          all.query().index_select(0, index),
          all.key().index_select(0, index));
    };
  }

  /** Both stages of a policy on a volume. */
  PrunedVolume encode(Volume volume, PruningPolicy policy) {
    java.util.List<org.medpruner.volume.SliceInfo> info = new java.util.ArrayList<>();
    for (int i = 0; i < volume.slices; i++) {
      info.add(new org.medpruner.volume.SliceInfo(i, i, Double.NaN));
    }
    return pipeline.encode(
        source(volume), lookup(volume), info, Double.NaN, 0, policy, Progress.NONE);
  }

  /** The prompt of a group as a policy leaves it. */
  PrunedPrompt pruned(String group, PrunedVolume volume) {
    return pipeline.prune(prompt(group), volume);
  }

  /** The prompt of a group. */
  Prompt prompt(String group) {
    int[] ids = expected.ints(group.equals("run") ? "input_ids" : group + "/input_ids");
    return TinyCheckpointTest.prompt(
        ids, family.config().imageToken(), family.config().tokensPerImage());
  }

  @Override
  public void close() {
    pipeline.close();
    expected.close();
    stock.close();
    volumes.close();
    arena.close();
  }
}
