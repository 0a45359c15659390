/**
 * Hulu-Med: a vision encoder with 2-D rotary embeddings on patches of any grid, bilinear
 * down-sampling, and a Qwen2 or Qwen3 decoder.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.hulu;
