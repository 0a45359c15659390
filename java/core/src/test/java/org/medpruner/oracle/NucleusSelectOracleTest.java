package org.medpruner.oracle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** The oracle's own exponential against the platform's. */
class NucleusSelectOracleTest {

  @Test
  void weightsAreTheExponentialTo31Bits() {
    assertEquals(1L << 31, NucleusSelectOracle.exp2Weight(0));
    assertEquals(1L << 30, NucleusSelectOracle.exp2Weight(-1));
    assertEquals(1, NucleusSelectOracle.exp2Weight(-31));
    assertEquals(0, NucleusSelectOracle.exp2Weight(-32));
    assertEquals(0, NucleusSelectOracle.exp2Weight(Double.NEGATIVE_INFINITY));
    long last = 1L << 31;
    for (int i = 0; i <= 32 * 1024; i++) {
      double y = -i / 1024.0;
      long w = NucleusSelectOracle.exp2Weight(y);
      double exact = StrictMath.pow(2, y + 31);
      // The polynomial is within 2.0e-9 relative, then half a unit of rounding.
      assertEquals(exact, (double) w, 2.0e-9 * exact + 0.5000001, "y = " + y);
      assertTrue(w <= last, "not monotone at " + y);
      last = w;
    }
  }
}
