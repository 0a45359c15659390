package org.medpruner.eval.metrics;

/** Which of the two definitions of a metric. */
public enum Variant {
  /** The metric as its literature defines it, without the reference's quirks. */
  STRICT,
  /** The value that the reference's evaluation code gives, quirks included. */
  REFERENCE
}
