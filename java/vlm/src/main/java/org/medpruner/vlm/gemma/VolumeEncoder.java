package org.medpruner.vlm.gemma;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.AttentionMass;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DroppedSlice;
import org.medpruner.PruningPolicy.EncoderScope;
import org.medpruner.PruningPolicy.PatchPooling;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchStreams;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.ModelConfig;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceInfo;

/** Anchors, encodes and prunes one volume. */
final class VolumeEncoder {
  /** Softmax temperature of the released MedGemma code. */
  static final double TEMPERATURE = 2;

  /**
   * The outcome for one volume.
   *
   * @param features [K, hidden], detached from all scopes
   */
  record Outcome(
      PruningPolicy policy,
      Selection selection,
      Tensor features,
      SliceStage.Result slices,
      int[] processed,
      TokenStage.@Nullable Result tokens,
      Map<String, Double> timings,
      List<String> flags) {}

  private final GemmaNetwork network;
  private final ModelConfig config;
  private final PixelSource pixels;
  private final VisionEncoder vision;
  private final PruningPolicy policy;
  private final long maxEncoderBytes;
  private final Workspace workspace;
  private final Progress progress;
  private final Device device;

  VolumeEncoder(
      GemmaNetwork network,
      PixelSource pixels,
      VisionEncoder vision,
      PruningPolicy policy,
      long maxEncoderBytes,
      Workspace workspace,
      Progress progress) {
    checkPolicy(policy);
    this.network = network;
    this.config = network.config();
    this.pixels = pixels;
    this.vision = vision;
    this.policy = resolved(policy);
    this.maxEncoderBytes = maxEncoderBytes;
    this.workspace = workspace;
    this.progress = progress;
    this.device = network.cuda() ? Device.cuda(0) : Device.CPU;
  }

  private static void checkPolicy(PruningPolicy p) {
    if (p.sliceAnchoring()
        && p.droppedSlice() == DroppedSlice.CORNER_TOKEN
        && p.encoderScope() == EncoderScope.KEPT_SLICES) {
      throw new IllegalArgumentException(
          "droppedSlice = CORNER_TOKEN needs encoderScope = ALL_SLICES: the token of a slice that was"
              + " not encoded does not exist");
    }
  }

  /** The policy with the model's own temperature filled in; the name stays. */
  static PruningPolicy resolved(PruningPolicy p) {
    return p.temperature() > 0
        ? p
        : new PruningPolicy(
            p.name(),
            p.sliceAnchoring(),
            p.tokenPruning(),
            p.gamma(),
            p.tau(),
            p.contextualRatio(),
            p.encoderScope(),
            p.score(),
            TEMPERATURE,
            p.pooling(),
            p.droppedSlice(),
            p.imageMask(),
            p.positions(),
            p.maxGapSlices(),
            p.maxGapMm(),
            p.minTokens(),
            p.maxTokens(),
            p.volumeMinTokens(),
            p.volumeMaxTokens());
  }

  /**
   * Runs both stages and the encoder.
   *
   * @param info one entry per slice, for messages
   * @param spacingMm distance of neighbouring slices, NaN when unknown
   * @param anchorSeconds time already spent on preparing the pictures
   */
  Outcome encode(List<SliceInfo> info, double spacingMm, double anchorSeconds) {
    try (InferenceMode guard = new InferenceMode(true)) {
      List<String> flags = new ArrayList<>();
      long start = System.nanoTime();
      progress.update("anchor", 0, pixels.count());
      SliceStage.Result slices = anchor(spacingMm, flags);
      progress.update("anchor", pixels.count(), pixels.count());
      Map<String, Double> timings = new LinkedHashMap<>();
      timings.put("anchor", anchorSeconds + seconds(start));

      int[] processed =
          policy.encoderScope() == EncoderScope.ALL_SLICES
              ? range(pixels.count())
              : slices.keptIndices();
      return tokens(slices, processed, timings, flags);
    }
  }

  private SliceStage.Result anchor(double spacingMm, List<String> flags) {
    if (!policy.sliceAnchoring()) {
      return SliceStage.keepAll(pixels.count());
    }
    SliceStage.Result r = pixels.anchor(policy.gamma(), policy.maxGap(spacingMm), workspace);
    for (int i = 0; i < r.nonFinite().length; i++) {
      if (r.nonFinite()[i]) {
        flags.add("slice " + i + ": non-finite pixels, kept");
      }
    }
    return r;
  }

