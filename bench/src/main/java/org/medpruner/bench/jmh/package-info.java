/**
 * JMH benchmarks; each has its baseline in the same run, so that a ratio means something. Not
 * null-marked: JMH fills the state fields in setup methods that NullAway does not know.
 */
package org.medpruner.bench.jmh;
