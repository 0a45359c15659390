package org.medpruner.eval.html;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

/** Numbers, pictures, ticks and markup that pages are made of. */
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
    SliceImages images = noise(40, 300, 200);
    List<Integer> all = IntStream.range(0, 40).boxed().toList();
    long rich = Pictures.large(images, all, 10_000_000).stream().mapToLong(String::length).sum();
    for (long budget : new long[] {1_000_000, 500_000, 200_000}) {
      long spent = Pictures.large(images, all, budget).stream().mapToLong(String::length).sum();
      assertTrue(spent <= budget, spent + " of " + budget);
      assertTrue(spent < rich, "not shrunk");
    }
  }

  @Test
  void ticksAreRound() {
    assertEquals(List.of(0.0, 20.0, 40.0, 60.0), Ticks.upTo(70));
    assertEquals(List.of(0.0, 1.0, 2.0, 3.0), Ticks.upTo(3.2));
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

  private static SliceImages noise(int slices, int height, int width) {
    Random random = new Random(5);
    List<byte[]> pixels = new ArrayList<>();
    List<SliceInfo> info = new ArrayList<>();
    for (int z = 0; z < slices; z++) {
      byte[] rgb = new byte[height * width * 3];
      for (int i = 0; i < rgb.length; i++) {
        rgb[i] = (byte) (100 + 60 * Math.sin(i / 30.0 + z) + random.nextInt(6));
      }
      pixels.add(rgb);
      info.add(new SliceInfo(z, z, z));
    }
    return new SliceImages(height, width, pixels, info, 1, "test");
  }

  @Test
  void sheetsHoldEverySlice() throws Exception {
    SliceSheet sheet = SliceSheet.of(noise(10, 30, 20), 4, 15);
    assertEquals(4, sheet.columns());
    assertEquals(3, sheet.rows());
    String prefix = "data:image/jpeg;base64,";
    assertTrue(sheet.uri().startsWith(prefix));
    byte[] jpeg = Base64.getDecoder().decode(sheet.uri().substring(prefix.length()));
    BufferedImage image = ImageIO.read(new ByteArrayInputStream(jpeg));
    assertEquals(4 * 15, image.getWidth());
    assertEquals(3 * 15, image.getHeight());
    // The middle of the last slice, and of the cell behind it, which stays empty.
    assertTrue((image.getRGB(15 + 7, 37) & 0xFF) > 20);
    assertTrue((image.getRGB(45 + 7, 37) & 0xFF) < 12);
  }

  @Test
  void ticksMayBeginAnywhere() {
    assertEquals(List.of(60.0, 70.0, 80.0, 90.0), Ticks.between(58, 96));
    assertEquals(List.of(-1.0, 0.0, 1.0, 2.0), Ticks.between(-1.4, 2.5));
  }
}
