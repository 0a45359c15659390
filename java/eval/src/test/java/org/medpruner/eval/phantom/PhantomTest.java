package org.medpruner.eval.phantom;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.medpruner.SliceAnchor;
import org.medpruner.oracle.SliceAnchorOracle;

class PhantomTest {
  private static final List<Organ> ALL = List.of(Organ.values());
  private static final int PLANE = Phantom.SIZE * Phantom.SIZE;

  /** Voxels of the lesion's ellipsoid, from its truth alone. */
  private static List<Integer> voxels(Lesion l) {
    List<Integer> voxels = new ArrayList<>();
    for (int v = 0; v < Phantom.SLICES * PLANE; v++) {
      double[] p = {
        Phantom.pixelMm(v % Phantom.SIZE),
        Phantom.pixelMm(v / Phantom.SIZE % Phantom.SIZE),
        Phantom.sliceMm(v / PLANE)
      };
      double sum = 0;
      for (int axis = 0; axis < 3; axis++) {
        double d = (p[axis] - l.centreMm().get(axis)) / l.semiAxesMm().get(axis);
        sum += d * d;
      }
      if (sum < 1) {
        voxels.add(v);
      }
    }
    return voxels;
  }

  private static double mean(short[] hu, List<Integer> voxels) {
    return voxels.stream().mapToInt(v -> hu[v]).average().orElseThrow();
  }

  @Test
  void truthSaysWhereALesionIsAndWhatItChanges() {
    for (long seed = 1; seed <= 40; seed++) {
      Phantom healthy = Phantom.generate(seed, List.of());
      Phantom ill = Phantom.generate(seed, ALL);
      byte[] labels = labels(seed);
      assertEquals(ALL, ill.lesions().stream().map(Lesion::organ).toList());
      for (Lesion l : ill.lesions()) {
        List<Integer> voxels = voxels(l);
        String at = "seed " + seed + " " + l;
        assertEquals(voxels.size(), l.voxels(), at);
        assertEquals(voxels.stream().map(v -> v / PLANE).distinct().toList(), l.slices(), at);
        // The same seed has the same organs; only noise differs, 3.5 HU over at least 12 voxels.
        double change = mean(ill.hu(), voxels) - mean(healthy.hu(), voxels);
        assertEquals(l.contrastHu(), change, 8, at);
        for (int v : voxels) {
          assertEquals(l.organ().ordinal(), labels[v], at + " lies outside its organ");
        }
      }
    }
  }

  /** Organ of every voxel, as the anatomy of the seed has it. */
  private static byte[] labels(long seed) {
    Anatomy anatomy = new Anatomy(new PhantomRandom(seed));
    byte[] labels = new byte[Phantom.SLICES * PLANE];
    byte[] slice = new byte[PLANE];
    for (int s = 0; s < Phantom.SLICES; s++) {
      anatomy.paint(s, new double[PLANE], slice);
      System.arraycopy(slice, 0, labels, s * PLANE, PLANE);
    }
    return labels;
  }

  @Test
  void sameSeedSameVoxels() {
    Phantom a = Phantom.generate(5, List.of(Organ.LIVER));
    Phantom b = Phantom.generate(5, List.of(Organ.LIVER, Organ.LIVER));
    assertTrue(Arrays.equals(a.hu(), b.hu()));
    assertEquals(a.lesions(), b.lesions());
    Phantom other = Phantom.generate(6, List.of(Organ.LIVER));
    assertFalse(Arrays.equals(a.hu(), other.hu()));
  }

  @Test
  void hardLesionsAreADeclaredMinority() {
    Map<Lesion.Kind, Integer> counts = new EnumMap<>(Lesion.Kind.class);
    int all = 0;
    for (long seed = 0; seed < 100; seed++) {
      for (Lesion l : Phantom.generate(seed, ALL).lesions()) {
        counts.merge(l.kind(), 1, Integer::sum);
        all++;
        double d = l.diameterMm();
        boolean small = l.kind() == Lesion.Kind.SMALL;
        assertTrue(small ? d >= 14 && d < 22 : d >= 24 && d <= 54, l.toString());
        double full = l.organ().isLung() ? 860 : 100;
        boolean faint = l.kind() == Lesion.Kind.FAINT;
        assertTrue(Math.abs(l.contrastHu()) < full == faint, l.toString());
      }
    }
    assertEquals(400, all);
    for (Lesion.Kind hard : List.of(Lesion.Kind.SMALL, Lesion.Kind.FAINT)) {
      int n = counts.getOrDefault(hard, 0);
      assertTrue(n > 20 && n < 65, counts.toString());
    }
  }

  /** Long runs that the default gamma drops, and changes that it sees. */
  @Test
  void neighboursAreNearlyAlike() {
    for (long seed = 0; seed < 10; seed++) {
      short[] hu = Phantom.generate(seed, ALL).hu();
      byte[] pixels = new byte[3 * hu.length];
      int[][] windows = {{-1024, 1024}, {-135, 215}, {0, 80}};
      for (int v = 0; v < hu.length; v++) {
        for (int c = 0; c < 3; c++) {
          int low = windows[c][0];
          int width = windows[c][1] - low;
          long grey = Math.round(255.0 * (Math.clamp(hu[v], low, low + width) - low) / width);
          pixels[3 * v + c] = (byte) grey;
        }
      }
      var params = SliceAnchor.Params.of(0.05).withScale(SliceAnchor.U8_SCALE);
      var result = SliceAnchorOracle.run(params, pixels, 3 * PLANE, new long[] {0, Phantom.SLICES});
      int kept = result.keptCounts()[0];
      assertTrue(kept >= 5 && kept <= 12, seed + ": " + kept + " kept");
    }
  }
}
