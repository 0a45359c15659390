package org.medpruner.vlm.nn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.Function;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.InputException;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.Checkpoint;
import org.medpruner.vlm.checkpoint.StorageType;

/**
 * Turns a checkpoint's weights into LibTorch tensors on the model's device.
 *
 * <p>CPU: weights of the compute type are used where they are mapped. Others are converted, once if
 * the copy of all of them stays below {@link #MAX_CACHED_BYTES}, else block by block at each use.
 * CUDA: copied once, in the compute type.
 *
 * <p>{@link ComputeType#AUTO} is BF16 on a CPU where that pays: it keeps F32 for models that are
 * converted once, because F32 is exact, and for CPUs without bfloat16 products, on which BF16 is 6
 * to 130 times slower.
 */
public final class Weights implements AutoCloseable {
  /** Largest converted copy of a checkpoint that is kept in memory. */
  public static final long MAX_CACHED_BYTES = 2L << 30;

  private static final List<String> HEAD_PREFIXES =
      List.of("lm_head.", "language_model.lm_head.", "model.lm_head.");

  private final Checkpoint checkpoint;
  private final boolean cuda;
  private final boolean cache;
  private final ScalarType compute;
  private final @Nullable Scratch scratch;
  private final Arena arena;
  private final Progress progress;
  private long loaded;
  private final List<AutoCloseable> owned = new ArrayList<>();

  /**
   * The weights of a checkpoint.
   *
   * @param checkpoint closed with this object
   */
  @SuppressWarnings("MustBeClosedChecker") // closed with this object
  public Weights(
      Checkpoint checkpoint,
      boolean cuda,
      ComputeType type,
      long maxCachedBytes,
      Progress progress) {
    this.progress = progress;
    this.arena = Arena.ofShared();
    this.checkpoint = checkpoint;
    this.cuda = cuda;
    this.compute =
        computeType(
            type,
            checkpoint.storageType(),
            checkpoint.parameters(),
            cuda,
            maxCachedBytes,
            CpuFeatures.bf16Products());
    int elementBytes = compute == ScalarType.Float ? Float.BYTES : Short.BYTES;
    this.cache = cuda || checkpoint.parameters() * elementBytes <= maxCachedBytes;
    this.scratch = cache ? null : new Scratch(compute);
  }

  /** What a type asked for means here. */
  static ScalarType computeType(
      ComputeType type,
      StorageType stored,
      long parameters,
      boolean cuda,
      long maxCachedBytes,
      boolean bf16Products) {
    return switch (type) {
      case F32 -> ScalarType.Float;
      case BF16 -> ScalarType.BFloat16;
      case AUTO ->
          stored == StorageType.BF16
                  && (cuda || (bf16Products && parameters * Float.BYTES > maxCachedBytes))
              ? ScalarType.BFloat16
              : ScalarType.Float;
    };
  }

  /**
   * Opens the weights of a folder and builds networks of them.
   *
   * @param build gets the weights, which belong to what it returns; they are closed if it throws
   * @throws InputException if a file or tensor is missing or bad
   * @throws org.medpruner.MedPrunerUnavailableException if LibTorch, or CUDA where it is asked for,
   *     cannot be used
   */
  public static <N> N load(
      Path folder,
      LoadOptions options,
      long maxCachedBytes,
      Progress progress,
      Function<Weights, N> build) {
    TorchRuntime.require();
    if (options.cuda()) {
      TorchRuntime.requireCuda();
      // cuDNN's attention makes a plan for every new length, in every thread, and prompts and
      // caches have new lengths all the time. LibTorch prefers it on some GPUs to kernels that
      // take any.
      torch.globalContext().setSDPUseCuDNN(false);
    }
    Weights weights =
        new Weights(
            Checkpoint.open(folder),
            options.cuda(),
            options.computeType(),
            maxCachedBytes,
            progress);
    boolean ok = false;
    try {
      N networks = build.apply(weights);
      ok = true;
      return networks;
    } catch (RuntimeException e) {
      throw TorchFailures.told(e);
    } finally {
      if (!ok) {
        weights.close();
      }
    }
  }

