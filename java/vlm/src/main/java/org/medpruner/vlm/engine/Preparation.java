package org.medpruner.vlm.engine;

import java.util.function.UnaryOperator;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.vlm.checkpoint.PreprocessorConfig;
import org.medpruner.volume.SliceImages;

/**
 * How a family's processor turns the 8-bit pictures of a volume into what its encoder sees. Of one
 * family, two with the same size differ in nothing.
 *
 * @param first what is done to the pictures before they are resized; usually nothing
 * @param values size, filter and normalisation
 * @param grid patches and tokens of each slice
 * @param layout turns normalised [B, height, width, 3] of any strides into what the encoder takes
 */
public record Preparation(
    UnaryOperator<SliceImages> first,
    PreprocessorConfig values,
    SliceGrid grid,
    UnaryOperator<Tensor> layout) {

  /** Nothing comes before resizing. */
  public Preparation(PreprocessorConfig values, SliceGrid grid, UnaryOperator<Tensor> layout) {
    this(UnaryOperator.identity(), values, grid, layout);
  }

  /** Size of the processed pictures. */
  SmartResize.Size size() {
    return new SmartResize.Size(values.height(), values.width());
  }
}
