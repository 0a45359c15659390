package org.medpruner.vlm.engine;

import java.lang.foreign.MemorySegment;
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
import org.medpruner.PruningPolicy.ImageMask;
import org.medpruner.PruningPolicy.Positions;
import org.medpruner.PruningReport.Savings;
import org.medpruner.Workspace;
import org.medpruner.torch.BorrowedTensor;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.KvCache;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.prompt.Prompt;
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
  }

  @Override
  public ModelInfo info() {
    return family.info();
  }

  /** Anchors, encodes and prunes 8-bit pictures, resized as the family's processor does. */
  public EncodedVolume encode(SliceImages images, PruningPolicy policy, Progress progress) {
    if (images.count() == 0) {
      throw new IllegalArgumentException("slices: there are none");
    }
    return exclusively(
        () -> {
          long start = System.nanoTime();
          try (PixelSource pixels = family.pixels(images, policy.resizing(), progress)) {
            double prepared = VolumeEncoder.seconds(start);
            return encode(pixels, images.info(), images.spacingMm(), prepared, policy, progress);
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
          try (PointerScope scope = new PointerScope();
              BorrowedTensor borrowed =
                  TorchTensors.borrow(pixels, DType.F32, slices, 3, height, width)) {
            Tensor tensor =
                decoder.cuda()
                    ? borrowed.tensor().to(new org.bytedeco.pytorch.Device("cuda:0"), Ops.F32)
                    : borrowed.tensor();
            try (PixelSource source = family.pixels(tensor)) {
              return encode(source, infos, spacingMm, 0, policy, progress);
            }
          }
        });
  }

  private PrunedVolume encode(
      PixelSource pixels,
      List<SliceInfo> info,
      double spacingMm,
      double preparedSeconds,
      PruningPolicy policy,
      Progress progress) {
    return encode(pixels, vision(pixels), info, spacingMm, preparedSeconds, policy, progress);
  }

  /** The family's encoder on pictures of a source. */
  public VisionEncoder vision(PixelSource pixels) {
    return slices -> family.encode(pixels.pictures(slices), pixels.grid());
  }

  /** Encodes from any source of pictures with any encoder; for callers that share one encoding. */
  public PrunedVolume encode(
      PixelSource pixels,
      VisionEncoder vision,
      List<SliceInfo> info,
      double spacingMm,
      double preparedSeconds,
      PruningPolicy policy,
      Progress progress) {
    VolumeEncoder.Outcome outcome =
        new VolumeEncoder(family, pixels, vision, policy, maxEncoderBytes, workspace, progress)
            .encode(info, spacingMm, preparedSeconds);
    return new PrunedVolume(
        this,
        outcome.policy(),
        outcome.selection(),
        outcome.grid(),
        outcome.packed(),
        Reports.of(outcome, info));
  }

  @Override
  public Generation generate(
      EncodedVolume volume, Prompt prompt, int maxNewTokens, boolean stopOnEnd, Progress progress) {
    if (!(volume instanceof PrunedVolume v) || v.owner() != this) {
      throw new IllegalArgumentException("volume: it was encoded by another model");
    }
    if (maxNewTokens < 0) {
      throw new IllegalArgumentException(
          "maxNewTokens = " + maxNewTokens + ", but it must be >= 1, or 0 for the model's own");
    }
    PrunedPrompt pruned = prune(prompt, v);
    checkContext(pruned);
    int wanted = maxNewTokens > 0 ? maxNewTokens : family.generation().maxNewTokens();
    int most = wanted > 0 ? wanted : DEFAULT_NEW_TOKENS;
    // The last token generated is never fed back, so it needs no position of its own.
    long room = decoder.config().contextLength() - pruned.nextPosition() + 1;
    Set<Integer> stops = stopOnEnd ? family.generation().stopTokens() : Set.of();
    return exclusively(() -> decode(v, pruned, (int) Math.min(most, room), stops, progress));
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

  private void checkContext(PrunedPrompt pruned) {
    int context = decoder.config().contextLength();
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
      PrunedVolume volume, PrunedPrompt prompt, int most, Set<Integer> stops, Progress progress) {
    List<Integer> ids = new ArrayList<>();
    Map<String, Double> timings = new LinkedHashMap<>();
    try (Session session = new Session(decoder, prompt)) {
      long start = System.nanoTime();
      progress.update("prefill", 0, prompt.length());
      int next = first(session, volume.tokens());
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
        KvCache.bytes(decoder.config(), prompt.length(), decoder.elementBytes()),
        stops.contains(ids.getLast()),
        Reports.asked(volume.report(), savings(volume, prompt), timings, List.of()));
  }

  private static int first(Session session, PackedTokens visual) {
    try (PointerScope scope = new PointerScope()) {
      return best(session.logits(session.prefill(visual), 1));
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

  private Savings savings(PrunedVolume volume, PrunedPrompt prompt) {
    return new Savings(
        prompt.fullLength() - prompt.length(),
        KvCache.bytes(decoder.config(), prompt.fullLength(), decoder.elementBytes())
            - KvCache.bytes(decoder.config(), prompt.length(), decoder.elementBytes()),
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
      workspace.close();
      family.close();
    } finally {
      busy.set(false);
    }
  }
}
