package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a model is shown of a volume, unless somebody says otherwise. */
class VolumeReadingTest {
  private static final ReadOptions THIRD = ReadOptions.DEFAULT.withFrame(3);

  @TempDir Path dir;

  /** From values of which none is the default. */
  @Test
  void eachOneChangesItselfAlone() {
    VolumeReading r = new VolumeReading(Modality.MRI, Axis.CORONAL, true, 7, THIRD);
    assertEquals(
        new VolumeReading(Modality.CT, Axis.CORONAL, true, 7, THIRD), r.withModality(Modality.CT));
    assertEquals(
        new VolumeReading(Modality.MRI, Axis.SAGITTAL, true, 7, THIRD), r.withAxis(Axis.SAGITTAL));
    assertEquals(
        new VolumeReading(Modality.MRI, Axis.CORONAL, false, 7, THIRD), r.withReverse(false));
    assertEquals(new VolumeReading(Modality.MRI, Axis.CORONAL, true, 8, THIRD), r.withMaxSlices(8));
    VolumeReading second = r.withSeries("2");
    assertEquals(
        new VolumeReading(Modality.MRI, Axis.CORONAL, true, 7, new ReadOptions(3, null, "2")),
        second);
    assertEquals(r, second.withSeries(null));
  }

  @Test
  void atLeastOneSlice() {
    assertThrows(IllegalArgumentException.class, () -> VolumeReading.DEFAULT.withMaxSlices(0));
  }

  @Test
  void picturesAreThoseOfItsParts() {
    Volume volume =
        Volumes.read(
            NiftiBytes.int16(2, 3, 1)
                .sform(1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0)
                .shorts(1, 2, 3, 4, 5, 6)
                .write(dir.resolve("v.nii")));
    SliceImages images =
        new VolumeReading(Modality.MRI, Axis.CORONAL, true, 2, ReadOptions.DEFAULT).images(volume);
    SliceImages parts = volume.slices(Axis.CORONAL, true).sample(2).images(Recipe.minMax());
    assertEquals(2, images.count());
    for (int i = 0; i < images.count(); i++) {
      assertArrayEquals(parts.pixels().get(i), images.pixels().get(i));
    }
    assertEquals(parts.info(), images.info());
    assertEquals("MRI min-max over the volume", images.recipe());
  }
}
