/** Benchmarks run over presets: samples, runs that can be resumed, reports. */
package org.medpruner.eval;
