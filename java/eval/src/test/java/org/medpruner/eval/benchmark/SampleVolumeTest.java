package org.medpruner.eval.benchmark;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.eval.Sample;
import org.medpruner.eval.TestData;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.VolumeException;

/** Volumes as the model sees them. */
class SampleVolumeTest {
  @TempDir Path data;

  private SliceImages read(String volume, int max) {
    Sample s = new Sample("x", volume, "c", Sample.Kind.OPEN, "q", "a", Map.of());
    SampleVolume v = SampleVolume.read(data, s, max);
    assertTrue(v.sha256().matches("[0-9a-f]{64}"), v.sha256());
    return v.images();
  }

  /** The first byte of each slice. */
  private static List<Integer> levels(SliceImages images) {
    return images.pixels().stream().map(p -> p[0] & 0xff).toList();
  }

  @Test
  void picturesAreInByteOrder() {
    for (int i : new int[] {1, 2, 10}) {
      TestData.picture(data.resolve("amos_0034/" + i + ".png"), 2, i);
    }
    assertEquals(List.of(1, 10, 2), levels(read("amos_0034", 85)));
    Sample s = new Sample("x", "amos_0034", "c", Sample.Kind.OPEN, "q", "a", Map.of());
    List<String> warnings = SampleVolume.read(data, s, 85).warnings();
    assertEquals(1, warnings.size());
    assertTrue(warnings.getFirst().contains("10.png comes before 2.png"), warnings.getFirst());
  }

  @Test
  void picturesAreReducedByLinspace() {
    IntStream.range(0, 7)
        .forEach(i -> TestData.picture(data.resolve("m3d/" + i + ".png"), 2, 10 * i));
    SliceImages images = read("m3d", 5);
    // linspace(0, 6, 5) is 0, 1.5, 3, 4.5, 6.
    assertEquals(List.of(0, 10, 30, 40, 60), levels(images));
    assertEquals(4, images.info().get(3).sourceIndex());
  }

  @Test
  void greyIsCopiedAndColourIsKept() throws IOException {
    TestData.picture(data.resolve("v/0.png"), 1, 77);
    BufferedImage colour = new BufferedImage(1, 1, BufferedImage.TYPE_INT_RGB);
    colour.setRGB(0, 0, 0x010203);
    assertTrue(ImageIO.write(colour, "png", data.resolve("v/1.png").toFile()));
    SliceImages images = read("v", 85);
    assertEquals(List.of(77, 77, 77), bytes(images.pixels().get(0)));
    assertEquals(List.of(1, 2, 3), bytes(images.pixels().get(1)));
  }

  private static List<Integer> bytes(byte[] values) {
    return IntStream.range(0, values.length).mapToObj(i -> values[i] & 0xff).toList();
  }

  @Test
  void arraysWithinOneAreGrey() {
    TestData.npy(data.resolve("v.npy"), "(1, 3, 1, 2)", 0, 0, 0.5f, 0.5f, 1, 1);
    SliceImages images = read("v.npy", 85);
    assertEquals(List.of(0, 128, 255), levels(images));
    assertEquals(List.of(0, 255), levels(read("v.npy", 2)));
  }

  @Test
  void arraysInHounsfieldUnitsAreWindowed() {
    TestData.npy(data.resolve("v.npy"), "(2, 1, 2)", -1024, -1024, 0, 1024);
    SliceImages images = read("v.npy", 85);
    assertTrue(images.recipe().startsWith("CT windows"), images.recipe());
    assertEquals(List.of(0, 128), levels(images));
  }

  @Test
  void aFolderMayHoldOneNiftiFile() throws IOException {
    TestData.nifti(data.resolve("phantom/000000/volume.nii"), 2, -1024, -1024, 40);
    SliceImages images = read("phantom/000000", 85);
    assertTrue(images.recipe().startsWith("CT windows"), images.recipe());
    // Presented from superior to inferior: the last plane first.
    assertEquals(0, levels(images).get(1));
    assertEquals(List.of(132, 128, 128), bytes(images.pixels().get(0)).subList(0, 3));
    Files.copy(data.resolve("phantom/000000/volume.nii"), data.resolve("phantom/000000/other.nii"));
    VolumeException e = assertThrows(VolumeException.class, () -> read("phantom/000000", 85));
    assertTrue(String.valueOf(e.getMessage()).contains("holds 2 volumes"), e.getMessage());
  }

  @Test
  void whatIsMissingIsSaid() {
    VolumeException e = assertThrows(VolumeException.class, () -> read("nothing", 85));
    assertTrue(String.valueOf(e.getMessage()).contains("nothing: no such file"), e.getMessage());
  }
}
