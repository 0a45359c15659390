/** The HTTP server under load. */
@NullMarked
package org.medpruner.bench.serve;

import org.jspecify.annotations.NullMarked;
