package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Voxels to 8-bit RGB, modality detection and sampling. */
final class RecipeTest {
  @TempDir Path dir;

  private Volume shorts(int... values) {
    return Volumes.read(
        NiftiBytes.int16(values.length, 1, 1).shorts(values).write(dir.resolve("s.nii")));
  }

  private Volume floats(float... values) {
    return Volumes.read(
        new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 16, 32, values.length, 1, 1)
            .floats(values)
            .write(dir.resolve("f.nii")));
  }

  /** Pixels of a one-row volume in file order, that is presented order reversed. */
  private static int[][] colours(Volume v, Recipe recipe) {
    byte[] p = v.slices().images(recipe).pixels().get(0);
    int n = p.length / 3;
    int[][] out = new int[n][];
    for (int i = 0; i < n; i++) {
      int at = 3 * (n - 1 - i);
      out[i] = new int[] {p[at] & 0xff, p[at + 1] & 0xff, p[at + 2] & 0xff};
    }
    return out;
  }

  @Test
  void ctWindowsByHand() {
    // R: (v + 1024) / 2048 * 255; G: (v + 135) / 350 * 255; B: v / 80 * 255; clipped, rounded.
    int[][] got =
        colours(shorts(-2000, -1024, 0, 40, 80, 215, 1024, 3000, -135), Recipe.ctWindows());
    assertArrayEquals(
        new int[][] {
          {0, 0, 0},
          {0, 0, 0},
          {128, 98, 0}, // 127.5 to even 128; 98.36
          {132, 128, 128}, // 132.48; 127.5 to even 128, twice
          {137, 157, 255}, // 137.46; 156.64
          {154, 255, 255}, // 154.27
          {255, 255, 255},
          {255, 255, 255},
          {111, 0, 0} // 110.69
        },
        got);
  }

  @Test
  void aRampEqualsNumpy() {
    int[] ramp = new int[6000];
    Arrays.setAll(ramp, i -> i - 2000);
    float[] quarters = new float[ramp.length];
    for (int i = 0; i < ramp.length; i++) {
      quarters[i] = ramp[i] / 4f;
    }
    Window window = new Window(-7.5, 101.25);
    assertEquals(Goldens.text("ramp.ct"), ramp(shorts(ramp), Recipe.ctWindows()));
    assertEquals(Goldens.text("ramp.quarters.ct"), ramp(floats(quarters), Recipe.ctWindows()));
    assertEquals(Goldens.text("ramp.quarters"), ramp(floats(quarters), Recipe.window(window)));
  }

  private static String ramp(Volume v, Recipe recipe) {
    int[][] colours = colours(v, recipe);
    byte[] bytes = new byte[3 * colours.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) colours[i / 3][i % 3];
    }
    return Goldens.hash(bytes);
  }

  @Test
  void roundingIsHalfToEven() {
    // A window of 510: every odd value falls on a half.
    Recipe r = Recipe.window(new Window(0, 510));
    int[][] got = colours(shorts(1, 3, 5, 7, 509), r);
    assertArrayEquals(
        new int[] {0, 2, 2, 4, 254}, Arrays.stream(got).mapToInt(c -> c[0]).toArray());
    for (int[] c : got) {
      assertEquals(c[0], c[1]);
      assertEquals(c[0], c[2]);
    }
  }

  @Test
  void tablesAndDirectArithmeticAgree() {
    // 70000 voxels of int16 go through a table of 65536 entries, float32 does not.
    int[] a = new Random(5).ints(70000, -1500, 3000).toArray();
    float[] b = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      b[i] = a[i];
    }
    NiftiBytes floats = new NiftiBytes(false, ByteOrder.BIG_ENDIAN, 16, 32, 700, 100, 1).floats(b);
    Volume direct = Volumes.read(floats.write(dir.resolve("f.nii")));
    Volume table =
        Volumes.read(NiftiBytes.int16(700, 100, 1).shorts(a).write(dir.resolve("s.nii")));
    for (Recipe r :
        List.of(Recipe.ctWindows(), Recipe.minMax(), Recipe.window(new Window(-7.5, 101.25)))) {
      assertArrayEquals(
          direct.slices().images(r).pixels().get(0),
          table.slices().images(r).pixels().get(0),
          r.toString());
    }
  }

  @Test
  void minMaxEqualsExactArithmetic() {
    int[] values = new Random(6).ints(500, -3000, 20000).toArray();
    Volume v = shorts(values);
    int min = Arrays.stream(values).min().orElseThrow();
    int max = Arrays.stream(values).max().orElseThrow();
    int[][] got = colours(v, Recipe.minMax());
    for (int i = 0; i < values.length; i++) {
      int exact =
          BigDecimal.valueOf((values[i] - min) * 255L)
              .divide(BigDecimal.valueOf(max - min), MathContext.DECIMAL128)
              .setScale(0, RoundingMode.HALF_EVEN)
              .intValue();
      assertEquals(exact, got[i][0]);
      assertEquals(exact, got[i][2]);
    }
  }

  @Test
  void aConstantVolumeIsWhite() {
    assertArrayEquals(new int[] {255, 255, 255}, colours(shorts(7, 7), Recipe.minMax())[1]);
    assertArrayEquals(new int[] {255, 255, 255}, colours(floats(0.1f), Recipe.minMax())[0]);
  }

  @Test
  void minMaxIsOverTheWholeVolumeNotTheSampledSlices() {
    int[] values = new int[100];
    Arrays.setAll(values, i -> i * 10);
    values[99] = 2000; // presented first, so never sampled
    Volume v = Volumes.read(NiftiBytes.int16(1, 1, 100).shorts(values).write(dir.resolve("w.nii")));
    SliceImages images = v.slices().sample(85).images(Recipe.minMax());
    assertEquals(85, images.count());
    assertEquals(125, images.pixels().get(0)[0] & 0xff); // 980 / 2000 * 255 = 124.95
  }

  @Test
  void readyMadeTakesUint8Only() {
    Volume v =
        Volumes.read(
            new NiftiBytes(false, ByteOrder.LITTLE_ENDIAN, 2, 8, 2, 1, 1)
                .data(new byte[] {7, (byte) 200})
                .write(dir.resolve("b.nii")));
    assertArrayEquals(new int[][] {{7, 7, 7}, {200, 200, 200}}, colours(v, Recipe.readyMade()));
    Refusals.assertContains(
        "s.nii: holds int16, not ready-made",
        Refusals.message(() -> shorts(1, 2).slices().images(Recipe.readyMade())));
  }

  @Test
  void detection() {
    int[] ct = new int[1000];
    Arrays.setAll(ct, i -> i < 10 ? -1000 : 40);
    assertEquals(Modality.CT, Modality.detect(shorts(ct)));
    ct[0] = 0; // below 1 % of air
    assertEquals(Modality.MRI, Modality.detect(shorts(ct)));
    assertEquals(Modality.MRI, Modality.detect(shorts(0, 300, 1200)));
    assertEquals(Modality.MRI, Modality.detect(shorts(-3, -2, 0, 5)));
    assertEquals(Modality.MRI, Modality.detect(shorts(-1000, -1000)), "air alone is no CT");
    assertEquals(Modality.CT, Modality.detect(floats(-1000, 30.5f)));
    assertEquals(Modality.MRI, Modality.detect(floats(-1e6f, 1e6f)), "beyond int16");
    ct[0] = -1000;
    Volume v = shorts(ct);
    assertEquals(
        "CT windows [-1024,1024] [-135,215] [0,80]"
            + " (detected CT: values -1000 to 40, 1.0 % at or below -500)",
        Recipe.forModality(Modality.AUTO, v).toString());
    assertEquals("MRI min-max over the volume", Recipe.forModality(Modality.MRI, v).toString());
    assertEquals(
        "CT windows [-1024,1024] [-135,215] [0,80]",
        v.slices().images(Recipe.forModality(Modality.CT, v)).recipe());
  }

  @Test
  void windowsAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> new Window(5, 5));
    assertThrows(IllegalArgumentException.class, () -> new Window(6, 5));
    assertThrows(IllegalArgumentException.class, () -> new Window(Double.NaN, 5));
    assertThrows(IllegalArgumentException.class, () -> new Window(0, Double.POSITIVE_INFINITY));
    assertThrows(IllegalArgumentException.class, () -> new Window(0, 1e300));
    assertThrows(IllegalArgumentException.class, () -> new Window(1e8, 1e8 + 1), "one float32");
    assertEquals("[-7.5,80]", new Window(-7.5, 80).toString());
  }

  private SliceStack stack(int n) {
    return Volumes.read(
            NiftiBytes.int16(1, 1, n).shorts(new int[n]).pixdim(3, 1).write(dir.resolve("n.nii")))
        .slices();
  }

  @Test
  void samplingEqualsPython() {
    StringBuilder all = new StringBuilder();
    for (int n = 86; n <= 600; n++) {
      int last = n - 1;
      SliceStack sampled = stack(n).sample(85);
      StringBuilder one = new StringBuilder();
      for (int i = 0; i < sampled.count(); i++) {
        assertEquals(i, sampled.info(i).index());
        // RAS: the presented order is the stored one reversed.
        int presented = last - sampled.info(i).sourceIndex();
        one.append(i == 0 ? "" : " ").append(presented);
        all.append(presented).append('\n');
      }
      if (n == 86 || n == 108 || n == 171 || n == 600) {
        assertEquals(Goldens.text("sample." + n), one.toString());
      }
    }
    assertEquals(
        Goldens.text("sample.all"), Hashes.hex(all.toString().getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void samplingLeavesShortStacksAlone() {
    SliceStack s = stack(85);
    assertSame(s, s.sample(85));
    assertThrows(IllegalArgumentException.class, () -> s.sample(0));
    SliceStack half = stack(171).sample(85);
    assertEquals(2, half.info(0).index() + 2);
    assertEquals((170 - 2) / 84.0, half.spacingMm(), 1e-12);
  }
}
