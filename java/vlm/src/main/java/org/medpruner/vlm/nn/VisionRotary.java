package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.torch.TorchScope;

/**
 * Rotary embedding of a vision tower over two axes: the first half of a head's frequencies turns
 * with a patch's row, the second half with its column (Qwen2-VL and its descendants). Computed in
 * F32 whatever the type of the model.
 */
public final class VisionRotary {
  private final int headDim;
  private final double theta;

  /**
   * An embedding.
   *
   * @param headDim width of one head, a multiple of 4
   * @param theta base of the frequencies
   */
  public VisionRotary(int headDim, double theta) {
    if (headDim % 4 != 0) {
      throw new IllegalArgumentException("headDim = " + headDim + ", but must be a multiple of 4");
    }
    this.headDim = headDim;
    this.theta = theta;
  }

  /**
   * The angles of a grid's patches, in the grid's order.
   *
   * @return F32 [T, headDim / 2], rows' angles first; a temporary of the caller's scope
   */
  public Tensor angles(PatchGrid grid) {
    return TorchScope.run(
        () -> {
          Tensor frequencies = RotaryEmbedding.inverseFrequencies(theta, headDim / 2).unsqueeze(0);
          Tensor rows = torch.tensor(grid.rows()).to(ScalarType.Float).unsqueeze(1);
          Tensor columns = torch.tensor(grid.columns()).to(ScalarType.Float).unsqueeze(1);
          return torch.cat(new TensorVector(rows.mul(frequencies), columns.mul(frequencies)), -1);
        });
  }

  /**
   * The table of a grid's patches, for {@link #apply}.
   *
   * @return F32 [T, 1, headDim] each, on the device of {@code like}; temporaries of the caller's
   *     scope
   */
  public RotaryEmbedding.Table table(PatchGrid grid, Tensor like) {
    Tensor angles = angles(grid);
    Tensor both = torch.cat(new TensorVector(angles, angles), -1).unsqueeze(1);
    return new RotaryEmbedding.Table(
        both.cos().to(like.device(), ScalarType.Float),
        both.sin().to(like.device(), ScalarType.Float));
  }

  /**
   * Rotates queries or keys.
   *
   * @param x [.., T, heads, headDim]
   * @return as {@code x}, contiguous, of its type; a temporary of the caller's scope
   */
  public static Tensor apply(Tensor x, RotaryEmbedding.Table table) {
    return TorchScope.run(
        () -> RotaryEmbedding.apply(x, table).to(x.scalar_type().intern()).contiguous());
  }
}
