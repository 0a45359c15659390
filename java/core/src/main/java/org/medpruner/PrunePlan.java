package org.medpruner;

import org.jspecify.annotations.Nullable;

/**
 * {@link Prune} for tensors that stay where they are: made once for their extents, run as often as
 * their contents change. It owns the workspace. On CUDA the first run queues the kernels one by one
 * and later ones launch them together as a {@link Graph}; a plan that runs once is never recorded,
 * because recording and instantiating cost the host more than the launches they save. Where CUDA
 * cannot record, for want of memory for instance, and on the CPU every run is a {@link Prune#run}.
 * The results are the same either way.
 *
 * <p>Counts, offsets and masks are read from the device when it runs, so one plan serves any ragged
 * mix of segments with the same totals of tokens, segments and volumes.
 *
 * <p>A {@link NativeBuffer} it uses may be closed only by giving up the plan: further runs are
 * refused, or, once recorded, keep using memory that is freed when the plan is closed. Memory of
 * another owner, a LibTorch tensor for instance, must outlive the plan. Runs write the same
 * outputs, so they take turns and belong on one stream at a time; {@linkplain org.medpruner what
 * they throw}.
 */
public final class PrunePlan implements AutoCloseable {
  private final Prune.Params params;
  private final Prune.Scores scores;
  private final TensorView features;
  private final TensorView offsets;
  private final @Nullable TensorView segments;
  private final @Nullable TensorView volumes;
  private final Prune.Outputs outputs;
  private final NativeBuffer workspace;
  private boolean ran;
  private boolean unrecordable;
  private @Nullable Graph graph;

  private PrunePlan(
      Prune.Params params,
      Prune.Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes,
      Prune.Outputs outputs,
      NativeBuffer workspace) {
    this.params = params;
    this.scores = scores;
    this.features = features;
    this.offsets = offsets;
    this.segments = segments;
    this.volumes = volumes;
    this.outputs = outputs;
    this.workspace = workspace;
  }

  /**
   * Plans the call; nothing runs yet and no tensor is read. The arguments are those of {@link
   * Prune#run}, the caller's and in use until the plan is closed.
   *
   * @param params selection and merging
   * @param scores {@link Prune.Given} masses and pooled keys, or {@link Prune.Attended} queries and
   *     keys
   * @param features F16, BF16 or F32 [N, C]; row stride any. Never written
   * @param offsets I64 [G+1] over the tokens, ascending from 0 to N at every run
   * @param segments null (all stay), or U8 [G], 0 where stage 1 dropped the segment
   * @param volumes null (all segments are one volume), or I64 [V+1] over the segments
   * @param outputs tensors on the device of the features, compact, that overlap nothing else
   * @return a plan that owns its workspace, the caller's to close
   * @throws IllegalArgumentException naming the argument at fault; what concerns the outputs is
   *     found by the first run
   * @throws IllegalStateException if a buffer of an input is closed
   * @throws MedPrunerOutOfMemoryException if there is no memory for the workspace
   */
  public static PrunePlan of(
      Prune.Params params,
      Prune.Scores scores,
      TensorView features,
      TensorView offsets,
      @Nullable TensorView segments,
      @Nullable TensorView volumes,
      Prune.Outputs outputs) {
    Check.notNull("outputs", outputs);
    long bytes = Prune.workspaceBytes(params, scores, features, offsets, volumes);
    return new PrunePlan(
        params,
        scores,
        features,
        offsets,
        segments,
        volumes,
        outputs,
        NativeBuffer.allocate(features.device(), bytes));
  }

  /** {@return the device of the features, where it runs} */
  public Device device() {
    return features.device();
  }

  /** {@return bytes of workspace it owns} */
  public long workspaceBytes() {
    return workspace.byteSize();
  }

  /**
   * {@return whether runs launch a recorded graph: on CUDA from the second on, unless it could not
   * be recorded; on the CPU never}
   */
  public synchronized boolean recorded() {
    return graph != null;
  }

  /**
   * Prunes what the tensors now hold; on CUDA asynchronously on {@code stream}, after what was
   * queued there before. Not within {@link Stream#capture}: record {@link Prune#run} there.
   *
   * @param stream of the features' device, or {@link Stream#DEFAULT}; ignored on the CPU
   * @throws IllegalArgumentException naming the argument at fault
   * @throws IllegalStateException if the plan, the stream, or (before it is recorded) a buffer is
   *     closed
   */
  public synchronized void run(Stream stream) {
    Check.stream(stream, device());
    Graph recorded = graph;
    if (recorded == null && ran && !unrecordable && device().isCuda()) {
      recorded = record();
      graph = recorded;
      unrecordable = recorded == null;
    }
    if (recorded == null) {
      call(stream);
      ran = true;
    } else {
      recorded.launch(stream);
    }
  }

  /**
   * On a stream of its own, because default streams cannot be captured. Null where that fails for
   * another reason than the arguments: the calls worked without it, and will again.
   */
  private @Nullable Graph record() {
    try (Stream side = Stream.create(device())) {
      return side.capture(() -> call(side));
    } catch (MedPrunerException e) {
      return null;
    }
  }

  private void call(Stream stream) {
    Prune.run(
        params,
        scores,
        features,
        offsets,
        segments,
        volumes,
        outputs,
        workspace.view(DType.U8, workspace.byteSize()),
        stream);
  }

  /** Waits for the launches if it was recorded, and frees graph and workspace. Idempotent. */
  @Override
  public synchronized void close() {
    if (graph != null) {
      graph.close();
    }
    workspace.close();
  }

  @Override
  public String toString() {
    return "PrunePlan on " + device() + (recorded() ? ", recorded" : "");
  }
}
