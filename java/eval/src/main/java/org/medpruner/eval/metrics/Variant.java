package org.medpruner.eval.metrics;

/** Which of the two definitions of a metric. */
public enum Variant {
  /** The metric without the reference's quirks, by the rules of docs/metrics.md. */
  STRICT,
  /** The value that the reference's evaluation code gives, quirks included. */
  REFERENCE
}
