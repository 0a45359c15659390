package org.medpruner.testkit;

import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.oracle.NucleusSelectOracle;

/** A target as a team with one kernel writes it: softmax nuclei, no bounds, the mask alone. */
public final class MaskOnlyTarget implements ConformanceTarget {
  /** Found by name. */
  public MaskOnlyTarget() {}

  @Override
  public boolean supports(Op op, DType dtype) {
    return op == Op.NUCLEUS_SELECT;
  }

  @Override
  public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
    if (in.params().score() != NucleusSelect.Score.SOFTMAX) {
      throw new UnsupportedCaseException("only the softmax score");
    }
    return NucleusSelectOutput.ofMask(
        NucleusSelectOracle.run(in.params(), in.scores(), in.offsets(), in.volumes()).mask());
  }
}
