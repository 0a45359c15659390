/** How many slices with a small lesion stage 1 keeps; see docs/lesion-study.md. */
@NullMarked
package org.medpruner.bench.lesion;

import org.jspecify.annotations.NullMarked;
