/** Intervals and tests of benchmark scores, where several questions may share one volume. */
package org.medpruner.eval.stats;
