package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * One buffer on the CPU that blocks of weights are converted into, one after the other. Serves one
 * thread at a time, as a model does; made on first use.
 */
final class Scratch implements AutoCloseable {
  /** Of the compute type: a block of 4 MiB in F32, half of it stored, stays in a core's cache. */
  private static final long ELEMENTS = 1L << 20;

  private final ScalarType type;
  private @Nullable Tensor buffer;
  private long capacity = ELEMENTS;

  Scratch(ScalarType type) {
    this.type = type;
  }

  /** Elements of a block; a single row that is longer still fits. */
  long elements() {
    return ELEMENTS;
  }

  /**
   * A block in the compute type; valid until the next call.
   *
   * @param block [rows, columns], contiguous
   * @return a temporary of the caller's scope
   */
  Tensor converted(Tensor block) {
    long needed = block.numel();
    Tensor held = buffer;
    if (held == null || needed > capacity) {
      // Forgotten before a larger one is asked for, which may not be there.
      close();
      long size = Math.max(capacity, needed);
      held = TorchScope.detach(TorchScope.run(() -> Ops.empty(type, false, size)));
      buffer = held;
      capacity = size;
    }
    Tensor part = held.narrow(0, 0, needed).view(block.size(0), block.size(1));
    part.copy_(block);
    return part;
  }

  @Override
  public void close() {
    if (buffer != null) {
      buffer.close();
      buffer = null;
    }
  }
}
