package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The head MRI and the demo model's phantoms against hashes that nibabel and NumPy made. */
final class RealVolumesTest {

  @Test
  void ch2SlicesEqualNibabel() {
    Path file = TestData.data("ch2.nii.gz");
    Volume v = Volumes.read(file);
    assertEquals(
        "a009051127f64dc3dd554d5f5b589870ea72106d9642c21b4e7093e478cfc309",
        v.provenance().sha256());
    assertArrayEquals(new int[] {181, 217, 181}, v.shape());
    assertArrayEquals(new double[] {1, 1, 1}, v.spacingMm());
    assertEquals("RAS", v.provenance().orientation());
    assertEquals("uint8", v.provenance().dtype());
    assertEquals(List.of(181, 217, 181), v.provenance().shape());
    for (Axis axis : Axis.values()) {
      String key = "ch2." + axis;
      SliceStack stack = v.slices(axis, false);
      assertEquals(Goldens.text(key + ".raw"), Goldens.hashOfBytes(stack), key);
      assertEquals(Goldens.text(key + ".minmax"), Goldens.hash(stack.images(Recipe.minMax())), key);
    }
    SliceStack axial = v.slices();
    assertEquals(180, axial.info(0).sourceIndex());
    assertEquals(Goldens.number("ch2.top"), axial.info(0).positionMm());
    assertEquals(Goldens.number("ch2.bottom"), axial.info(180).positionMm());
    assertEquals(Modality.MRI, Modality.detect(v));
  }

  @Test
  void phantomsAreStoredAsPresentedAndGiveTheTrainingPictures() {
    for (int i = 0; i < 8; i++) {
      String name = "phantom_0" + i;
      Volume v = Volumes.read(TestData.phantom(name + ".nii.gz"));
      assertEquals("LPI", v.provenance().orientation());
      assertArrayEquals(new int[] {112, 112, 24}, v.shape());
      assertArrayEquals(new double[] {3.2, 3.2, 15}, v.spacingMm(), 1e-6);
      SliceStack stack = v.slices();
      for (int k = 0; k < 24; k++) {
        assertEquals(k, stack.info(k).sourceIndex());
      }
      // The stored voxels, slice by slice and row by row, without any reordering.
      assertEquals(Goldens.text(name + ".stored"), Goldens.hashOfShorts(stack), name);
      assertEquals(Modality.CT, Modality.detect(v), name);
      SliceImages rgb = stack.images(Recipe.forModality(Modality.AUTO, v));
      assertEquals(Goldens.text(name + ".rgb"), Goldens.hash(rgb), name);
      assertEquals(15, rgb.spacingMm(), 1e-6);
    }
  }
}