  /**
   * The first of some prefixes under which a weight exists; checkpoints of one model differ in
   * them.
   *
   * @throws InputException naming the weight if it exists under none
   */
  public String prefix(String suffix, List<String> prefixes) {
    String p = checkpoint.prefixOf(suffix, prefixes);
    if (p == null) {
      throw new InputException(
          "model folder "
              + checkpoint.folder()
              + ": tensor "
              + prefixes.getFirst()
              + suffix
              + " is missing (also looked under "
              + String.join(", ", prefixes.subList(1, prefixes.size()))
              + ")");
    }
    return p;
  }

  /**
   * Name of the output head's weight, or null where the embedding is the head.
   *
   * @param embedding name of the embedding, which is there
   * @throws InputException if the head is to be a weight of its own and there is none
   */
  public @Nullable String head(OutputHead head, String embedding) {
    if (head == OutputHead.OWN) {
      return prefix("weight", HEAD_PREFIXES) + "weight";
    }
    String prefix = checkpoint.prefixOf("weight", HEAD_PREFIXES);
    return prefix == null || checkpoint.same(prefix + "weight", embedding)
        ? null
        : prefix + "weight";
  }

  /** Number of weights. */
  public long parameters() {
    return checkpoint.parameters();
  }

  /** dtype of most weights in the files. */
  public StorageType storageType() {
    return checkpoint.storageType();
  }

  /** dtype of one weight in the files. */
  public StorageType storageType(String name, long... shape) {
    return checkpoint.weight(name, shape).type();
  }

  /** The type the model computes in. */
  public ScalarType compute() {
    return compute;
  }

  /** Whether the model lies on CUDA. */
  public boolean cuda() {
    return cuda;
  }

  /** A weight of a given shape; the returned object lives as long as this one. */
  public Param param(String name, long... shape) {
    return new Param(load(checkpoint.weight(name, shape)), compute, scratch);
  }

  /** An RMS norm's factor: the stored weight and {@code offset}, in F32. */
  public Param normFactor(String name, long size, int offset) {
    Tensor stored = load(checkpoint.weight(name, size));
    return new Param(
        keep(TorchScope.run(() -> stored.to(ScalarType.Float).add(new Scalar((double) offset)))),
        ScalarType.Float);
  }

  private Tensor load(Checkpoint.Weight weight) {
    progress.update(Progress.LOAD, ++loaded, checkpoint.count());
    Tensor mapped = mapped(weight);
    if (cuda) {
      return keep(TorchScope.run(() -> mapped.to(new Device("cuda:0"), compute)));
    }
    if (cache && mapped.scalar_type().intern() != compute) {
      return keep(TorchScope.run(() -> mapped.to(compute)));
    }
    return mapped;
  }

  private Tensor mapped(Checkpoint.Weight weight) {
    DType dtype =
        switch (weight.type()) {
          case F32 -> DType.F32;
          case BF16 -> DType.BF16;
          case F16 -> DType.F16;
          default -> throw new IllegalStateException(weight.name() + " is " + weight.type());
        };
    MemorySegment bytes = weight.bytes();
    if (bytes.address() % dtype.byteSize() != 0) {
      // The format promises no alignment; LibTorch's vector loads need the element's own.
      MemorySegment copy = arena.allocate(Math.max(1, bytes.byteSize()), dtype.byteSize());
      copy.copyFrom(bytes);
      bytes = copy;
    }
    var borrowed = TorchTensors.borrow(bytes, dtype, weight.shape());
    TorchScope.detach(borrowed.tensor());
    owned.add(borrowed);
    return borrowed.tensor();
  }

  private Tensor keep(Tensor tensor) {
    TorchScope.detach(tensor);
    owned.add(tensor);
    return tensor;
  }

  @Override
  public void close() {
    Collections.reverse(owned);
    for (AutoCloseable c : owned) {
      try {
        c.close();
      } catch (Exception e) {
        throw new IllegalStateException("a weight cannot be freed", e);
      }
    }
    owned.clear();
    if (scratch != null) {
      scratch.close();
    }
    if (arena.scope().isAlive()) {
      arena.close();
    }
    checkpoint.close();
  }
}
