package org.medpruner.torch;

import java.lang.ref.Reference;
import org.bytedeco.pytorch.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * A LibTorch tensor on memory that LibTorch does not own, together with the owner of that memory,
 * which stays reachable as long as this object is.
 *
 * <p>Tensors that LibTorch derives from it (views, slices) share the memory but do not keep the
 * owner: hold on to this object until they are gone, and do not free the memory before. {@link
 * #close} drops the tensor and is idempotent; it frees no memory.
 *
 * <p>The tensor may be read by several threads, as LibTorch's may. Closing is not guarded against
 * use: no other thread may be in a call on the tensor then.
 */
public final class BorrowedTensor implements AutoCloseable {
  private final Tensor tensor;
  private final @Nullable Object owner;

  BorrowedTensor(Tensor tensor, @Nullable Object owner) {
    this.tensor = tensor;
    this.owner = owner;
  }

  /**
   * The tensor; same address, shape and strides as the memory it was made from.
   *
   * @return the same object at each call; closed with this one, or by the caller
   */
  public Tensor tensor() {
    return tensor;
  }

  @Override
  public void close() {
    tensor.close();
    Reference.reachabilityFence(owner);
  }
}
