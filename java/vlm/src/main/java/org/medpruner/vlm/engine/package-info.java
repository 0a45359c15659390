/**
 * One request from pictures to token ids, the same for every model family: anchoring, encoding,
 * pruning, the pruned prompt, decoding. What differs is behind {@link
 * org.medpruner.vlm.engine.ModelFamily}.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.engine;
