package org.medpruner.oracle;

/** ContextualMerge in plain Java. */
public final class ContextualMergeOracle {
  private ContextualMergeOracle() {}
}
