package org.medpruner.vlm.gemma;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.InputException;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport.Savings;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.checkpoint.GenerationConfig;
import org.medpruner.vlm.checkpoint.ModelConfig;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.vlm.nn.KvCache;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Weights;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Gemma 3 from pixels and token ids to token ids, with pruning in between. */
public final class GemmaPipeline implements TokenModel {
  /** Length of an answer when neither the caller nor the checkpoint says one. */
  private static final int DEFAULT_NEW_TOKENS = 300;

  private final ModelConfig config;
  private final PreprocessorConfig preprocessor;
  private final GenerationConfig generation;
  private final GemmaNetwork network;
  private final ModelInfo info;
  private final long maxEncoderBytes;
  private final Workspace workspace;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;

  private GemmaPipeline(
      Path folder, ModelConfig config, GemmaNetwork network, LoadOptions options) {
    this.config = config;
    this.preprocessor = PreprocessorConfig.read(folder, config.vision());
    this.generation = GenerationConfig.read(folder, config);
    this.network = network;
    this.maxEncoderBytes = options.maxEncoderBytes();
    this.workspace = Workspace.create(options.cuda() ? Device.cuda(0) : Device.CPU);
    this.info =
        new ModelInfo(
            folder.toString(),
            config.architecture(),
            network.parameters(),
            network.storageType().name(),
            options.cuda() ? "cuda:0" : "cpu",
            config.vision().imageSize(),
            config.tokensPerImage(),
            config.text().contextLength());
  }

  /**
   * Loads a checkpoint folder.
   *
   * @throws InputException if the folder cannot be used; the message names the file
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static GemmaPipeline load(Path folder, LoadOptions options, Progress progress) {
    ModelConfig config = ModelConfig.read(folder);
    GemmaNetwork network =
        GemmaNetwork.load(folder, config, options.cuda(), Weights.MAX_CACHED_BYTES, progress);
    boolean ok = false;
    try {
      GemmaPipeline pipeline = new GemmaPipeline(folder, config, network, options);
      ok = true;
      return pipeline;
    } finally {
      if (!ok) {
        network.close();
      }
    }
  }

  @Override
  public ModelInfo info() {
    return info;
  }

  /** The configuration. */
  public ModelConfig config() {
    return config;
  }

  /** Anchors, encodes and prunes 8-bit pictures, resized as the processor does. */
  public EncodedVolume encode(SliceImages images, PruningPolicy policy, Progress progress) {
    if (images.count() == 0) {
      throw new IllegalArgumentException("slices: there are none");
    }
    return exclusively(
        () -> {
          long start = System.nanoTime();
          try (PixelSource pixels =
              BytePixels.of(
                  images, preprocessor, network.text().compute(), network.cuda(), progress)) {
            double prepared = VolumeEncoder.seconds(start);
            return encode(pixels, images.info(), images.spacingMm(), prepared, policy, progress);
          }
        });
  }

  @Override
  public EncodedVolume encode(
      MemorySegment pixels, int slices, double spacingMm, PruningPolicy policy, Progress progress) {
    long side = config.vision().imageSize();
    if (slices < 1) {
      throw new IllegalArgumentException("slices = " + slices + ", but it must be >= 1");
    }
    if (pixels.byteSize() != Math.multiplyExact(slices, 3 * side * side * Float.BYTES)) {
      throw new IllegalArgumentException(
          "pixels: "
              + pixels.byteSize()
              + " bytes, but F32 ["
              + slices
              + ", 3, "
              + side
              + ", "
              + side
              + "] takes "
              + slices * 3 * side * side * Float.BYTES);
    }
    List<SliceInfo> infos = new ArrayList<>();
    for (int i = 0; i < slices; i++) {
      infos.add(new SliceInfo(i, i, Double.NaN));
    }
    return exclusively(
        () -> {
          try (PointerScope scope = new PointerScope();
              BorrowedTensor borrowed =
                  TorchTensors.borrow(pixels, DType.F32, slices, 3, side, side)) {
            Tensor tensor =
                network.cuda()
                    ? borrowed.tensor().to(new org.bytedeco.pytorch.Device("cuda:0"), Ops.F32)
                    : borrowed.tensor();
            return encode(
                new FloatPixels(tensor, network.text().compute()),
                infos,
                spacingMm,
                0,
                policy,
                progress);
          }
        });
  }

  private GemmaVolume encode(
      PixelSource pixels,
      List<SliceInfo> info,
      double spacingMm,
      double preparedSeconds,
      PruningPolicy policy,
      Progress progress) {
    return encode(pixels, vision(pixels), info, spacingMm, preparedSeconds, policy, progress);
  }

  /** The vision tower and the projector on pictures of a source. */
  VisionEncoder vision(PixelSource pixels) {
    return slices -> {
      SiglipTower.Output seen = network.vision(pixels.pictures(slices));
      return new VisionEncoder.Tokens(network.project(seen.hidden()), seen.query(), seen.key());
    };
  }

