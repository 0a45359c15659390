/** Metrics of answers and reports, each strict and as the reference computes it. */
package org.medpruner.eval.metrics;
