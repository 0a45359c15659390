package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A weight as the model computes with it. Where the stored type is not the compute type and the
 * model is too large to keep both, every use converts anew, into the caller's scope.
 */
public final class Param {
  private final Tensor stored;
  private final ScalarType compute;

  public Param(Tensor stored, ScalarType compute) {
    this.stored = stored;
    this.compute = compute;
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
}
