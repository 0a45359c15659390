package org.medpruner.vlm.golden;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.medpruner.DType;
import org.medpruner.PruningPolicy;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.engine.ModelFamily;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.engine.PixelSource;
import org.medpruner.vlm.engine.PrunedVolume;
import org.medpruner.vlm.engine.VisionEncoder;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * What the golden folder holds of a model family: checkpoint, volumes, expected tensors. The vision
 * tower runs once per volume and its output serves every scenario.
 */
public final class ModelGolden<F extends ModelFamily> implements AutoCloseable {
  /** Of which a test made one run: the scenarios' group, the main volume's own, and its slice 0. */
  private static final String RUN = "run";

  private static final String PHANTOM = "phantom";
  private static final String SINGLE = "single";

  public final TensorFile expected;
  public final TensorFile stock;
  public final F family;
  public final Pipeline pipeline;
  private final String model;
  private final JsonNode manifest;
  private final TensorFile volumes;
  private final BiFunction<F, Picture, Picture> prepare;
  private final int imageToken;
  private final Arena arena = Arena.ofShared();
  private final Map<String, Volume> cache = new HashMap<>();

  /** Pictures of a volume, 8-bit, slices x height x width x 3. */
  @SuppressWarnings("ArrayRecordComponent")
  public record Picture(byte[] u8, int slices, int height, int width) {
    /** A part of every picture. */
    public Picture cropped(int top, int left, int rows, int columns) {
      byte[] out = new byte[slices * rows * columns * 3];
      for (int r = 0; r < slices * rows; r++) {
        int from = ((r / rows * height + top + r % rows) * width + left) * 3;
        System.arraycopy(u8, from, out, r * columns * 3, columns * 3);
      }
      return new Picture(out, slices, rows, columns);
    }

    /** Zeros below or to the right, so that the pictures are square. */
    public Picture squared() {
      int side = Math.max(height, width);
      byte[] out = new byte[slices * side * side * 3];
      for (int r = 0; r < slices * height; r++) {
        int to = (r / height * side + r % height) * side * 3;
        System.arraycopy(u8, r * width * 3, out, to, width * 3);
      }
      return new Picture(out, slices, side, side);
    }

    /** Every pixel {@code factor} times in each direction. */
    public Picture enlarged(int factor) {
      byte[] out = new byte[factor * factor * u8.length];
      for (int i = 0; i < out.length; i++) {
        int channel = i % 3;
        int x = i / 3 % (factor * width) / factor;
        int row = i / (3 * factor * width);
        int slice = row / (factor * height);
        int y = row % (factor * height) / factor;
        out[i] = u8[((slice * height + y) * width + x) * 3 + channel];
      }
      return new Picture(out, slices, factor * height, factor * width);
    }

    /** As the pipeline takes them. */
    public SliceImages images() {
      int size = 3 * height * width;
      List<byte[]> pixels = new ArrayList<>();
      for (int s = 0; s < slices; s++) {
        pixels.add(Arrays.copyOfRange(u8, s * size, (s + 1) * size));
      }
      return new SliceImages(height, width, pixels, info(slices), Double.NaN, "golden");
    }
  }

  /** A volume's normalised pixels and what the vision encoder makes of them. */
  public static final class Volume {
    /** What the pixels were made of. */
    public final Picture pictures;

    /** F32 [slices, 3, height, width]. */
    public final Tensor pixels;

    public final int slices;
    private VisionEncoder.@Nullable Tokens encoded;

    private Volume(Picture pictures, Tensor pixels) {
      this.pictures = pictures;
      this.pixels = pixels;
      this.slices = pictures.slices;
    }
  }

  private ModelGolden(
      Path folder, String model, F family, int imageToken, BiFunction<F, Picture, Picture> prepare)
      throws IOException {
    this.model = model;
    this.imageToken = imageToken;
    this.prepare = prepare;
    this.family = family;
    manifest = new ObjectMapper().readTree(Files.readAllBytes(folder.resolve("manifest.json")));
    expected = new TensorFile(folder.resolve(model + "_golden.safetensors"));
    stock = new TensorFile(folder.resolve("stock.safetensors"));
    volumes = new TensorFile(folder.resolve("volumes.safetensors"));
    pipeline = new Pipeline(family, LoadOptions.DEFAULT);
  }

  /** Loads a family from a checkpoint folder. */
  public interface Loader<F extends ModelFamily> {
    F load(Path folder, LoadOptions options, Progress progress);
  }

