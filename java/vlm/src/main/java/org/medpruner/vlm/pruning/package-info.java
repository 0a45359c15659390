/**
 * The two stages of pruning as every model runs them, through the native ops on LibTorch's memory.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.vlm.pruning;
