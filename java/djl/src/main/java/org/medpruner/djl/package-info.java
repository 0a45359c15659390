/**
 * Pruning for Deep Java Library: {@link org.medpruner.djl.PruneBlock} between an encoder and a
 * decoder, {@link org.medpruner.djl.SliceAnchorBlock} before the encoder, {@link
 * org.medpruner.djl.BorrowedArray} for any other op on an NDArray.
 */
package org.medpruner.djl;
