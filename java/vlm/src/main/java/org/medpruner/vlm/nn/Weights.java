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
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.DType;
import org.medpruner.InputException;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.torch.TorchScope;
import org.medpruner.torch.TorchTensors;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.checkpoint.Checkpoint;
import org.medpruner.vlm.checkpoint.StorageType;

/**
 * Turns a checkpoint's weights into LibTorch tensors on the model's device.
 *
 * <p>CPU: F32 weights are used where they are mapped. BF16 and F16 weights are computed in F32,
 * because half-precision products are 6 to 130 times slower on CPUs without AVX-512; a model whose
 * F32 copy stays below {@link #MAX_CACHED_BYTES} is converted once, a larger one layer by layer at
 * each use. CUDA: copied once; BF16 stays BF16, everything else becomes F32.
 */
public final class Weights implements AutoCloseable {
  /** Largest F32 copy of a half-precision checkpoint that is kept in memory. */
  public static final long MAX_CACHED_BYTES = 2L << 30;

  private static final List<String> HEAD_PREFIXES =
      List.of("lm_head.", "language_model.lm_head.", "model.lm_head.");

  private final Checkpoint checkpoint;
  private final boolean cuda;
  private final boolean cache;
  private final ScalarType compute;
  private final Arena arena;
  private final Progress progress;
  private long loaded;
  private final List<AutoCloseable> owned = new ArrayList<>();

  @SuppressWarnings("MustBeClosedChecker") // closed with this object
  public Weights(Checkpoint checkpoint, boolean cuda, long maxCachedBytes, Progress progress) {
    this.progress = progress;
    this.arena = Arena.ofShared();
    this.checkpoint = checkpoint;
    this.cuda = cuda;
    this.compute =
        cuda && checkpoint.storageType() == StorageType.BF16
            ? ScalarType.BFloat16
            : ScalarType.Float;
    this.cache = cuda || checkpoint.parameters() * Float.BYTES <= maxCachedBytes;
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
      boolean cuda,
      long maxCachedBytes,
      Progress progress,
      Function<Weights, N> build) {
    TorchRuntime.require();
    if (cuda) {
      TorchRuntime.requireCuda();
    }
    Weights weights = new Weights(Checkpoint.open(folder), cuda, maxCachedBytes, progress);
    boolean ok = false;
    try {
      N networks = build.apply(weights);
      ok = true;
      return networks;
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

  /** Name of the output head's weight, or null where the embedding is the head. */
  public @Nullable String head(boolean tied) {
    return tied ? null : prefix("weight", HEAD_PREFIXES) + "weight";
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
    return new Param(load(checkpoint.weight(name, shape)), compute);
  }

  /** An RMS norm's factor: the stored weight and {@code offset}, in F32. */
  public Param normFactor(String name, long size, int offset) {
    Tensor stored = load(checkpoint.weight(name, size));
    return new Param(
        keep(TorchScope.run(() -> stored.to(ScalarType.Float).add(new Scalar((double) offset)))),
        ScalarType.Float);
  }

  private Tensor load(Checkpoint.Weight weight) {
    progress.update("load", ++loaded, checkpoint.count());
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
    if (arena.scope().isAlive()) {
      arena.close();
    }
    checkpoint.close();
  }
}