  private Outcome tokens(
      SliceStage.Result slices, int[] processed, Map<String, Double> timings, List<String> flags) {
    int n = config.tokensPerImage();
    long rows = Math.multiplyExact((long) processed.length, n);
    double[] prune = new double[1];
    try (PointerScope scope = new PointerScope();
        TokenStage stage = policy.tokenPruning() ? newStage(processed.length) : null) {
      Tensor features =
          Ops.empty(network.text().compute(), network.cuda(), rows, config.text().hiddenSize());
      long start = System.nanoTime();
      run(processed, features, stage, prune);
      waitForDevice();
      timings.put("encode", seconds(start) - prune[0]);

      long pruning = System.nanoTime();
      progress.update("prune", 0, 1);
      TokenStage.@Nullable Pruned pruned =
          stage == null ? null : stage.prune(policy, features, kept(slices, processed));
      int[] keptRows = pruned == null ? wholeSlices(slices, processed) : pruned.rows();
      Tensor packed =
          TorchScope.detach(
              pruned == null ? TokenStage.pack(features, keptRows, workspace) : pruned.packed());
      waitForDevice();
      progress.update("prune", 1, 1);
      timings.put("prune", prune[0] + seconds(pruning));
      if (pruned != null) {
        Reports.addFlags(pruned.result(), processed, flags);
      }
      return new Outcome(
          policy,
          selection(slices, processed, keptRows),
          packed,
          slices,
          processed,
          pruned == null ? null : pruned.result(),
          timings,
          flags);
    }
  }

  /** Encodes the slices in batches; the attention mass of each is taken while q and k exist. */
  private void run(
      int[] processed, Tensor features, @Nullable TokenStage stage, double[] pruneSeconds) {
    int batch = batchSize();
    long n = config.tokensPerImage();
    progress.update("encode", 0, processed.length);
    for (int from = 0; from < processed.length; from += batch) {
      int to = Math.min(processed.length, from + batch);
      try (PointerScope scope = new PointerScope()) {
        VisionEncoder.Tokens seen = vision.encode(Arrays.copyOfRange(processed, from, to));
        features.narrow(0, from * n, (to - from) * n).copy_(seen.features().flatten(0, 1));
        if (stage != null) {
          waitForDevice();
          long start = System.nanoTime();
          stage.add(from, seen.query(), seen.key());
          waitForDevice();
          pruneSeconds[0] += seconds(start);
        }
      }
      progress.update("encode", to, processed.length);
    }
  }

  /** On CUDA calls return before their work is done, which would be charged to a later stage. */
  private void waitForDevice() {
    TorchStreams.current(device).synchronize();
  }

  /** Slices encoded at once: as many as stay below the bound, at least one. */
  int batchSize() {
    int element = network.text().compute() == Ops.F32 ? 4 : 2;
    long perSlice = SiglipTower.activationBytes(config.vision(), element);
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, maxEncoderBytes / perSlice));
  }

  private TokenStage newStage(int slices) {
    return new TokenStage(
        device, slices, config.tokensPerImage(), config.vision().headDim(), pooling(), workspace);
  }

  private AttentionMass.Pooling pooling() {
    int grid = config.vision().grid();
    int block = config.poolBlock();
    return policy.pooling() == PatchPooling.CONTIGUOUS
        ? new AttentionMass.Contiguous((long) block * block)
        : new AttentionMass.Grid(grid, grid, block, block);
  }

  /** Whether stage 1 kept each of the encoded slices. */
  private static boolean[] kept(SliceStage.Result slices, int[] processed) {
    boolean[] kept = new boolean[processed.length];
    for (int p = 0; p < kept.length; p++) {
      kept[p] = slices.kept()[processed[p]];
    }
    return kept;
  }

  /** Rows of the encoded slices that the language model gets when no token is pruned. */
  private int[] wholeSlices(SliceStage.Result slices, int[] processed) {
    int n = config.tokensPerImage();
    int dropped = policy.droppedSlice() == DroppedSlice.CORNER_TOKEN ? 1 : 0;
    int[] rows = new int[processed.length * n];
    int count = 0;
    for (int p = 0; p < processed.length; p++) {
      int tokens = slices.kept()[processed[p]] ? n : dropped;
      for (int t = 0; t < tokens; t++) {
        rows[count++] = p * n + t;
      }
    }
    return Arrays.copyOf(rows, count);
  }

  private Selection selection(SliceStage.Result slices, int[] processed, int[] rows) {
    int n = config.tokensPerImage();
    boolean[] text = slices.kept().clone();
    if (policy.droppedSlice() == DroppedSlice.CORNER_TOKEN) {
      Arrays.fill(text, true);
    }
    boolean[] token = new boolean[Math.multiplyExact(text.length, n)];
    for (int row : rows) {
      token[processed[row / n] * n + row % n] = true;
    }
    return new Selection(n, text, token);
  }

  private static int[] range(int n) {
    int[] r = new int[n];
    Arrays.setAll(r, i -> i);
    return r;
  }

  static double seconds(long startNanos) {
    return (System.nanoTime() - startNanos) * 1e-9;
  }
}
