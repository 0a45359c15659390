package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
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
import org.medpruner.vlm.pruning.TokenPlans;
import org.medpruner.vlm.pruning.TokenStage;
import org.medpruner.volume.SliceInfo;

/**
 * Anchors, encodes and prunes volumes together: stage 1 in one call for all of a size and bound,
 * the encoder in batches that may hold slices of several volumes, stage 2 in one call for all.
 */
final class VolumeEncoder {
  /**
   * The outcome for one volume.
   *
   * @param index its place in the caller's list
   * @param packed detached from all scopes
   */
  record Outcome(
      int index,
      List<SliceInfo> info,
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
  private final PruningPolicy policy;
  private final long maxEncoderBytes;
  private final Workspace workspace;
  private final TokenPlans plans;
  private final Progress progress;
  private final Device device;

  VolumeEncoder(
      ModelFamily family,
      PruningPolicy policy,
      long maxEncoderBytes,
      Workspace workspace,
      TokenPlans plans,
      Progress progress) {
    checkPolicy(policy);
    this.family = family;
    this.decoder = family.decoder();
    this.policy = policy.resolved(family.temperature());
    this.maxEncoderBytes = maxEncoderBytes;
    this.workspace = workspace;
    this.plans = plans;
    this.progress = progress;
    this.device = decoder.cuda() ? Device.cuda(0) : Device.CPU;
  }

  static void checkPolicy(PruningPolicy p) {
    if (p.sliceAnchoring()
        && p.droppedSlice() == DroppedSlice.CORNER_TOKEN
        && p.encoderScope() == EncoderScope.KEPT_SLICES) {
      throw new IllegalArgumentException(
          "droppedSlice = CORNER_TOKEN needs encoderScope = ALL_SLICES: the token of a slice that"
              + " was not encoded does not exist");
    }
  }

  /**
   * Runs both stages and the encoder.
   *
   * @param anchorSeconds time already spent on preparing the pictures
   * @return one per volume, in the order of their indices
   */
  List<Outcome> encode(List<VolumeGroup> groups, double anchorSeconds) {
    try (InferenceMode guard = new InferenceMode(true)) {
      long start = System.nanoTime();
      int slices = groups.stream().mapToInt(g -> g.pixels().count()).sum();
      progress.update(Progress.ANCHOR, 0, slices);
      AnchoredVolumes volumes = new AnchoredVolumes();
      groups.forEach(group -> anchor(group, volumes));
      progress.update(Progress.ANCHOR, slices, slices);
      StageTimes times = new StageTimes();
      times.add(Progress.ANCHOR, anchorSeconds + StageTimes.since(start));
      return tokens(groups, volumes, times);
    }
  }

  /** Appends the volumes of a group, after stage 1. */
  private void anchor(VolumeGroup group, AnchoredVolumes volumes) {
    List<VolumeGroup.Member> members = group.members();
    for (int from = 0, to; from < members.size(); from = to) {
      // A bound in millimetres is another number of slices where the spacing is another.
      long maxGap = members.get(from).maxGap();
      to = from + 1;
      while (to < members.size() && members.get(to).maxGap() == maxGap) {
        to++;
      }
      List<VolumeGroup.Member> run = members.subList(from, to);
      List<SliceStage.Result> results =
          policy.sliceAnchoring()
              ? group
                  .pixels()
                  .anchor(policy.gamma(), maxGap, policy.patchGamma(), bounds(run), workspace)
              : run.stream().map(m -> SliceStage.keepAll(m.count())).toList();
      for (int i = 0; i < run.size(); i++) {
        SliceStage.Result r = results.get(i);
        int[] processed =
            policy.encoderScope() == EncoderScope.ALL_SLICES
                ? range(run.get(i).count())
                : r.keptIndices();
        volumes.add(group, run.get(i), r, processed);
      }
    }
  }

  private static long[] bounds(List<VolumeGroup.Member> run) {
    long[] bounds = new long[run.size() + 1];
    Arrays.setAll(bounds, i -> i < run.size() ? run.get(i).first() : run.getLast().end());
    return bounds;
  }

  private List<Outcome> tokens(
      List<VolumeGroup> groups, AnchoredVolumes volumes, StageTimes times) {
    boolean merged = policy.deepStack() == DeepStack.MERGED;
    long width = EncodedRows.width(decoder, family.planes(), merged);
    try (PointerScope scope = new PointerScope();
        TokenStage stage = policy.tokenPruning() ? stage(volumes, width) : null) {
      Tensor memory =
          stage == null
              ? Ops.empty(decoder.compute(), decoder.cuda(), volumes.tokens(), width)
              : stage.features();
      EncodedRows encoded = new EncodedRows(decoder, family.planes(), merged, memory);
      int total = volumes.segments();
      progress.update(Progress.ENCODE, 0, total);
      for (VolumeGroup group : groups) {
        run(volumes.of(group), total, encoded, stage, times);
      }

      long pruning = System.nanoTime();
      progress.update(Progress.PRUNE, 0, 1);
      TokenStage.@Nullable Pruned pruned = stage == null ? null : stage.prune();
      int[] rows =
          pruned == null
              ? volumes.wholeSlices(policy.droppedSlice() == DroppedSlice.CORNER_TOKEN ? 1 : 0)
              : pruned.rows();
      Tensor left =
          pruned == null ? TokenStage.pack(encoded.rows(), rows, workspace) : pruned.packed();
      // Stage 2's memory is the plan's; without stage 2 it holds these volumes and nothing else.
      boolean shared = pruned != null || volumes.list().size() > 1;
      List<PackedTokens> packed = packed(volumes, encoded, left, rows, shared);
      waitForDevice();
      progress.update(Progress.PRUNE, 1, 1);
      times.add(Progress.PRUNE, StageTimes.since(pruning));
      List<Outcome> outcomes =
          outcomes(volumes, rows, packed, pruned == null ? null : pruned.result(), times);
      // Last of all: until here the scope frees them, whatever throws.
      packed.forEach(PackedTokens::detached);
      return outcomes;
    }
  }

  private TokenStage stage(AnchoredVolumes volumes, long width) {
    return plans.stage(
        policy,
        new TokenStage.Slices(volumes.offsets(), volumes.kept(), volumes.runs()),
        family.visionHeadDim(),
        width,
        decoder.compute());
  }

  /** Encodes slices in batches; the attention mass of each is taken while q and k exist. */
  private void run(
      List<AnchoredVolume> volumes,
      int total,
      EncodedRows encoded,
      @Nullable TokenStage stage,
      StageTimes times) {
    VolumeGroup group = volumes.getFirst().group();
    SliceGrid grid = group.pixels().grid();
    int[] slices =
        volumes.stream()
            .flatMapToInt(v -> Arrays.stream(v.processed()).map(s -> v.member().first() + s))
            .toArray();
    int segment = volumes.getFirst().segment();
    long token = volumes.getFirst().token();
    int batch = batchSize(grid);
    for (int from = 0; from < slices.length; from += batch) {
      int to = Math.min(slices.length, from + batch);
      long start = System.nanoTime();
      try (PointerScope scope = new PointerScope()) {
        VisionEncoder.Tokens seen = group.vision().encode(Arrays.copyOfRange(slices, from, to));
        encoded.put(token + (long) from * grid.tokens(), seen);
        waitForDevice();
        times.add(Progress.ENCODE, StageTimes.since(start));
        if (stage != null) {
          long scoring = System.nanoTime();
          stage.add(
              segment + from, seen.query(), seen.key(), family.pooling(policy.pooling(), grid));
          waitForDevice();
          times.add(Progress.PRUNE, StageTimes.since(scoring));
        }
      }
      progress.update(Progress.ENCODE, segment + to, total);
    }
  }

  /** On CUDA calls return before their work is done, which would be charged to a later stage. */
  private void waitForDevice() {
    TorchStreams.current(device).synchronize();
  }

  /** Slices encoded at once: as many as stay below the bound, at least one. */
  private int batchSize(SliceGrid grid) {
    long fit = maxEncoderBytes / family.activationBytes(grid);
    return (int) Math.max(1, Math.min(Integer.MAX_VALUE, fit));
  }

  /** What is left of each volume, in memory of its own; temporaries of the caller's scope. */
  private List<PackedTokens> packed(
      AnchoredVolumes volumes, EncodedRows encoded, Tensor left, int[] rows, boolean shared) {
    List<PackedTokens> packed = new ArrayList<>();
    for (AnchoredVolume v : volumes.list()) {
      int[] own = v.own(rows);
      Tensor part = left.narrow(0, v.firstOwn(rows), own.length);
      packed.add(encoded.packed(part, own, shared, workspace));
    }
    return packed;
  }

  private List<Outcome> outcomes(
      AnchoredVolumes volumes,
      int[] rows,
      List<PackedTokens> packed,
      TokenStage.@Nullable Result result,
      StageTimes times) {
    List<Outcome> outcomes = new ArrayList<>();
    for (int i = 0; i < packed.size(); i++) {
      AnchoredVolume v = volumes.list().get(i);
      TokenStage.@Nullable Result r =
          result == null ? null : result.part(v.segment(), v.endSegment(), v.token(), v.endToken());
      outcomes.add(
          new Outcome(
              v.member().index(),
              v.member().info(),
              policy,
              v.grid(),
              selection(v, v.own(rows)),
              packed.get(i),
              v.slices(),
              v.processed(),
              r,
              times.of(volumes, v),
              Reports.flags(v.slices(), r, v.processed())));
    }
    outcomes.sort(Comparator.comparingInt(Outcome::index));
    return outcomes;
  }

  private Selection selection(AnchoredVolume v, int[] rows) {
    int n = v.grid().tokens();
    boolean[] text = v.slices().kept().clone();
    if (policy.droppedSlice() == DroppedSlice.CORNER_TOKEN) {
      Arrays.fill(text, true);
    }
    boolean[] token = new boolean[Math.multiplyExact(text.length, n)];
    for (int row : rows) {
      int within = row - v.token();
      token[v.processed()[within / n] * n + within % n] = true;
    }
    return new Selection(n, text, token);
  }

  private static int[] range(int n) {
    int[] r = new int[n];
    Arrays.setAll(r, i -> i);
    return r;
  }
}
