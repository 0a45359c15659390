package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Axes, affines, presented order and positions. */
final class OrientationTest {
  private static final int[][] PERMUTATIONS = {
    {0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}
  };

  @TempDir Path dir;

  /**
   * For all 48 ways to store a volume: every voxel is found where its own scanner coordinate puts
   * it, worked out from the affine alone, and is presented where the radiological convention wants
   * it.
   */
  @Test
  void all48AxisOrders() {
    int[] n = {3, 4, 5};
    double[] zoom = {0.5, 2, 3};
    Set<String> codes = new HashSet<>();
    for (int[] p : PERMUTATIONS) {
      for (int signs = 0; signs < 8; signs++) {
        double[] rows = new double[12];
        for (int a = 0; a < 3; a++) {
          rows[4 * p[a] + a] = (signs >> a & 1) == 0 ? zoom[a] : -zoom[a];
          rows[4 * a + 3] = 10 * a - 7;
        }
        int[] values = new int[60];
        Arrays.setAll(values, i -> i);
        Path file =
            NiftiBytes.int16(n[0], n[1], n[2])
                .shorts(values)
                .sform(2, rows)
                .write(dir.resolve("o.nii"));
        Volume v = Volumes.read(file);
        codes.add(v.provenance().orientation());
        double[] low = lowest(rows, n);
        double[] spacing = v.spacingMm();
        for (int i = 0; i < 60; i++) {
          int[] ijk = {i % 3, i / 3 % 4, i / 12};
          int[] ras = new int[3];
          for (int r = 0; r < 3; r++) {
            double world = world(rows, r, ijk);
            ras[r] = (int) Math.rint((world - low[r]) / spacing[r]);
            assertEquals(world, v.affine()[r][r] * ras[r] + v.affine()[r][3], 1e-9);
          }
          assertEquals(i, v.value(ras[0], ras[1], ras[2]));
          for (Axis axis : Axis.values()) {
            checkPresented(v, axis, ras, ijk, p, i, world(rows, sliceRow(axis), ijk));
          }
        }
      }
    }
    assertEquals(48, codes.size());
    assertTrue(codes.contains("RAS") && codes.contains("LPI") && codes.contains("SPL"));
  }

  private static int sliceRow(Axis axis) {
    return axis == Axis.AXIAL ? 2 : axis == Axis.CORONAL ? 1 : 0;
  }

  private static void checkPresented(
      Volume v, Axis axis, int[] ras, int[] ijk, int[] p, int value, double world) {
    int[] shape = v.shape();
    int[] from = {shape[0] - 1 - ras[0], shape[1] - 1 - ras[1], shape[2] - 1 - ras[2]};
    int[] at =
        switch (axis) {
          case AXIAL -> new int[] {from[2], from[1], from[0]};
          case CORONAL -> new int[] {from[1], from[2], from[0]};
          case SAGITTAL -> new int[] {from[0], from[2], from[1]};
        };
    SliceStack stack = v.slices(axis, false);
    assertEquals(value, stack.values(at[0])[at[1] * stack.width() + at[2]]);
    SliceInfo info = stack.info(at[0]);
    assertEquals(at[0], info.index());
    assertEquals(world, info.positionMm(), 1e-9);
    int fileAxis = 0;
    while (p[fileAxis] != sliceRow(axis)) {
      fileAxis++;
    }
    assertEquals(ijk[fileAxis], info.sourceIndex());
    SliceStack reversed = v.slices(axis, true);
    int mirrored = stack.count() - 1 - at[0];
    assertArrayEquals(stack.values(at[0]), reversed.values(mirrored));
    assertEquals(
        new SliceInfo(mirrored, info.sourceIndex(), info.positionMm()), reversed.info(mirrored));
  }

  private static double world(double[] rows, int r, int[] ijk) {
    return rows[4 * r] * ijk[0]
        + rows[4 * r + 1] * ijk[1]
        + rows[4 * r + 2] * ijk[2]
        + rows[4 * r + 3];
  }

  private static double[] lowest(double[] rows, int[] n) {
    double[] low = new double[3];
    for (int r = 0; r < 3; r++) {
      low[r] =
          Math.min(
              world(rows, r, new int[3]), world(rows, r, new int[] {n[0] - 1, n[1] - 1, n[2] - 1}));
    }
    return low;
  }