  /**
   * Everything of one model, or a skip.
   *
   * @param model its folder, "qwen3vl"
   * @param imageToken id of its image token
   * @param prepare 8-bit pictures to those the encoder saw; nothing for most volumes
   */
  public static <F extends ModelFamily> ModelGolden<F> open(
      String model,
      Loader<F> loader,
      Function<F, Integer> imageToken,
      BiFunction<F, Picture, Picture> prepare) {
    Path folder =
        GoldenFolder.require(
            "manifest.json",
            model + "_golden.safetensors",
            "stock.safetensors",
            "volumes.safetensors",
            model + "/model.safetensors");
    F family = loader.load(folder.resolve(model), LoadOptions.DEFAULT, Progress.NONE);
    try {
      return new ModelGolden<>(folder, model, family, imageToken.apply(family), prepare);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private JsonNode section() {
    return manifest.get("files").get(model + "_golden.safetensors");
  }

  /** What the manifest states about the model's tensors. */
  public JsonNode facts() {
    return section().get("facts");
  }

  /** The reference preset with a scenario's switches; skips where the manifest has none. */
  public PruningPolicy policy(String scenario) {
    JsonNode s = section().get("meta").get("scenarios").get(scenario);
    GoldenFolder.assume(s != null, "manifest names no scenario " + scenario);
    return PruningPolicy.REFERENCE.toBuilder()
        .sliceAnchoring(s.get("slice_compose").booleanValue())
        .tokenPruning(s.get("token_compose").booleanValue())
        .tau(s.get("tau").doubleValue())
        .gamma(s.get("gamma").doubleValue())
        .build();
  }

  /**
   * The volume of a group of tensors: "run" and "phantom" are the main one, "single" its slice 0.
   */
  public Volume volume(String group) {
    return cache.computeIfAbsent(group, this::load);
  }

  private Volume load(String group) {
    boolean single = group.equals(SINGLE);
    String name =
        single || group.equals(RUN) || group.equals(PHANTOM)
            ? section().get("meta").get("volume").textValue()
            : group;
    GoldenFolder.assume(volumes.has(name), "volumes.safetensors has no " + name);
    long[] shape = volumes.shape(name);
    Picture p =
        prepare.apply(
            family,
            new Picture(
                volumes.bytes(name), single ? 1 : (int) shape[0], (int) shape[1], (int) shape[2]));
    return new Volume(
        p,
        TorchScope.detach(
            TorchTensors.borrow(normalised(p), DType.F32, p.slices, 3, p.height, p.width)
                .tensor()));
  }

  /** (u - 127.5) / 127.5, planes apart. */
  private MemorySegment normalised(Picture p) {
    int plane = p.height * p.width;
    MemorySegment out = arena.allocate(4L * p.slices * 3 * plane, 64);
    for (int d = 0; d < p.slices; d++) {
      for (int c = 0; c < 3; c++) {
        for (int i = 0; i < plane; i++) {
          int u = p.u8[(d * plane + i) * 3 + c] & 0xff;
          out.setAtIndex(ValueLayout.JAVA_FLOAT, (d * 3L + c) * plane + i, (u - 127.5f) / 127.5f);
        }
      }
    }
    return out;
  }

  /** The family's source of a volume's pictures. */
  public PixelSource source(Volume volume) {
    return family.pixels(volume.pixels);
  }

  /** Everything the vision encoder makes of a volume, computed at first use. */
  public VisionEncoder.Tokens encoded(Volume volume) {
    VisionEncoder.Tokens known = volume.encoded;
    if (known == null) {
      known = encodeAll(volume);
      volume.encoded = known;
    }
    return known;
  }

  private VisionEncoder.Tokens encodeAll(Volume volume) {
    int[] all = new int[volume.slices];
    Arrays.setAll(all, i -> i);
    try (PointerScope scope = new PointerScope()) {
      VisionEncoder.Tokens t = family.vision(source(volume)).encode(all);
      t.planes().forEach(TorchScope::detach);
      return new VisionEncoder.Tokens(
          TorchScope.detach(t.features()),
          t.planes(),
          TorchScope.detach(t.query()),
          TorchScope.detach(t.key()));
    }
  }

  /** An encoder that looks the slices up in {@link #encoded}. */
  private VisionEncoder lookup(Volume volume) {
    VisionEncoder.Tokens all = encoded(volume);
    return slices -> {
      long[] rows = new long[slices.length];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = slices[i];
      }
      Tensor index = torch.tensor(rows);
      return new VisionEncoder.Tokens(
          all.features().index_select(0, index),
          all.planes().stream().map(p -> p.index_select(0, index)).toList(),
          all.query().index_select(0, index),
          all.key().index_select(0, index));
    };
  }

  /** Both stages of a policy on a volume. */
  public PrunedVolume encode(Volume volume, PruningPolicy policy) {
    return pipeline.encode(
        source(volume), lookup(volume), info(volume.slices), Double.NaN, 0, policy, Progress.NONE);
  }

  private static List<SliceInfo> info(int slices) {
    List<SliceInfo> info = new ArrayList<>();
    for (int i = 0; i < slices; i++) {
      info.add(new SliceInfo(i, i, Double.NaN));
    }
    return info;
  }

  /** The prompt of a group; markers belong to no slice. */
  public Prompt prompt(String group) {
    return prompt(group, source(volume(group)).grid().tokens());
  }

  /** The same of a volume whose slices have {@code perSlice} tokens each. */
  public Prompt prompt(String group, int perSlice) {
    int[] ids = expected.ints(group.equals(RUN) ? "input_ids" : group + "/input_ids");
    return prompt(ids, imageToken, perSlice);
  }

  /** The prompt of given ids, where every {@code perSlice} image tokens are one slice. */
  public static Prompt prompt(int[] ids, int imageToken, int perSlice) {
    int[] slice = new int[ids.length];
    boolean[] image = new boolean[ids.length];
    int seen = 0;
    for (int t = 0; t < ids.length; t++) {
      image[t] = ids[t] == imageToken;
      slice[t] = image[t] ? seen++ / perSlice : -1;
    }
    return new Prompt(ids, slice, image);
  }

  /** A test for each of the expected tensors that match a pattern with one group, as that group. */
  public Stream<DynamicTest> each(String pattern, Consumer<String> test) {
    TreeSet<String> found = new TreeSet<>();
    Pattern compiled = Pattern.compile(pattern);
    for (String name : expected.names()) {
      Matcher m = compiled.matcher(name);
      if (m.matches()) {
        found.add(m.group(1));
      }
    }
    GoldenFolder.assume(
        !found.isEmpty(), model + "_golden.safetensors has nothing like " + pattern);
    return found.stream().map(n -> DynamicTest.dynamicTest(n, () -> test.accept(n)));
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
