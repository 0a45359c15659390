package org.medpruner.testkit;

import org.medpruner.DType;

/**
 * An implementation under test, on plain Java arrays. Implement the ops you have; the others are
 * reported as unsupported. {@link ConformanceSuite} takes an instance, or finds implementations
 * with {@link java.util.ServiceLoader}; the command line also makes one of a class with a public
 * constructor without parameters.
 *
 * <p>Calls come one at a time from one thread. Inputs are read-only. A valid input must be
 * answered: an exception other than {@link UnsupportedCaseException} is a failure, and so is null.
 *
 * <p>What each op computes is written in its header, which lies beside these classes as {@code
 * include/medpruner/<op>.h}.
 */
public interface ConformanceTarget extends AutoCloseable {
  /** {@return how reports name it; the simple name of the class unless overridden} */
  default String name() {
    return getClass().getSimpleName();
  }

  /**
   * Whether an op is implemented.
   *
   * @param op any
   * @param dtype one of {@link Op#dtypes}
   * @return whether inputs of that dtype are answered; if not, they are reported as unsupported
   */
  boolean supports(Op op, DType dtype);

  /**
   * {@return what it does with bad input} With {@link InputChecks#NONE}, the default, the refusals
   * are reported as unsupported.
   */
  default InputChecks inputChecks() {
    return InputChecks.NONE;
  }

  /**
   * The op {@code slice_anchor}.
   *
   * @param input of a supported dtype; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
  default SliceAnchorOutput sliceAnchor(SliceAnchorInput input) {
    throw missing(input);
  }

  /**
   * The op {@code attention_mass}.
   *
   * @param input of a supported dtype; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
  default AttentionMassOutput attentionMass(AttentionMassInput input) {
    throw missing(input);
  }

  /**
   * The op {@code nucleus_select}.
   *
   * @param input of F32 scores; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
  default NucleusSelectOutput nucleusSelect(NucleusSelectInput input) {
    throw missing(input);
  }

  /**
   * The op {@code contextual_merge}.
   *
   * @param input of a supported dtype; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
  default ContextualMergeOutput contextualMerge(ContextualMergeInput input) {
    throw missing(input);
  }

  /**
   * The op {@code gather_rows}.
   *
   * @param input of a supported dtype; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
  default GatherRowsOutput gatherRows(GatherRowsInput input) {
    throw missing(input);
  }

  /**
   * The op {@code prune}.
   *
   * @param input of a supported dtype; read-only
   * @return the outputs, those that the target does not have null
   * @throws UnsupportedCaseException for a case that it does not implement
   */
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