  @Test
  void obliqueAndShearedAffinesTurnAsInNibabel() throws Exception {
    for (String line : Resources.lines("affines.txt")) {
      String[] parts = line.split(" ", -1);
      double[][] affine = new double[4][4];
      affine[3][3] = 1;
      for (int i = 0; i < 12; i++) {
        affine[i / 4][i % 4] = Double.parseDouble(parts[1 + i] + suffix(parts[1 + i]));
      }
      Orientation o = Orientation.of(affine);
      assertNotNull(o);
      assertEquals(parts[0], o.code(), line);
    }
  }

  @Test
  void qformsAndBareVoxelSizesAsInNibabel() throws Exception {
    for (boolean v2 : new boolean[] {false, true}) {
      for (String line : Resources.lines("qforms.txt")) {
        String[] parts = line.split(" ", -1);
        double[] f = new double[parts.length];
        for (int i = 0; i < f.length; i++) {
          f[i] = Double.parseDouble(parts[i] + suffix(parts[i]));
        }
        int code = (int) f[0];
        NiftiBytes n =
            new NiftiBytes(v2, ByteOrder.BIG_ENDIAN, 2, 8, 3, 4, 5).data(new byte[60]).sform(0);
        for (int i = 0; i < 4; i++) {
          n.pixdim(i, f[1 + i]);
        }
        n.qform(code, Arrays.copyOfRange(f, 5, 11));
        Path file = n.write(dir.resolve("q.nii"));
        NiftiHeader h = NiftiHeader.parse(file, Arrays.copyOf(n.header.array(), v2 ? 540 : 348));
        for (int i = 0; i < 12; i++) {
          assertEquals(f[11 + i], h.affine[i / 4][i % 4], 1e-6, line);
        }
        boolean said =
            Volumes.read(file).provenance().warnings().stream()
                .anyMatch(w -> w.contains("no sform"));
        assertEquals(code == 0, said);
      }
    }
  }

  /** Java wants a binary exponent after a hexadecimal float; Python always writes one. */
  private static String suffix(String number) {
    return number.contains("x") && !number.contains("p") ? "p0" : "";
  }

  @Test
  void aQuarterTurnByHand() {
    // 90 degrees about z: the first file axis points anterior, the second left. b = c = 0,
    // d = sin 45.
    NiftiBytes n = NiftiBytes.int16(2, 3, 1).shorts(0, 1, 2, 3, 4, 5).sform(0);
    n.qform(1, 0, 0, Math.sqrt(0.5), 100, 0, 0).pixdim(1, 2).pixdim(2, 3).pixdim(3, 4);
    Volume v = Volumes.read(n.write(dir.resolve("t.nii")));
    assertEquals("ALS", v.provenance().orientation());
    assertArrayEquals(new int[] {3, 2, 1}, v.shape());
    assertArrayEquals(new double[] {3, 2, 4}, v.spacingMm(), 1e-6);
    // x = 0 is leftmost: j = 2. y grows with i.
    assertEquals(4, v.value(0, 0, 0));
    assertEquals(5, v.value(0, 1, 0));
    assertEquals(0, v.value(2, 0, 0));
    assertEquals(94, v.affine()[0][3], 1e-5);
  }

  @Test
  void sformGoesBeforeQform() {
    NiftiBytes n = NiftiBytes.int16(2, 1, 1).shorts(1, 2).qform(1, 0, 0, 0, 9, 9, 9);
    n.sform(1, -1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0);
    assertEquals("LAS", Volumes.read(n.write(dir.resolve("a.nii"))).provenance().orientation());
    n.sform(0);
    assertEquals("RAS", Volumes.read(n.write(dir.resolve("a.nii"))).provenance().orientation());
  }

  @Test
  void positionsOfAnObliqueVolumeAreTheCentresOfItsSlices() {
    double c = Math.cos(0.3);
    double s = Math.sin(0.3);
    NiftiBytes n = NiftiBytes.int16(3, 5, 4).shorts(new int[60]);
    n.sform(1, 1, 0, 0, 0, 0, c, -2 * s, 0, 0, s, 2 * c, 7);
    SliceStack stack = Volumes.read(n.write(dir.resolve("b.nii"))).slices();
    assertEquals(2, stack.spacingMm(), 1e-6);
    for (int k = 0; k < 4; k++) {
      // The centre of the plane is j = 2.
      assertEquals(7 + 2 * s + 2 * c * (3 - k), stack.info(k).positionMm(), 1e-6);
    }
  }
}
