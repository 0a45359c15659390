package org.medpruner.testkit;

import org.medpruner.DType;

/**
 * An implementation under test, on plain Java arrays. Implement the ops you have; the others are
 * reported as unsupported. {@link ConformanceSuite} takes an instance, or finds implementations
 * with {@link java.util.ServiceLoader}; the command line also makes one of a class with a public
 * constructor without parameters.
 *
 * <p>Calls come one at a time from one thread. Inputs are read-only. A valid input must be
 * answered: an exception other than {@link UnsupportedCaseException} is a failure.
 */
public interface ConformanceTarget extends AutoCloseable {
  /** How reports name it. */
  default String name() {
    return getClass().getSimpleName();
  }

  /** Whether the op is implemented for inputs of that dtype, one of {@link Op#dtypes}. */
  boolean supports(Op op, DType dtype);

  /** What it does with bad input; with NONE the refusals are reported as unsupported. */
  default InputChecks inputChecks() {
    return InputChecks.NONE;
  }

  /** The op {@code slice_anchor}. */
  default SliceAnchorOutput sliceAnchor(SliceAnchorInput input) {
    throw missing(input);
  }

  /** The op {@code attention_mass}. */
  default AttentionMassOutput attentionMass(AttentionMassInput input) {
    throw missing(input);
  }

  /** The op {@code nucleus_select}. */
  default NucleusSelectOutput nucleusSelect(NucleusSelectInput input) {
    throw missing(input);
  }

  /** The op {@code contextual_merge}. */
  default ContextualMergeOutput contextualMerge(ContextualMergeInput input) {
    throw missing(input);
  }

  /** The op {@code gather_rows}. */
  default GatherRowsOutput gatherRows(GatherRowsInput input) {
    throw missing(input);
  }

  /** The op {@code prune}. */
  default PruneOutput prune(PruneInput input) {
    throw missing(input);
  }

  /** Frees what the target holds. */
  @Override
  default void close() {}

  private static UnsupportedCaseException missing(OpInput input) {
    return new UnsupportedCaseException(input.op() + " is not implemented");
  }
}
