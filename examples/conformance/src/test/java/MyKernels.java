// SPDX-License-Identifier: Apache-2.0
import org.medpruner.DType;
import org.medpruner.testkit.*;

/** The library as the kit sees it: what it has, and what it has not. */
public final class MyKernels implements ConformanceTarget {
  @Override
  public boolean supports(Op op, DType dtype) {
    return op == Op.SLICE_ANCHOR && dtype == DType.U8;
  }

  @Override
  public SliceAnchorOutput sliceAnchor(SliceAnchorInput in) {
    var p = in.params();
    if (p.patches() != null) throw new UnsupportedCaseException("whole slices only");
    HostTensor slices = in.slices();
    return SliceAnchorOutput.ofKeep(
        MyLibrary.keep(slices.bytes(), slices.columns(), in.offsets(), p.gamma(), p.scale(), p.maxGap()));
  }
}
