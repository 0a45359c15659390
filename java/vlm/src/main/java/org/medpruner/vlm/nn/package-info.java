/**
 * Parts that every model family is built of, on LibTorch's ops: weights, linear and norm layers,
 * rotary embeddings, attention over a prompt, the key-value cache.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.nn;
