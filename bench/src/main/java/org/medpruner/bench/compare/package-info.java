/** What pruning saves on a volume, as the command line measures it. */
@NullMarked
package org.medpruner.bench.compare;

import org.jspecify.annotations.NullMarked;
