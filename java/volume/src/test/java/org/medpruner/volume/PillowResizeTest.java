package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.medpruner.volume.PillowResize.Filter;

/** Hashes of what Pillow made of the same noise. */
final class PillowResizeTest {

  /** The generator of src/test/python/make_goldens.py. */
  private static byte[] noise(int n, int seed) {
    byte[] out = new byte[n];
    for (int i = 0; i < n; i++) {
      seed = seed * 1664525 + 1013904223;
      out[i] = (byte) (seed >>> 24);
    }
    return out;
  }

  @Test
  void everySizeAndFilterEqualsPillow() {
    String[] sizes = Goldens.text("resize.sizes").split(" ", -1);
    assertEquals(17, sizes.length);
    for (int i = 0; i < sizes.length; i++) {
      int[] s =
          java.util.Arrays.stream(sizes[i].split("[x>]", -1)).mapToInt(Integer::parseInt).toArray();
      for (int channels : new int[] {1, 3}) {
        byte[] in = noise(s[0] * s[1] * channels, i);
        for (Filter filter : Filter.values()) {
          String key = "resize." + sizes[i] + "." + channels + "." + filter;
          byte[] out = PillowResize.resize(in, s[0], s[1], channels, s[2], s[3], filter);
          assertEquals(Goldens.text(key), Goldens.hash(out), key);
        }
      }
    }
  }

  @Test
  void a512To504To512ChainEqualsPillow() {
    byte[] a = noise(512 * 512 * 3, 99);
    byte[] b = PillowResize.resize(a, 512, 512, 3, 504, 504, Filter.BICUBIC);
    byte[] c = PillowResize.resize(b, 504, 504, 3, 512, 512, Filter.BICUBIC);
    assertEquals(Goldens.text("resize.chain"), Goldens.hash(c));
  }

  @Test
  void theSameSizeIsACopy() {
    byte[] in = noise(12, 1);
    byte[] out = PillowResize.resize(in, 2, 2, 3, 2, 2, Filter.BICUBIC);
    assertArrayEquals(in, out);
    assertNotSame(in, out);
  }

  @Test
  void slicesKeepTheirOrigin() {
    List<SliceInfo> info = List.of(new SliceInfo(0, 9, 4.5));
    SliceImages images = new SliceImages(4, 6, List.of(noise(72, 3)), info, 2.5, "recipe");
    SliceImages out = PillowResize.resize(images, 3, 5, Filter.BILINEAR);
    assertEquals(3, out.height());
    assertEquals(5, out.width());
    assertEquals(info, out.info());
    assertEquals(2.5, out.spacingMm());
    assertEquals("recipe", out.recipe());
    assertArrayEquals(
        PillowResize.resize(noise(72, 3), 4, 6, 3, 3, 5, Filter.BILINEAR), out.pixels().get(0));
  }

  @Test
  void wrongSizesAreRefused() {
    byte[] in = new byte[12];
    assertThrows(
        IllegalArgumentException.class,
        () -> PillowResize.resize(in, 2, 3, 3, 4, 4, Filter.BILINEAR));
    assertThrows(
        IllegalArgumentException.class,
        () -> PillowResize.resize(in, 2, 2, 3, 0, 4, Filter.BILINEAR));
    assertThrows(
        IllegalArgumentException.class,
        () -> PillowResize.resize(in, 2, 2, 3, 1 << 16, 1 << 16, Filter.BILINEAR));
    assertThrows(
        IllegalArgumentException.class,
        () -> PillowResize.resize(in, 2, 1, 6, 4, 4, Filter.NEAREST));
  }
}
