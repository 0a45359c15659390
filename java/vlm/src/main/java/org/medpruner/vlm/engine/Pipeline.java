package org.medpruner.vlm.engine;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningPolicy.ImageMask;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.Sampling;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.TorchFailures;
import org.medpruner.vlm.prompt.Prompt;
import org.medpruner.vlm.pruning.TokenPlans;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/**
 * A model family's networks from pictures and token ids to token ids, with pruning in between. Owns
 * the family.
 */
public final class Pipeline implements TokenModel {
  /** Length of an answer when neither the caller nor the checkpoint says one. */
  private static final int DEFAULT_NEW_TOKENS = 300;

  private final ModelFamily family;
  private final Decoder decoder;
  private final long maxEncoderBytes;
  private final Workspace workspace;
  private final TokenPlans plans;
  private final AtomicBoolean busy = new AtomicBoolean();
  private volatile boolean closed;

  /**
   * A pipeline.
   *
   * @param family closed with this object
   */
  public Pipeline(ModelFamily family, LoadOptions options) {
    this.family = family;
    this.decoder = family.decoder();
    this.maxEncoderBytes = options.maxEncoderBytes();
    this.workspace = Workspace.create(decoder.cuda() ? Device.cuda(0) : Device.CPU);
    this.plans = new TokenPlans(workspace);
  }

  @Override
  public ModelInfo info() {
    return family.info();
  }

  /** Whether 8-bit pictures can be encoded; see {@link PreparedVolumes#check}. */
  void check(SliceImages images, PruningPolicy policy) {
    PreparedVolumes.check(family, images, policy);
  }

  @Override
  public PrunedVolume encode(SliceImages images, PruningPolicy policy, Progress progress) {
    check(images, policy);
    return encodeAll(List.of(images), policy, progress).getFirst();
  }

  /** The same for several volumes together; one per volume, in their order. */
  public List<PrunedVolume> encodeAll(
      List<SliceImages> volumes, PruningPolicy policy, Progress progress) {
    PreparedVolumes.checkAll(family, volumes, policy);
    if (volumes.isEmpty()) {
      return List.of();
    }
    return exclusively(
        () -> {
          long start = System.nanoTime();
          try (PreparedVolumes prepared = PreparedVolumes.of(family, volumes, policy, progress)) {
            return encode(prepared.groups(), StageTimes.since(start), policy, progress);
          }
        });
  }

