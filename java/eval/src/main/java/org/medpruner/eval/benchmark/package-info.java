/** Reads benchmarks from their own files and folders. */
@org.jspecify.annotations.NullMarked
package org.medpruner.eval.benchmark;
