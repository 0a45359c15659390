/** The kit as JUnit 5 tests; needs junit-jupiter-api. */
@org.jspecify.annotations.NullMarked
package org.medpruner.testkit.junit;
