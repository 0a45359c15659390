package org.medpruner.cli;

import java.util.Arrays;
import java.util.List;
import org.medpruner.vlm.Audit;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.Volume;

/**
 * A volume as read.
 *
 * @param volume voxels and provenance
 * @param images the presented slices
 * @param orientation how the pictures lie, in the words the report looks for; "" when unknown
 * @param seconds reading, digest and windowing
 */
record VolumeInput(Volume volume, SliceImages images, String orientation, double seconds) {
  /** As the audit record has it. */
  Audit.Input audited() {
    return Audit.Input.of(volume);
  }

  String path() {
    return volume.provenance().path().toString();
  }

  String sha256() {
    return volume.provenance().sha256();
  }

  /** Voxels along x (right), y (anterior), z (superior). */
  int[] shape() {
    return volume.shape();
  }

  /** Millimetres along the axes of {@link #shape}, NaN when unknown. */
  double[] spacing() {
    return volume.spacingMm();
  }

  List<String> warnings() {
    return volume.provenance().warnings();
  }

  String shapeText() {
    return String.join(" x ", Arrays.stream(shape()).mapToObj(Integer::toString).toList());
  }
}
