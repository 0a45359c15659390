package org.medpruner.vlm.gemma;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * A weight as the model computes with it. Where the stored type is not the compute type and the
 * model is too large to keep both, every use converts anew, into the caller's scope.
 */
final class Param {
  private final Tensor stored;
  private final ScalarType compute;

  Param(Tensor stored, ScalarType compute) {
    this.stored = stored;
    this.compute = compute;
  }

  /** The weight in the compute type: the stored tensor itself, or a temporary copy. */
  Tensor value() {
    return converts() ? stored.to(compute) : stored;
  }

  /** The weight in the type it is held in. */
  Tensor stored() {
    return stored;
  }

  /** Whether each use makes a temporary copy. */
  boolean converts() {
    return stored.scalar_type().intern() != compute;
  }
}
