/** Plain-Java oracle of every op: the specification, executable. */
@org.jspecify.annotations.NullMarked
package org.medpruner.oracle;
