package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.DeepStack;
import org.medpruner.PruningPolicy.DroppedSlice;
import org.medpruner.PruningPolicy.EncoderScope;
import org.medpruner.Workspace;
import org.medpruner.torch.TorchStreams;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.SliceStage;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceInfo;

/** Anchors, encodes and prunes one volume. */
public final class VolumeEncoder {
  /**
   * The outcome for one volume.
   *
   * @param packed detached from all scopes
   */
  record Outcome(
      PruningPolicy policy,
      SliceGrid grid,
      Selection selection,
      PackedTokens packed,
      SliceStage.Result slices,
      int[] processed,
      TokenStage.@Nullable Result tokens,
      Map<String, Double> timings,
      List<String> flags) {}

  private final ModelFamily family;
  private final Decoder decoder;
  private final SliceGrid grid;
  private final PixelSource pixels;
  private final VisionEncoder vision;
  private final PruningPolicy policy;
  private final long maxEncoderBytes;
  private final Workspace workspace;
  private final Progress progress;
  private final Device device;

  VolumeEncoder(
      ModelFamily family,
      PixelSource pixels,
      VisionEncoder vision,
      PruningPolicy policy,
      long maxEncoderBytes,
      Workspace workspace,
      Progress progress) {
    checkPolicy(policy);
    this.family = family;
    this.decoder = family.decoder();
    this.grid = pixels.grid();
    this.pixels = pixels;
    this.vision = vision;
    this.policy = policy.resolved(family.temperature());
    this.maxEncoderBytes = maxEncoderBytes;
    this.workspace = workspace;
    this.progress = progress;
    this.device = decoder.cuda() ? Device.cuda(0) : Device.CPU;
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
    SliceStage.Result r =
        pixels.anchor(policy.gamma(), policy.maxGap(spacingMm), policy.patchGamma(), workspace);
    for (int i = 0; i < r.nonFinite().length; i++) {
      if (r.nonFinite()[i]) {
        flags.add("slice " + i + ": non-finite pixels, kept");
      }
    }
    return r;
  }

  private Outcome tokens(
      SliceStage.Result slices, int[] processed, Map<String, Double> timings, List<String> flags) {
    double[] prune = new double[1];
    try (PointerScope scope = new PointerScope();
        TokenStage stage = policy.tokenPruning() ? newStage(processed.length) : null) {
      Encoded encoded = new Encoded(processed.length);
      long start = System.nanoTime();
      run(processed, encoded, stage, prune);
      waitForDevice();
      timings.put("encode", seconds(start) - prune[0]);

      long pruning = System.nanoTime();
      progress.update("prune", 0, 1);
      TokenStage.@Nullable Pruned pruned =
          stage == null ? null : stage.prune(policy, encoded.rows, kept(slices, processed));
      int[] keptRows = pruned == null ? wholeSlices(slices, processed) : pruned.rows();
      PackedTokens packed =
          encoded
              .packed(
                  pruned == null
                      ? TokenStage.pack(encoded.rows, keptRows, workspace)
                      : pruned.packed(),
                  keptRows)
              .detached();
      waitForDevice();
      progress.update("prune", 1, 1);
      timings.put("prune", prune[0] + seconds(pruning));
      if (pruned != null) {
        Reports.addFlags(pruned.result(), processed, flags);
      }
      return new Outcome(
          policy,
          grid,
          selection(slices, processed, keptRows),
          packed,
          slices,
          processed,
          pruned == null ? null : pruned.result(),
          timings,
          flags);
    }
  }

  /**
   * What the encoder makes of the slices, P * n rows. Planes that are to be merged like the
   * features lie beside them in one matrix: merging adds rows column by column, so one call does
   * all. Planes that are only indexed have matrices of their own.
   */
  private final class Encoded {
    private final long hidden = decoder.config().hiddenSize();
    private final boolean merged = policy.deepStack() == DeepStack.MERGED;
    private final Tensor rows;
    private final List<Tensor> planes = new ArrayList<>();

    Encoded(int slices) {
      long count = Math.multiplyExact((long) slices, grid.tokens());
      int beside = merged ? family.planes() : 0;
      rows = Ops.empty(decoder.compute(), decoder.cuda(), count, hidden * (1 + beside));
      for (int i = beside; i < family.planes(); i++) {
        planes.add(Ops.empty(decoder.compute(), decoder.cuda(), count, hidden));
      }
    }

    void put(int firstSlice, int slices, VisionEncoder.Tokens seen) {
      long first = (long) firstSlice * grid.tokens();
      long count = (long) slices * grid.tokens();
      Tensor here = rows.narrow(0, first, count);
      here.narrow(1, 0, hidden).copy_(seen.features().flatten(0, 1));
      for (int i = 0; i < seen.planes().size(); i++) {
        Tensor plane = seen.planes().get(i).flatten(0, 1);
        (merged ? here.narrow(1, hidden * (1 + i), hidden) : planes.get(i).narrow(0, first, count))
            .copy_(plane);
      }
    }

    PackedTokens packed(Tensor packedRows, int[] kept) {
      if (family.planes() == 0) {
        return new PackedTokens(packedRows, List.of());
      }
      List<Tensor> left = new ArrayList<>();
      for (int i = 0; i < family.planes(); i++) {
        left.add(
            merged
                ? packedRows.narrow(1, hidden * (1 + i), hidden).contiguous()
                : TokenStage.pack(planes.get(i), kept, workspace));
      }
      return new PackedTokens(packedRows.narrow(1, 0, hidden).contiguous(), left);
    }
  }

  /** Encodes the slices in batches; the attention mass of each is taken while q and k exist. */
  private void run(
      int[] processed, Encoded encoded, @Nullable TokenStage stage, double[] pruneSeconds) {
    int batch = batchSize();
    progress.update("encode", 0, processed.length);
    for (int from = 0; from < processed.length; from += batch) {
      int to = Math.min(processed.length, from + batch);
      try (PointerScope scope = new PointerScope()) {
        VisionEncoder.Tokens seen = vision.encode(Arrays.copyOfRange(processed, from, to));
        encoded.put(from, to - from, seen);
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
    long fit = maxEncoderBytes / family.activationBytes(grid);
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, fit));
  }

  private TokenStage newStage(int slices) {
    return new TokenStage(
        device,
        slices,
        grid.tokens(),
        family.visionHeadDim(),
        family.pooling(policy.pooling(), grid),
        workspace);
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
    int n = grid.tokens();
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
    int n = grid.tokens();
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
