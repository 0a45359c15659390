package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Slices in stored order against nibabel and NumPy, and by hand. */
final class StoredSlicesTest {
  @TempDir Path dir;

  private static StoredSlices along(int axis, int count, boolean repeat) {
    return new StoredSlices(axis, count, repeat, null);
  }

  private Volume resource(String name) throws IOException {
    return Volumes.read(Resources.copy(name, dir));
  }

  @Test
  void headMriEqualsNibabelAlongEveryAxis() {
    Volume v = Volumes.read(TestData.data("ch2.nii.gz"));
    for (int axis = 0; axis < 3; axis++) {
      SliceImages images = along(axis, 180, false).images(v);
      assertEquals(180, images.count());
      assertEquals(Goldens.text("stored.ch2." + axis), Goldens.hash(images), "axis " + axis);
    }
  }

  @Test
  void bigEndianAndSecondVersionEqualNibabel() throws IOException {
    Volume v = resource("anatomical.nii");
    for (int axis = 0; axis < 3; axis++) {
      SliceImages images = along(axis, 7, false).images(v);
      assertEquals(Goldens.text("stored.anatomical." + axis), Goldens.hash(images));
    }
    assertEquals(
        Goldens.text("stored.anatomical.repeat"), Goldens.hash(along(2, 180, true).images(v)));
    assertEquals(
        Goldens.text("stored.example_nifti2"),
        Goldens.hash(StoredSlices.DEFAULT.images(resource("example_nifti2.nii.gz"))));
  }

  @Test
  void windowIsAppliedBeforeTheStretch() {
    Volume v = Volumes.read(TestData.phantom("phantom_00.nii.gz"));
    SliceImages images = new StoredSlices(2, 10, false, new Window(-160, 240)).images(v);
    assertEquals(Goldens.text("stored.phantom_00.window"), Goldens.hash(images));
    assertEquals(
        "as stored along file axis 2, window [-160,240], each slice stretched to 0..255",
        images.recipe());
  }

  /** NumPy's linspace of 180 integers, for short and long volumes. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 179, 180, 181, 300, 997})
  void slicesAreSpreadAsNumpyDoes(int n) {
    Volume v =
        Volumes.read(NiftiBytes.int16(1, 1, n).shorts(new int[n]).write(dir.resolve("n.nii")));
    assertEquals(
        Goldens.text("linspace." + n),
        along(2, 180, true).images(v).info().stream()
            .map(i -> Integer.toString(i.sourceIndex()))
            .collect(Collectors.joining(" ")));
    assertEquals(Math.min(n, 180), along(2, 180, false).images(v).count());
  }

  /** Rows along x, columns along y, whatever the orientation; the positions are the scanner's. */
  @Test
  void storedOrderByHand() {
    // x runs to the left, z to inferior.
    Volume v =
        Volumes.read(
            NiftiBytes.int16(2, 3, 2)
                .sform(1, -2, 0, 0, 0, 0, 3, 0, 0, 0, 0, -4, 100)
                .shorts(0, 10, 20, 30, 40, 50, 7, 7, 7, 7, 7, 7)
                .write(dir.resolve("hand.nii")));
    SliceImages images = StoredSlices.DEFAULT.images(v);
    assertEquals(2, images.height());
    assertEquals(3, images.width());
    int[] got = new int[6];
    for (int i = 0; i < 6; i++) {
      got[i] = images.pixels().get(0)[3 * i] & 0xff;
    }
    // Row x = 0 holds 0, 20, 40; row x = 1 holds 10, 30, 50; 255 / 50 a step, fractions cut off.
    assertArrayEquals(new int[] {0, 102, 204, 51, 153, 255}, got);
    assertArrayEquals(new byte[18], images.pixels().get(1), "a slice of one value is black");
    assertEquals(100, images.info().get(0).positionMm());
    assertEquals(96, images.info().get(1).positionMm());
    assertEquals(1, images.info().get(1).sourceIndex());
    assertEquals(4, images.spacingMm());
  }

  @Test
  void voxelsThatAreNotFiniteAreBlackAndDoNotStretch() {
    Volume v =
        Volumes.read(
            new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 16, 32, 2, 2, 1)
                .floats(Float.NaN, 1, Float.POSITIVE_INFINITY, 3)
                .write(dir.resolve("nan.nii")));
    byte[] p = StoredSlices.DEFAULT.images(v).pixels().getFirst();
    assertArrayEquals(new byte[] {0, 0, 0, (byte) 255}, new byte[] {p[0], p[3], p[6], p[9]});
  }

  @Test
  void whatHasNoStoredOrderIsRefused() throws IOException {
    Resources.copy("pictures/grey.png", dir);
    Volume pictures = Volumes.read(dir);
    VolumeException e =
        assertThrows(VolumeException.class, () -> StoredSlices.DEFAULT.images(pictures));
    assertTrue(String.valueOf(e.getMessage()).contains("need a NIfTI file"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> along(3, 1, false));
    assertThrows(IllegalArgumentException.class, () -> along(2, 0, false));
  }
}
