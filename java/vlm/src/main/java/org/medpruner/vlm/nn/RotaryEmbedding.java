package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.torch.TorchScope;

/**
 * Rotary position embedding over one or three position axes; pairs are (i, i + d/2), as
 * transformers' {@code rotate_half}.
 */
public final class RotaryEmbedding {
  /** Cosines and sines of some positions, each [L, d] in the compute type. */
  public record Table(Tensor cos, Tensor sin) {}

  private final DecoderConfig.Rope rope;
  private final int headDim;

  public RotaryEmbedding(DecoderConfig.Rope rope, int headDim) {
    this.rope = rope;
    this.headDim = headDim;
  }

  /** Position axes this embedding takes: 1, or 3 for time, height and width. */
  public int axes() {
    return rope.sections().isEmpty() ? 1 : rope.sections().size();
  }

  /**
   * The table of some positions; temporaries of the caller's scope.
   *
   * @param positions [axes][L]; one axis stands for all of them, as in text
   */
  public Table table(long[][] positions, Tensor like) {
    if (positions.length != 1 && positions.length != axes()) {
      throw new IllegalArgumentException(
          "positions have " + positions.length + " axes, not " + axes());
    }
    Tensor frequencies =
        inverseFrequencies(rope.theta(), headDim).div(new Scalar(rope.factor())).unsqueeze(0);
    Tensor angles = columns(positions).mul(frequencies);
    Tensor both = torch.cat(new TensorVector(angles, angles), -1);
    return new Table(
        both.cos().to(like.device(), like.scalar_type().intern()),
        both.sin().to(like.device(), like.scalar_type().intern()));
  }

  /** The position each frequency turns by: F32 [L, d/2], or [L, 1] where all are the same. */
  private Tensor columns(long[][] positions) {
    Tensor[] axes = new Tensor[positions.length];
    for (int a = 0; a < axes.length; a++) {
      axes[a] = torch.tensor(positions[a]).to(ScalarType.Float).unsqueeze(1);
    }
    if (axes.length == 1) {
      return axes[0];
    }
    long[] axisOf = new long[headDim / 2];
    for (int i = 0; i < axisOf.length; i++) {
      int axis = i % axes.length;
      axisOf[i] = i < axes.length * rope.sections().get(axis) ? axis : 0;
    }
    return torch.cat(new TensorVector(axes), 1).index_select(1, torch.tensor(axisOf));
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
