/** Conformance kit: cases, rules and tolerances for implementations of MedPruner's ops. */
@org.jspecify.annotations.NullMarked
package org.medpruner.testkit;
