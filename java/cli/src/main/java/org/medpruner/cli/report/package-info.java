/** The self-contained HTML page of {@code --report}. */
@org.jspecify.annotations.NullMarked
package org.medpruner.cli.report;
