/**
 * Whole models at their real sizes: random checkpoints, and what loading and running them takes.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.bench.model;
