/**
 * The bars of this project, measured in one process beside LibTorch, and what the measurement
 * needs: inputs, baselines, ceilings, clocks, results.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.bench;
