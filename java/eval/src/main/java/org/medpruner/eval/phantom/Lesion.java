package org.medpruner.eval.phantom;

import java.util.List;

/**
 * A lesion and where it is. Positions are mm from the volume's centre: x to the patient's left, y
 * to the back, z downwards.
 *
 * @param organ the organ that all of it lies in
 * @param kind typical, or one of the declared hard ones
 * @param centreMm x, y, z
 * @param semiAxesMm half diameters along x, y, z; x and y are equal
 * @param contrastHu its HU less the organ's
 * @param slices presented slices with at least one voxel of it, ascending, from 0
 * @param voxels number of its voxels
 */
public record Lesion(
    Organ organ,
    Kind kind,
    List<Double> centreMm,
    List<Double> semiAxesMm,
    double contrastHu,
    List<Integer> slices,
    int voxels) {
  /** How easy it is to see. */
  public enum Kind {
    /** 30 to 54 mm across, in the spleen from 24, clearly unlike its organ: eight in ten. */
    TYPICAL,
    /** 14 to 22 mm across, one to three slices: one in ten. */
    SMALL,
    /** Of typical size with about a third of the contrast: one in ten. */
    FAINT
  }

  public Lesion {
    centreMm = List.copyOf(centreMm);
    semiAxesMm = List.copyOf(semiAxesMm);
    slices = List.copyOf(slices);
  }

  /** Diameter in the plane of a slice, mm. */
  public double diameterMm() {
    return 2 * semiAxesMm.get(0);
  }
}
