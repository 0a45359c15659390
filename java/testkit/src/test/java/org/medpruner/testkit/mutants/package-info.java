/** A second implementation of the ops, and one spoiled line of it at a time. */
@org.jspecify.annotations.NullMarked
package org.medpruner.testkit.mutants;
