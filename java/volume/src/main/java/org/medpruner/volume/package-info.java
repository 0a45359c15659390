/**
 * Files to voxels to slices to 8-bit RGB pictures:
 *
 * <pre>{@code
 * Volume volume = Volumes.read(Path.of("ct.nii.gz"));
 * SliceStack slices = volume.slices(Axis.AXIAL, false).sample(85);
 * SliceImages pictures = slices.images(Recipe.forModality(Modality.AUTO, volume));
 * SliceImages input = PillowResize.resize(pictures, 896, 896, PillowResize.Filter.BILINEAR);
 * }</pre>
 *
 * Everything bad about an input ends in a {@link org.medpruner.volume.VolumeException} of one line;
 * what can be handled is said in {@link org.medpruner.volume.Provenance#warnings}.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.volume;
