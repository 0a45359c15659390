package org.medpruner.eval.phantom;

import static org.medpruner.eval.phantom.Ellipsoid.EVERYWHERE;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * One patient's organs, as ellipsoids with one HU value each, in the order in which they are
 * painted. Sizes and places vary by a few per cent, as do HU values.
 */
final class Anatomy {
  /** Air around the body. */
  static final double AIR_HU = -1000;

  private record Part(Ellipsoid shape, double hu, byte label) {}

  /** Label of what cannot hold a lesion; an organ's is its ordinal. */
  static final byte OTHER = -1;

  private final Ellipsoid body;
  private final List<Part> parts = new ArrayList<>();
  private final Map<Organ, Ellipsoid> organs = new EnumMap<>(Organ.class);
  private final Map<Organ, Double> organHu = new EnumMap<>(Organ.class);

  Anatomy(PhantomRandom r) {
    double halfWidth = 151 + 5 * r.bell();
    double halfDepth = 110 + 5 * r.bell();
    double lean = 1 - r.uniform(0, 0.07);
    body = new Ellipsoid(0, 0, 0, halfWidth, halfDepth, EVERYWHERE);
    add(body, -100 + 5 * r.bell());
    add(new Ellipsoid(0, 0, 0, halfWidth * lean, halfDepth * lean, EVERYWHERE), 40 + 5 * r.bell());
    organ(r, Organ.RIGHT_LUNG, new Ellipsoid(-71, -9, -78, 50, 71, 107), -820);
    organ(r, Organ.LEFT_LUNG, new Ellipsoid(71, -9, -78, 48, 71, 104), -820);
    organ(r, Organ.LIVER, new Ellipsoid(-57, 4, 107, 75, 75, 73), 110);
    organ(r, Organ.SPLEEN, new Ellipsoid(89, 21, 107, 33, 44, 52), 120);
    double kidneys = r.uniform(135, 235); // beyond 212 they are below the last slice
    double kidneyHu = r.uniform(130, 190);
    add(new Ellipsoid(-50 + 3 * r.bell(), 60, kidneys + 8, 18, 22, 40), kidneyHu);
    add(new Ellipsoid(50 + 3 * r.bell(), 60, kidneys - 4, 18, 22, 40), kidneyHu);
    add(new Ellipsoid(0, 75, 0, 18, 18, EVERYWHERE), 400 + 30 * r.bell());
    add(new Ellipsoid(0, 0, -35, 21, 25, 43), r.uniform(45, 120));
    double aorta = r.uniform(7, 10);
    add(new Ellipsoid(9 + r.bell(), 47, 0, aorta, aorta, EVERYWHERE), r.uniform(40, 180));
  }

  private void add(Ellipsoid shape, double hu) {
    parts.add(new Part(shape, hu, OTHER));
  }

  private void organ(PhantomRandom r, Organ organ, Ellipsoid mean, double hu) {
    double size = 1 + 0.03 * r.bell();
    Ellipsoid e =
        new Ellipsoid(
            mean.x() + 3.5 * r.bell(),
            mean.y() + 3.5 * r.bell(),
            mean.z() + 8.6 * r.bell(),
            mean.rx() * size,
            mean.ry() * size,
            mean.rz() * size);
    double own = hu + 8 * r.bell();
    organs.put(organ, e);
    organHu.put(organ, own);
    parts.add(new Part(e, own, (byte) organ.ordinal()));
  }

  Ellipsoid shape(Organ organ) {
    return Objects.requireNonNull(organs.get(organ));
  }

  double hu(Organ organ) {
    return Objects.requireNonNull(organHu.get(organ));
  }

  /** HU and organ label of every voxel of one slice, before lesions and noise. */
  void paint(int slice, double[] hu, byte[] label) {
    double z = Phantom.sliceMm(slice);
    for (int row = 0, i = 0; row < Phantom.SIZE; row++) {
      double y = Phantom.pixelMm(row);
      for (int column = 0; column < Phantom.SIZE; column++, i++) {
        double x = Phantom.pixelMm(column);
        hu[i] = AIR_HU;
        label[i] = OTHER;
        if (body.contains(x, y, z)) {
          for (Part p : parts) {
            if (p.shape.contains(x, y, z)) {
              hu[i] = p.hu;
              label[i] = p.label;
            }
          }
        }
      }
    }
  }
}
