/**
 * Public API of MedPruner.
 *
 * <h2>What ops throw</h2>
 *
 * <p>{@code run}, {@code workspaceBytes} and {@code apply} of every op, {@link
 * org.medpruner.PrunePlan#run} and {@link org.medpruner.Graph#launch} name what the caller can get
 * wrong. Beside that, each of them may throw a {@link org.medpruner.MedPrunerException}:
 *
 * <ul>
 *   <li>{@link org.medpruner.MedPrunerUnavailableException}: there is no native library, or the
 *       tensors lie on CUDA, which it or this machine does not have
 *   <li>{@link org.medpruner.MedPrunerOutOfMemoryException}: host memory ran out
 *   <li>{@link org.medpruner.MedPrunerCudaException}: a CUDA call failed, or work queued before did
 *   <li>the exception itself: more than one call takes on CUDA
 * </ul>
 *
 * <h2>What one call takes</h2>
 *
 * <p>More is an {@link IllegalArgumentException} on every device: less than 2^31 slices, and as
 * many patches of a slice ({@link org.medpruner.SliceAnchor}); less than 2^32 tokens ({@link
 * org.medpruner.NucleusSelect}, {@link org.medpruner.Prune}); heads of at most 256 components
 * ({@link org.medpruner.AttentionMass}, {@link org.medpruner.Prune} by attention).
 *
 * <p>More is refused on CUDA alone: less than 2^31 segments, and volumes with bounds; of N patches
 * in G segments, with H heads, (N / 64 + G) * H &lt; 2^31 ({@link org.medpruner.AttentionMass},
 * {@link org.medpruner.Prune} by attention); less than 2^32 tokens, of at most 16776960 channels
 * or, where all rows are aligned to them, units of 16 bytes ({@link org.medpruner.ContextualMerge},
 * {@link org.medpruner.Prune}); of patches of floats some 2^30 rows of patches in all planes of a
 * slice ({@link org.medpruner.SliceAnchor}).
 */
@org.jspecify.annotations.NullMarked
package org.medpruner;
