package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Real files of many transfer syntaxes against what pydicom, dcmtk and GDCM make of them. */
final class RealDicomTest {
  @TempDir Path dir;

  private static Volume assertGolden(String name, Volume v) {
    return assertGolden(name, v, 0);
  }

  private static void assertSamples(String[] expected, SliceStack stack, double tolerance) {
    int pixels = stack.height() * stack.width();
    long step = 997L * stack.count();
    double[] slice = {};
    int in = -1;
    for (int i = 0; i < expected.length; i++) {
      long at = i * step;
      if (at / pixels != in) {
        in = (int) (at / pixels);
        slice = stack.values(in);
      }
      assertEquals(Double.parseDouble(expected[i]), slice[(int) (at % pixels)], tolerance);
    }
  }

  private static Volume assertGolden(String name, Volume v, double tolerance) {
    SliceStack stack = v.slices();
    assertEquals(
        Goldens.text(name + ".shape"),
        stack.count() + " " + stack.height() + " " + stack.width(),
        name);
    assertEquals(Goldens.number(name + ".min"), v.min(), tolerance, name);
    assertEquals(Goldens.number(name + ".max"), v.max(), tolerance, name);
    if (tolerance == 0) {
      assertEquals(Goldens.text(name + ".values"), Goldens.hashOfDoubles(stack), name);
    } else {
      assertSamples(Goldens.text(name + ".samples").split(" ", -1), stack, tolerance);
    }
    if (!v.provenance().orientation().isEmpty()) {
      assertEquals(Goldens.text(name + ".codes"), v.provenance().orientation());
      String[] affine = Goldens.text(name + ".affine").split(" ", -1);
      for (int i = 0; i < 16; i++) {
        assertEquals(Double.parseDouble(affine[i]), v.affine()[i / 4][i % 4], 1e-9, name);
      }
    }
    return v;
  }

  @Test
  void brainSeriesWithShuffledNames() throws Exception {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> all =
        Files.newDirectoryStream(DaikonFiles.folder().resolve("volume"))) {
      all.forEach(files::add);
    }
    Collections.sort(files);
    Collections.shuffle(files, new Random(4));
    Path sub = Files.createDirectories(dir.resolve("a/b"));
    for (int i = 0; i < files.size(); i++) {
      Files.copy(files.get(i), (i % 2 == 0 ? dir : sub).resolve("IM" + i));
    }
    Volume v = assertGolden("brain", Volumes.read(dir));
    assertEquals(Goldens.text("brain.sha256"), v.provenance().sha256());
    assertEquals(List.of(256, 256, 20), v.provenance().shape());
    assertEquals("int16", v.provenance().dtype());
    assertEquals(Modality.MRI, v.provenance().modality());
    assertEquals(List.of(), v.provenance().warnings());
    SliceStack stack = v.slices();
    for (int i = 1; i < stack.count(); i++) {
      double gap = stack.info(i - 1).positionMm() - stack.info(i).positionMm();
      assertTrue(gap > 6.85 && gap < 7.05, "z gap " + gap);
    }
    assertArrayEquals(new double[] {0.859375, 0.859375, 7}, v.spacingMm(), 0.01);
    String recipe = Recipe.forModality(Modality.AUTO, v).toString();
    assertTrue(recipe.contains("MRI, the header says"), recipe);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "deflated",
        "explicit_big",
        "explicit_little",
        "implicit_little",
        "rle",
        "jpeg_lossless_sel1"
      })
  void lossless(String name) throws Exception {
    assertGolden(name, read(name));
  }

  /** Two implementations of an inverse transform may round differently. */
  @Test
  void lossy() throws Exception {
    assertGolden("jpeg_2000", read("jpeg_2000"), 1);
    Volume v = read("jpeg_baseline_8bit");
    assertEquals(List.of(512, 512, 96), v.provenance().shape());
    assertGolden("jpeg_baseline_8bit", v, 1);
  }

  @Test
  void jpegLsIsRefusedByName() throws Exception {
    Path file = DaikonFiles.folder().resolve("jpeg_ls.dcm"); // skips here, not inside the refusal
    String message = Refusals.message(() -> Volumes.read(file));
    Refusals.assertContains("JPEG-LS Near-Lossless (1.2.840.10008.1.2.4.81)", message);
    Refusals.assertContains("dcmdjpls", message);
  }

  private static Volume read(String name) throws IOException, InterruptedException {
    return Volumes.read(DaikonFiles.folder().resolve(name + ".dcm"));
  }
}
