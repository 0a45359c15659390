/**
 * DICOM files to stored pixel values and where they lie. Not exported: {@code
 * org.medpruner.volume.Volumes} is the way in.
 *
 * <p>Only the elements of {@link org.medpruner.volume.dicom.Tag} are ever kept, none of which names
 * a patient, and no message quotes a text of a header, a path or a file name.
 */
@org.jspecify.annotations.NullMarked
package org.medpruner.volume.dicom;
