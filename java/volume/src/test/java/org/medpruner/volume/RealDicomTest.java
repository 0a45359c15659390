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
    SliceStack stack = v.slices();
    assertEquals(
        Goldens.text(name + ".shape"),
        stack.count() + " " + stack.height() + " " + stack.width(),
        name);
    assertEquals(Goldens.number(name + ".min"), v.min(), name);
    assertEquals(Goldens.number(name + ".max"), v.max(), name);
    assertEquals(Goldens.text(name + ".values"), Goldens.hashOfDoubles(stack), name);
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
  @ValueSource(strings = {"deflated", "explicit_big", "explicit_little", "implicit_little"})
  void uncompressed(String name) throws Exception {
    assertGolden(name, read(name));
  }

  private static Volume read(String name) throws IOException, InterruptedException {
    return Volumes.read(DaikonFiles.folder().resolve(name + ".dcm"));
  }
}
