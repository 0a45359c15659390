package org.medpruner.vlm.nn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;

/**
 * A weight as the model computes with it. Where the stored type is not the compute type and the
 * model is too large to keep both, every use converts anew.
 */
public final class Param {
  private final Tensor stored;
  private final ScalarType compute;
  private final @Nullable Scratch scratch;

  /** A weight whose uses convert the whole of it, if they have to convert. */
  public Param(Tensor stored, ScalarType compute) {
    this(stored, compute, null);
  }

  /**
   * A weight.
   *
   * @param scratch where products convert it block by block; null: all at once
   */
  Param(Tensor stored, ScalarType compute, @Nullable Scratch scratch) {
    this.stored = stored;
    this.compute = compute;
    this.scratch = scratch;
  }

  /** The weight in the compute type: the stored tensor itself, or a temporary copy. */
  public Tensor value() {
    return converts() ? stored.to(compute) : stored;
  }

  /** The weight in the type it is held in. */
  public Tensor stored() {
    return stored;
  }

  /** Whether each use makes a temporary copy. */
  public boolean converts() {
    return stored.scalar_type().intern() != compute;
  }

  /**
   * {@code x W^T + b} over the last dimension, for a weight [out, in].
   *
   * <p>A weight that has to be converted is converted in blocks of rows that stay in the cache,
   * into one buffer that is kept: a fresh copy of the whole costs more in page faults and memory
   * traffic than the product of a few rows.
   *
   * @return [.., out], a temporary of the caller's scope
   */
  public Tensor linear(Tensor x, @Nullable Tensor bias) {
    if (!converts() || scratch == null) {
      return Ops.linear(x, value(), bias);
    }
    long out = stored.size(0);
    long rows = Math.max(1, scratch.elements() / stored.size(1));
    if (rows >= out) {
      return TorchScope.run(() -> Ops.linear(x, scratch.converted(stored), bias));
    }
    return TorchScope.run(
        () -> {
          List<Tensor> parts = new ArrayList<>();
          for (long from = 0; from < out; from += rows) {
            long first = from;
            long count = Math.min(rows, out - from);
            parts.add(
                TorchScope.run(
                    () ->
                        Ops.linear(
                            x,
                            scratch.converted(stored.narrow(0, first, count)),
                            bias == null ? null : bias.narrow(0, first, count))));
          }
          return torch.cat(new TensorVector(parts.toArray(Tensor[]::new)), -1);
        });
  }
}
