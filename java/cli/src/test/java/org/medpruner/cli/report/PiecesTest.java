package org.medpruner.cli.report;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.medpruner.PruningPolicy;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Numbers, runs, pictures and scales that the page is made of. */
class PiecesTest {
  @Test
  void writesNumbersTheSameInEveryLocale() {
    Locale before = Locale.getDefault();
    try {
      Locale.setDefault(Locale.GERMANY);
      assertEquals("1,234,567", Numbers.count(1234567));
      assertEquals("4.37 %", Numbers.percent(0.0437));
      assertEquals("43.6 %", Numbers.percent(0.436));
      assertEquals("100 %", Numbers.percent(1));
      assertEquals("0 %", Numbers.percent(0));
      assertEquals("n/a", Numbers.percent(Double.NaN));
      assertEquals("512 B", Numbers.bytes(512));
      assertEquals("1.41 MiB", Numbers.bytes(1482752));
      assertEquals("4.2 ms", Numbers.seconds(0.0042));
      assertEquals("31 ms", Numbers.seconds(0.031));
      assertEquals("3.40 s", Numbers.seconds(3.4));
      assertEquals("1 min 00 s", Numbers.seconds(59.96));
      assertEquals("2 min 05 s", Numbers.seconds(125));
      assertEquals("0.05124", Numbers.value(0.051239));
      assertEquals("NaN", Numbers.value(Double.NaN));
      assertEquals("+Infinity", Numbers.value(Double.POSITIVE_INFINITY));
      assertEquals("\u221272.0 mm", Numbers.millimetres(-72));
      assertEquals("", Numbers.millimetres(Double.NaN));
      assertEquals("-0.05", Numbers.svg(-0.05));
      assertEquals("12.5", Numbers.svg(12.5));
      assertEquals("7", Numbers.svg(6.999));
      assertEquals("0", Numbers.svg(-0.001));
    } finally {
      Locale.setDefault(before);
    }
  }

  @Test
  void namesRuns() {
    Runs runs = new Runs(Scenes.report(10, i -> i == 4 || i == 5, PruningPolicy.PAPER, false));
    assertEquals(List.of(0, 4, 5), runs.kept());
    assertEquals("0\u20133", runs.range(0));
    assertEquals("4", runs.range(4));
    assertEquals("5\u20139", runs.range(5));
    assertEquals(5, runs.longest());
    assertEquals(5, runs.anchor(8));
  }

  @Test
  void averagesAreas() {
    byte[] rgb = new byte[4 * 4 * 3];
    for (int i = 0; i < 16; i++) {
      for (int c = 0; c < 3; c++) {
        rgb[3 * i + c] = (byte) (i * 16);
      }
    }
    byte[] half = Pictures.areaAverage(rgb, 4, 4, 2, 2);
    // Means of 0 16 64 80, 32 48 96 112, 128 144 192 208 and 160 176 224 240.
    byte[] expected = {40, 40, 40, 72, 72, 72, (byte) 168, (byte) 168, (byte) 168, (byte) 200};
    assertArrayEquals(expected, Arrays.copyOf(half, 10));
    byte[] one = Pictures.areaAverage(rgb, 4, 4, 1, 3);
    assertEquals(12 * 3 / 4, one.length);
  }

  @Test
  void keepsGreyLevelsAndColours() throws Exception {
    byte[] grey = new byte[16 * 16 * 3];
    byte[] colour = new byte[16 * 16 * 3];
    for (int i = 0; i < 256; i++) {
      for (int c = 0; c < 3; c++) {
        grey[3 * i + c] = (byte) i;
        colour[3 * i + c] = (byte) (c == 0 ? i : c == 1 ? 255 - i : 7);
      }
    }
    SliceImages images =
        new SliceImages(
            16,
            16,
            List.of(grey, colour),
            List.of(new SliceInfo(0, 0, 0), new SliceInfo(1, 1, 1)),
            1,
            "test");
    List<String> uris = Pictures.large(images, List.of(0, 1), 1_000_000);
    Raster first = decode(uris.getFirst()).getRaster();
    Raster second = decode(uris.get(1)).getRaster();
    for (int i = 0; i < 256; i++) {
      assertEquals(i, first.getSample(i % 16, i / 16, 0), "grey level " + i);
      assertEquals(i, second.getSample(i % 16, i / 16, 0), "red " + i);
      assertEquals(255 - i, second.getSample(i % 16, i / 16, 1), "green " + i);
      assertEquals(7, second.getSample(i % 16, i / 16, 2), "blue " + i);
    }
  }

  private static BufferedImage decode(String uri) throws Exception {
    String prefix = "data:image/png;base64,";
    assertTrue(uri.startsWith(prefix), uri.substring(0, 30));
    byte[] png = Base64.getDecoder().decode(uri.substring(prefix.length()));
    return ImageIO.read(new ByteArrayInputStream(png));
  }

  @Test
  void shrinksPicturesToTheBudget() {
    SliceImages images = Scenes.ball(40, 300, 200);
    List<Integer> all = IntStream.range(0, 40).boxed().toList();
    long rich = Pictures.large(images, all, 10_000_000).stream().mapToLong(String::length).sum();
    for (long budget : new long[] {1_000_000, 500_000, 200_000}) {
      long spent = Pictures.large(images, all, budget).stream().mapToLong(String::length).sum();
      assertTrue(spent <= budget, spent + " of " + budget);
      assertTrue(spent < rich, "not shrunk");
    }
  }

  @Test
  void heatRisesWithMass() {
    HeatScale heat = HeatScale.of(Scenes.report(6, i -> true, PruningPolicy.PAPER, true).slices());
    assertEquals(0, heat.argb(0.3) >>> 24);
    assertEquals(0, heat.argb(1) >>> 24);
    int last = 0;
    for (double m = 1.05; m < heat.high(); m *= 1.1) {
      int alpha = heat.argb(m) >>> 24;
      assertTrue(alpha > last, "opacity at " + m);
      last = alpha;
    }
    assertEquals(heat.argb(heat.high()), heat.argb(heat.high() * 10));
    assertEquals(1.0, heat.ticks().getFirst());
    assertTrue(heat.ticks().size() <= 8);
  }

  @Test
  void ticksAreRound() {
    assertEquals(List.of(0.0, 20.0, 40.0, 60.0), SliceAxis.ticks(70));
    assertEquals(List.of(0.0, 1.0, 2.0, 3.0), SliceAxis.ticks(3.2));
  }

  @Test
  void markupIsBalancedByConstruction() {
    Html h = new Html().open("div");
    assertThrows(IllegalStateException.class, h::toString);
    assertEquals("<div a=\"&lt;&quot;\">&amp;</div>", open().text("&").close().toString());
  }

  private static Html open() {
    return new Html().open("div", "a", "<\"", "b", null);
  }
}