  /** Encodes from any source of pictures with any encoder. */
  GemmaVolume encode(
      PixelSource pixels,
      VisionEncoder vision,
      List<SliceInfo> info,
      double spacingMm,
      double preparedSeconds,
      PruningPolicy policy,
      Progress progress) {
    VolumeEncoder.Outcome outcome =
        new VolumeEncoder(network, pixels, vision, policy, maxEncoderBytes, workspace, progress)
            .encode(info, spacingMm, preparedSeconds);
    return new GemmaVolume(
        this,
        outcome.policy(),
        outcome.selection(),
        outcome.features(),
        Reports.of(outcome, info, config.tokenGrid()));
  }

  @Override
  public Generation generate(
      EncodedVolume volume, Prompt prompt, int maxNewTokens, boolean stopOnEnd, Progress progress) {
    if (!(volume instanceof GemmaVolume v) || v.owner() != this) {
      throw new IllegalArgumentException("volume: it was encoded by another model");
    }
    if (maxNewTokens < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens = " + maxNewTokens + ", but it must be >= 1, or 0 for the model's own");
    }
    PrunedPrompt pruned =
        PrunedPrompt.of(prompt, v.selection(), v.policy().imageMask(), v.policy().positions());
    checkContext(pruned);
    int wanted = maxNewTokens > 0 ? maxNewTokens : generation.maxNewTokens();
    int most = wanted > 0 ? wanted : DEFAULT_NEW_TOKENS;
    // The last token generated is never fed back, so it needs no position of its own.
    long room = config.text().contextLength() - pruned.nextPosition() + 1;
    Set<Integer> stops = stopOnEnd ? generation.stopTokens() : Set.of();
    return exclusively(() -> decode(v, pruned, (int) Math.min(most, room), stops, progress));
  }

  private void checkContext(PrunedPrompt pruned) {
    int context = config.text().contextLength();
    if (pruned.nextPosition() > context) {
      throw new InputException(
          "the prompt takes "
              + pruned.nextPosition()
              + " positions, but the model's context has "
              + context
              + "; prune more (raise gamma, lower tau) or give fewer slices");
    }
  }

  private Generation decode(
      GemmaVolume volume, PrunedPrompt prompt, int most, Set<Integer> stops, Progress progress) {
    List<Integer> ids = new ArrayList<>();
    Map<String, Double> timings = new LinkedHashMap<>();
    try (Session session = new Session(network.text(), prompt)) {
      long start = System.nanoTime();
      progress.update("prefill", 0, prompt.length());
      int next = first(session, volume.features());
      timings.put("prefill", VolumeEncoder.seconds(start));
      progress.update("prefill", prompt.length(), prompt.length());
      long decoding = System.nanoTime();
      ids.add(next);
      progress.update("decode", 1, most);
      while (ids.size() < most && !stops.contains(next)) {
        next = following(session, next);
        ids.add(next);
        progress.update("decode", ids.size(), most);
      }
      timings.put("decode", VolumeEncoder.seconds(decoding));
    }
    return new Generation(
        ids,
        prompt.length(),
        KvCache.bytes(config.text(), prompt.length(), elementBytes()),
        stops.contains(ids.getLast()),
        Reports.asked(volume.report(), savings(volume, prompt), timings, List.of()));
  }

  private static int first(Session session, Tensor features) {
    try (PointerScope scope = new PointerScope()) {
      return best(session.logits(session.prefill(features), 1));
    }
  }

  private static int following(Session session, int id) {
    try (PointerScope scope = new PointerScope()) {
      return best(session.logits(session.step(id), 1));
    }
  }

  /** The id of the highest logit [1, vocabulary]. */
  private static int best(Tensor logits) {
    return Math.toIntExact(logits.argmax().item_long());
  }

  private int elementBytes() {
    return network.text().compute() == Ops.F32 ? Float.BYTES : Short.BYTES;
  }

  private Savings savings(GemmaVolume volume, PrunedPrompt prompt) {
    return new Savings(
        prompt.fullLength() - prompt.length(),
        KvCache.bytes(config.text(), prompt.fullLength(), elementBytes())
            - KvCache.bytes(config.text(), prompt.length(), elementBytes()),
        volume.report().savings().encoderSlices());
  }

  /** Runs one call at a time; a second one is refused, not queued. */
  private <T> T exclusively(Supplier<T> call) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the model is serving another call");
    }
    try {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      return call.get();
    } finally {
      busy.set(false);
    }
  }

  /** For tests: the networks themselves. */
  GemmaNetwork network() {
    return network;
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the model is serving another call");
    }
    try {
      closed = true;
      workspace.close();
      network.close();
    } finally {
      busy.set(false);
    }
  }
}
