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
    Tensor frequencies =
        inverseFrequencies(rope.theta(), headDim).div(new Scalar(rope.factor())).unsqueeze(0);
    Tensor angles = torch.tensor(positions).to(ScalarType.Float).unsqueeze(1).mul(frequencies);
    Tensor both = torch.cat(new TensorVector(angles, angles), -1);
    return new Table(
        both.cos().to(like.device(), like.scalar_type().intern()),
        both.sin().to(like.device(), like.scalar_type().intern()));
  }

  /**
   * theta^(-2i/d) for i in [0, d/2), in F32: step for step as transformers, because at position
   * 2,000 one rounding of a frequency more or less turns an angle by 1e-4.
   *
   * @return [d / 2] on the CPU, a temporary of the caller's scope
   */
  static Tensor inverseFrequencies(double theta, int d) {
    long[] even = new long[d / 2];
    for (int i = 0; i < even.length; i++) {
      even[i] = 2L * i;
    }
    Tensor exponents = torch.tensor(even).to(ScalarType.Float).div(new Scalar((double) d));
    return torch.pow(new Scalar(theta), exponents).reciprocal();
  }

  /**
   * Rotates the last dimension of {@code x}.
   *
   * @param x [heads, L, d], or of any shape the table broadcasts to
   */
  public static Tensor apply(Tensor x, Table table) {
    return TorchScope.run(
        () -> {
          long half = x.size(-1) / 2;
          Tensor turned =
              torch.cat(
                  new TensorVector(
                      x.narrow(-1, half, half).mul(new Scalar(-1.0)), x.narrow(-1, 0, half)),
                  -1);
          return x.mul(table.cos()).add(turned.mul(table.sin()));
        });
  }
}
