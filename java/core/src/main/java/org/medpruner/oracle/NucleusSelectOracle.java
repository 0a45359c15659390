package org.medpruner.oracle;

/** NucleusSelect in plain Java. */
public final class NucleusSelectOracle {
  private NucleusSelectOracle() {}
}