  @Override
  public EncodedVolume encode(
      MemorySegment pixels,
      int slices,
      int height,
      int width,
      double spacingMm,
      PruningPolicy policy,
      Progress progress) {
    if (slices < 1 || height < 1 || width < 1) {
      throw new IllegalArgumentException(
          "pixels F32 ["
              + slices
              + ", 3, "
              + height
              + ", "
              + width
              + "], but slices, height and width must be >= 1");
    }
    long bytes = Math.multiplyExact(3L * Float.BYTES * slices, Math.multiplyExact(height, width));
    if (pixels.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "pixels: "
              + pixels.byteSize()
              + " bytes, but F32 ["
              + slices
              + ", 3, "
              + height
              + ", "
              + width
              + "] takes "
              + bytes);
    }
    List<SliceInfo> infos = new ArrayList<>();
    for (int i = 0; i < slices; i++) {
      infos.add(new SliceInfo(i, i, Double.NaN));
    }
    return exclusively(
        () -> {
          // On CUDA the copy to the device, 0.8 GB for 85 slices of 896x896, is a part of the cost.
          long start = System.nanoTime();
          try (PointerScope scope = new PointerScope();
              BorrowedTensor borrowed =
                  TorchTensors.borrow(pixels, DType.F32, slices, 3, height, width)) {
            Tensor tensor =
                decoder.cuda()
                    ? borrowed.tensor().to(new org.bytedeco.pytorch.Device("cuda:0"), Ops.F32)
                    : borrowed.tensor();
            try (PixelSource source = family.pixels(tensor)) {
              VisionEncoder vision = family.vision(source);
              double prepared = StageTimes.since(start);
              return encode(source, vision, infos, spacingMm, prepared, policy, progress);
            }
          }
        });
  }

  /** Encodes one volume from any source of pictures with any encoder. */
  public PrunedVolume encode(
      PixelSource pixels,
      VisionEncoder vision,
      List<SliceInfo> info,
      double spacingMm,
      double preparedSeconds,
      PruningPolicy policy,
      Progress progress) {
    VolumeGroup.Member volume =
        new VolumeGroup.Member(0, 0, info, PreparedVolumes.maxGap(policy, spacingMm, info));
    VolumeGroup group = new VolumeGroup(pixels, vision, List.of(volume));
    return encode(List.of(group), preparedSeconds, policy, progress).getFirst();
  }

  private List<PrunedVolume> encode(
      List<VolumeGroup> groups, double preparedSeconds, PruningPolicy policy, Progress progress) {
    return new VolumeEncoder(family, policy, maxEncoderBytes, workspace, plans, progress)
        .encode(groups, preparedSeconds).stream()
            .map(
                o ->
                    new PrunedVolume(
                        this, o.policy(), o.selection(), o.grid(), o.packed(), Reports.of(o)))
            .toList();
  }

  @Override
  public Generation generate(
      EncodedVolume volume,
      Prompt prompt,
      int maxNewTokens,
      boolean stopOnEnd,
      Sampling sampling,
      Progress progress) {
    PrunedVolume v = own(volume);
    Dialogue.Request request =
        new Dialogue.Request(
            newTokens(maxNewTokens),
            stopOnEnd ? family.generation().stopTokens() : Set.of(),
            sampling,
            id -> null);
    PrunedPrompt pruned = prune(prompt, v);
    return exclusively(
        () -> {
          try (Dialogue dialogue = new Dialogue(decoder, v)) {
            return dialogue.begin(pruned, request, progress);
          }
        });
  }

  /** A volume of this pipeline. */
  PrunedVolume own(EncodedVolume volume) {
    if (!(volume instanceof PrunedVolume v) || v.owner() != this) {
      throw new IllegalArgumentException("volume: it was encoded by another model");
    }
    return v;
  }

  /** How many tokens to generate at most when so many are asked for; 0 means what suits. */
  int newTokens(int asked) {
    if (asked < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens = " + asked + ", but it must be >= 1, or 0 for the model's own");
    }
    int wanted = asked > 0 ? asked : family.generation().maxNewTokens();
    return wanted > 0 ? wanted : DEFAULT_NEW_TOKENS;
  }

  /** A prompt as pruning a volume leaves it. */
  public PrunedPrompt prune(Prompt prompt, PrunedVolume volume) {
    PruningPolicy policy = volume.policy();
    Positions positions =
        policy.positions() == Positions.MODEL ? family.positions() : policy.positions();
    return PrunedPrompt.of(
        prompt,
        volume.selection(),
        family.bidirectionalImages() && policy.imageMask() == ImageMask.MODEL,
        family.positions(prompt, volume.grid()),
        positions == Positions.RENUMBERED);
  }

  /**
   * Runs one call at a time; a second one is refused, not queued. What LibTorch throws in it is one
   * of MedPruner's exceptions for the caller.
   */
  <T> T exclusively(Supplier<T> call) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException("the model is serving another call");
    }
    try {
      if (closed) {
        throw new IllegalStateException("the model is closed");
      }
      return call.get();
    } catch (RuntimeException e) {
      throw TorchFailures.told(e);
    } finally {
      busy.set(false);
    }
  }

  /** What the model is made of. */
  public ModelFamily family() {
    return family;
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
      plans.close();
      workspace.close();
      family.close();
    } finally {
      busy.set(false);
    }
  }
}
