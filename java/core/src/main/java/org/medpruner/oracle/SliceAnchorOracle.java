package org.medpruner.oracle;

/** Slice anchoring in plain Java. */
public final class SliceAnchorOracle {
  private SliceAnchorOracle() {}
}
