package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.checkpoint.TextConfig;

/** Rotary position embedding; pairs are (i, i + d/2), as transformers' {@code rotate_half}. */
public final class RotaryEmbedding {
  /** Cosines and sines of some positions, each [L, d] in the compute type. */
  public record Table(Tensor cos, Tensor sin) {}

  private final TextConfig.Rope rope;
  private final int headDim;

  public RotaryEmbedding(TextConfig.Rope rope, int headDim) {
    this.rope = rope;
    this.headDim = headDim;
  }

  /** The table of some positions; temporaries of the caller's scope. */
  public Table table(long[] positions, Tensor like) {
    // Step for step as transformers, in f32: at position 2,000 one rounding of a frequency more or
    // less turns an angle by 1e-4.
    long[] even = new long[headDim / 2];
    for (int i = 0; i < even.length; i++) {
      even[i] = 2L * i;
    }
    Tensor exponents = torch.tensor(even).to(ScalarType.Float).div(new Scalar((double) headDim));
    Tensor frequencies =
        torch
            .pow(new Scalar(rope.theta()), exponents)
            .reciprocal()
            .div(new Scalar(rope.factor()))
            .unsqueeze(0);
    Tensor angles = torch.tensor(positions).to(ScalarType.Float).unsqueeze(1).mul(frequencies);
    Tensor both = torch.cat(new TensorVector(angles, angles), -1);
    return new Table(
        both.cos().to(like.device(), like.scalar_type().intern()),
        both.sin().to(like.device(), like.scalar_type().intern()));
  }

  /** Rotates {@code x [heads, L, d]}. */
  public static Tensor apply(Tensor x, Table table) {
    return TorchScope.run(
        () -> {
          long half = x.size(2) / 2;
          Tensor turned =
              torch.cat(
                  new TensorVector(
                      x.narrow(2, half, half).mul(new Scalar(-1.0)), x.narrow(2, 0, half)),
                  -1);
          return x.mul(table.cos()).add(turned.mul(table.sin()));
        });
  }
}
