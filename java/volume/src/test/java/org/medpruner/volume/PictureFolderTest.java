package org.medpruner.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.color.ColorSpace;
import java.awt.color.ICC_Profile;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.medpruner.volume.fixtures.DicomBytes;

/** Folders of PNG and JPEG slices. */
final class PictureFolderTest {
  @TempDir Path dir;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "grey.png",
        "grey-gamma.png",
        "grey-linear.png",
        "grey-srgb.png",
        "grey-alpha.png",
        "grey-transparent.png",
        "colour.png",
        "colour-alpha.png",
        "palette.png",
        "palette-16.png",
        "palette-transparent.png",
        "grey-palette.png",
        "bits-1.png",
        "jpeg-grey.jpg",
        "jpeg-444.jpg",
        "jpeg-420.jpeg",
        "jpeg-progressive.jpg"
      })
  void readsWhatPillowReads(String name) throws IOException {
    Resources.copy("pictures/" + name, dir);
    Volume v = Volumes.read(dir);
    SliceImages images = v.slices().images(Recipe.forModality(Modality.AUTO, v));
    assertEquals(
        Goldens.text("picture." + name),
        images.width() + "x" + images.height() + " " + Goldens.hash(images));
    assertEquals("ready-made 8-bit pictures", images.recipe());
  }

  @Test
  void greyOf128Stays128() throws IOException {
    BufferedImage image = new BufferedImage(3, 2, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 6; i++) {
      image.getRaster().setSample(i % 3, i / 3, 0, 128);
    }
    assertTrue(ImageIO.write(image, "png", dir.resolve("a.png").toFile()));
    Volume v = Volumes.read(dir);
    byte[] p = v.slices().images(Recipe.readyMade()).pixels().get(0);
    assertEquals(18, p.length);
    for (byte b : p) {
      assertEquals((byte) 128, b);
    }
  }

  private void grey(String name, int width, int height, int first) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < width * height; i++) {
      image.getRaster().setSample(i % width, i / width, 0, first + i);
    }
    assertTrue(ImageIO.write(image, "png", dir.resolve(name).toFile()));
  }

  private static BufferedImage gradient(int type) {
    BufferedImage image = new BufferedImage(5, 3, type);
    for (int i = 0; i < 15; i++) {
      image.setRGB(i % 5, i / 5, (10 * i) << 16 | (5 + 9 * i) << 8 | (200 - 7 * i));
    }
    return image;
  }

  @Test
  void bmpReadsAsPngDoes() throws IOException {
    Path png = Files.createDirectory(dir.resolve("png"));
    Path bmp = Files.createDirectory(dir.resolve("bmp"));
    BufferedImage colour = gradient(BufferedImage.TYPE_3BYTE_BGR);
    BufferedImage grey = new BufferedImage(5, 3, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 15; i++) {
      grey.getRaster().setSample(i % 5, i / 5, 0, 11 * i);
    }
    for (String format : List.of("png", "bmp")) {
      Path folder = dir.resolve(format);
      assertTrue(ImageIO.write(colour, format, folder.resolve("a." + format).toFile()));
      assertTrue(ImageIO.write(grey, format, folder.resolve("b." + format).toFile()));
    }
    List<byte[]> expected = Volumes.read(png).slices().images(Recipe.readyMade()).pixels();
    List<byte[]> actual = Volumes.read(bmp).slices().images(Recipe.readyMade()).pixels();
    assertEquals(2, actual.size());
    for (int i = 0; i < 2; i++) {
      assertArrayEquals(expected.get(i), actual.get(i));
    }
    assertEquals(10, expected.get(0)[3]);
  }

  /** Pillow leaves pixels as they are coded; the JDK's reader would convert these to sRGB. */
  @ParameterizedTest
  @ValueSource(strings = {"jpeg-444.jpg", "jpeg-420.jpeg", "jpeg-progressive.jpg", "jpeg-grey.jpg"})
  void colourProfilesChangeNoPixel(String name) throws IOException {
    byte[] plain = Resources.bytes("pictures/" + name);
    boolean grey = name.equals("jpeg-grey.jpg");
    byte[] profile =
        ICC_Profile.getInstance(grey ? ColorSpace.CS_GRAY : ColorSpace.CS_LINEAR_RGB).getData();
    ByteBuffer tagged = ByteBuffer.allocate(plain.length + 18 + profile.length);
    // Behind the first segment, which begins at 2.
    int at = 4 + ((plain[4] & 0xff) << 8 | plain[5] & 0xff);
    tagged.put(plain, 0, at).putShort((short) 0xffe2).putShort((short) (16 + profile.length));
    tagged.put("ICC_PROFILE\0".getBytes(StandardCharsets.US_ASCII)).put((byte) 1).put((byte) 1);
    tagged.put(profile).put(plain, at, plain.length - at);
    Files.write(dir.resolve(name), tagged.array());
    Volume v = Volumes.read(dir);
    SliceImages images = v.slices().images(Recipe.readyMade());
    assertEquals(
        Goldens.text("picture." + name),
        images.width() + "x" + images.height() + " " + Goldens.hash(images));
    assertEquals(List.of(), v.provenance().warnings());
  }

  @Test
  void fiveBitsPerChannelAreRefused() throws IOException {
    Path file = dir.resolve("a.bmp");
    assertTrue(ImageIO.write(gradient(BufferedImage.TYPE_USHORT_555_RGB), "bmp", file.toFile()));
    Refusals.assertStarts(
        file + ": 5 bits per colour channel are not supported",
        Refusals.message(() -> Volumes.read(dir)));
  }

  @Test
  void slicesAreTheFilesInByteOrder() throws IOException {
    grey("2.png", 3, 2, 20);
    grey("10.png", 3, 2, 10);
    grey("B.PNG", 3, 2, 30);
    grey("a.png", 3, 2, 40);
    grey("\u00e9.png", 3, 2, 50);
    Files.writeString(dir.resolve("notes.txt"), "not a slice");
    Files.writeString(dir.resolve("._2.png"), "left by another system");
    Volume v = Volumes.read(dir);
    SliceStack stack = v.slices();
    assertEquals(5, stack.count());
    for (int i = 0; i < 5; i++) {
      int first = 10 * (i + 1);
      assertArrayEquals(
          new double[] {first, first + 1, first + 2, first + 3, first + 4, first + 5},
          stack.values(i));
      assertEquals(new SliceInfo(i, i, Double.NaN), stack.info(i));
      SliceInfo reversed = v.slices(Axis.AXIAL, true).info(i);
      assertEquals(new SliceInfo(i, 4 - i, Double.NaN), reversed);
    }
    assertEquals(Double.NaN, stack.spacingMm());
    assertEquals(3, stack.width());
    assertEquals(2, stack.height());
    Provenance p = v.provenance();
    assertEquals("pictures", p.format());
    assertEquals(Provenance.Kind.PICTURES, p.kind());
    assertEquals("uint8", p.dtype());
    assertEquals(List.of(3, 2, 5), p.shape());
    assertEquals(
        List.of(
            "slices are in byte order of their names, so 10.png comes before 2.png;"
                + " pad the numbers with zeros if that is wrong"),
        p.warnings());
    StringBuilder listing = new StringBuilder();
    for (String name : List.of("10.png", "2.png", "B.PNG", "a.png", "\u00e9.png")) {
      listing.append(Hashes.hex(Files.readAllBytes(dir.resolve(name))));
      listing.append("  ").append(name).append('\n');
    }
    assertEquals(Hashes.hex(listing.toString().getBytes(StandardCharsets.UTF_8)), p.sha256());
  }

  @Test
  void numbersPaddedWithZerosGiveNoWarning() throws IOException {
    grey("s08.png", 2, 2, 0);
    grey("s09.png", 2, 2, 0);
    grey("s10.png", 2, 2, 0);
    assertEquals(List.of(), Volumes.read(dir).provenance().warnings());
  }

  @Test
  void greyAndColourMix() throws IOException {
    Resources.copy("pictures/colour.png", dir);
    Resources.copy("pictures/grey.png", dir);
    Volume v = Volumes.read(dir);
    assertEquals(3, v.channels());
    SliceImages images = v.slices().images(Recipe.readyMade());
    assertEquals(Goldens.text("picture.grey.png"), "16x16 " + Goldens.hash(images.pixels().get(1)));
  }

  @Test
  void sixteenBitsNeedAWindow() throws IOException {
    Path file = Resources.copy("pictures/deep.png", dir);
    Refusals.assertStarts(
        file + ": 16-bit grey needs a window", Refusals.message(() -> Volumes.read(dir)));
    Volume v = Volumes.read(dir, ReadOptions.DEFAULT.withPictureWindow(new Window(1000, 41000)));
    assertEquals(Goldens.text("deep.window"), Goldens.hashOfBytes(v.slices()));
    assertEquals(
        List.of("16-bit pictures were windowed to [1000,41000]"), v.provenance().warnings());
  }

  @Test
  void otherAxesAndRecipesAreRefused() throws IOException {
    grey("a.png", 2, 2, 0);
    Volume v = Volumes.read(dir);
    Refusals.assertContains(
        "has no orientation", Refusals.message(() -> v.slices(Axis.CORONAL, false)));
    Refusals.assertContains(
        "not Hounsfield units", Refusals.message(() -> v.slices().images(Recipe.ctWindows())));
    // Min-max of grey is well defined.
    assertEquals((byte) 255, v.slices().images(Recipe.minMax()).pixels().get(0)[11]);
  }

  @Test
  void alphaIsMentionedOnce() throws IOException {
    Files.write(dir.resolve("a.png"), Resources.bytes("pictures/colour-alpha.png"));
    Files.write(dir.resolve("b.png"), Resources.bytes("pictures/colour-alpha.png"));
    assertEquals(
        List.of("a.png: the alpha channel was ignored"), Volumes.read(dir).provenance().warnings());
  }

  private void deep(String name) throws IOException {
    Files.write(dir.resolve(name), Resources.bytes("pictures/deep.png"));
  }

  private List<String> windowed() {
    return Volumes.read(dir, ReadOptions.DEFAULT.withPictureWindow(new Window(1000, 41000)))
        .provenance()
        .warnings();
  }

  @Test
  void aWindowThatDoesNothingIsSaid() throws IOException {
    deep("a.png");
    Volume v = Volumes.read(dir, ReadOptions.DEFAULT.withPictureWindow(new Window(1000, 41000)));
    grey("b.png", v.shape()[0], v.shape()[1], 0);
    assertEquals(
        List.of(
            "16-bit pictures were windowed to [1000,41000]",
            "1 of 2 pictures have 8 bits and were taken as they are, without the window of the"
                + " others"),
        windowed());
    Files.delete(dir.resolve("a.png"));
    assertEquals(
        List.of("the window was not used: 8-bit pictures are taken as they are"), windowed());
  }

  @Test
  void whatIsNotReadBesideThePicturesIsSaid() throws IOException {
    grey("a.png", 2, 2, 0);
    for (String name :
        List.of("b.tif", "c.GIF", "d.webp", "v.nii.gz", "v.nii", "v.npy", ".x.tif")) {
      Files.writeString(dir.resolve(name), "x");
    }
    Files.writeString(dir.resolve("notes.txt"), "x");
    Files.createDirectory(dir.resolve("more"));
    Files.createDirectory(dir.resolve(".cache"));
    assertEquals(
        List.of(
            "not read beside the pictures: 3 x picture of another format than PNG, JPEG and BMP,"
                + " 2 x NIfTI file, 1 x .npy file, 1 x folder"),
        Volumes.read(dir).provenance().warnings());
    Files.delete(dir.resolve("a.png"));
    Refusals.assertContains(
        "give the NIfTI file in it instead", Refusals.message(() -> Volumes.read(dir)));
    Files.delete(dir.resolve("v.nii"));
    Files.delete(dir.resolve("v.nii.gz"));
    Refusals.assertContains(
        "give the .npy file in it instead", Refusals.message(() -> Volumes.read(dir)));
    Files.delete(dir.resolve("v.npy"));
    Refusals.assertContains("convert its pictures", Refusals.message(() -> Volumes.read(dir)));
  }

  /** A preview that lies above a study hides none of it. */
  @Test
  void dicomBelowAPictureIsRead() throws IOException {
    grey("preview.png", 2, 2, 0);
    Path deep = Files.createDirectories(dir.resolve("study/series"));
    for (int i = 0; i < 3; i++) {
      DicomBytes.slice(4, 4)
          .position(0, 0, i)
          .text(0x00080018, "UI", "1.5." + i)
          .write(deep.resolve("f" + i));
    }
    Volume v = Volumes.read(dir);
    assertEquals(3, v.slices().count());
    assertEquals(
        List.of("left out of the DICOM folder: 1 x file that is not DICOM (skipped)"),
        v.provenance().warnings());
  }

  @Test
  void aLinkToNothingIsAMissingSlice() throws IOException {
    grey("a.png", 2, 2, 0);
    Path link = dir.resolve("b.png");
    Files.createSymbolicLink(link, dir.resolve("gone.png"));
    grey("c.png", 2, 2, 0);
    Refusals.assertStarts(
        link + ": cannot be read as a picture (a link to a file that is missing)",
        Refusals.message(() -> Volumes.read(dir)));
  }

  @Test
  void aCutBmpIsTruncated() throws IOException {
    Path file = dir.resolve("a.bmp");
    assertTrue(ImageIO.write(gradient(BufferedImage.TYPE_3BYTE_BGR), "bmp", file.toFile()));
    byte[] whole = Files.readAllBytes(file);
    for (int length : new int[] {20, 40, 60, whole.length - 8}) {
      Files.write(file, Arrays.copyOf(whole, length));
      Refusals.assertContains("(truncated)", Refusals.message(() -> Volumes.read(dir)));
    }
  }

  /**
   * The JDK takes them for RGB unless they are called 1, 2, 3; libjpeg, and so Pillow, for YCbCr.
   */
  @ParameterizedTest
  @ValueSource(ints = {0x000102, 0x020304, 0x010407, 0x594363, 0x010203})
  void colourNamesOfAJpegWithoutMarkersAreAnything(int names) throws IOException {
    Files.write(dir.resolve("a.jpg"), renamed(names, new byte[0]));
    assertEquals(Goldens.text("picture.jpeg-444.jpg"), golden());
  }

  @Test
  void rgbInAJpegStaysRgb() throws IOException {
    byte[] file = renamed(0x524742, new byte[0]);
    Files.write(dir.resolve("a.jpg"), file);
    byte[] stored = Volumes.read(dir).slices().images(Recipe.readyMade()).pixels().get(0);
    Iterator<ImageReader> all = ImageIO.getImageReadersByFormatName("jpeg");
    ImageReader reader = all.next();
    while (reader.getClass().getModule() != ImageIO.class.getModule()) {
      reader = all.next();
    }
    reader.setInput(
        new MemoryCacheImageInputStream(
            new ByteArrayInputStream(Resources.bytes("pictures/jpeg-444.jpg"))));
    Raster raster = reader.readRaster(0, null);
    int[] coded = raster.getPixels(0, 0, raster.getWidth(), raster.getHeight(), (int[]) null);
    reader.dispose();
    byte[] expected = new byte[coded.length];
    for (int i = 0; i < coded.length; i++) {
      expected[i] = (byte) coded[i];
    }
    assertArrayEquals(expected, stored);
    // Adobe's marker says the same.
    Files.write(dir.resolve("a.jpg"), renamed(0x010203, adobe(0)));
    assertArrayEquals(
        expected, Volumes.read(dir).slices().images(Recipe.readyMade()).pixels().get(0));
  }

  /** JFIF has no other colours. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void jfifGoesBeforeAdobe(int transform) throws IOException {
    byte[] plain = Resources.bytes("pictures/jpeg-444.jpg");
    int at = 4 + ((plain[4] & 0xff) << 8 | plain[5] & 0xff);
    byte[] marker = adobe(transform);
    ByteBuffer both = ByteBuffer.allocate(plain.length + marker.length);
    both.put(plain, 0, at).put(marker).put(plain, at, plain.length - at);
    Files.write(dir.resolve("a.jpg"), both.array());
    assertEquals(Goldens.text("picture.jpeg-444.jpg"), golden());
  }

  private String golden() {
    SliceImages images = Volumes.read(dir).slices().images(Recipe.readyMade());
    return images.width() + "x" + images.height() + " " + Goldens.hash(images);
  }

  private static byte[] adobe(int transform) {
    byte[] marker = {
      (byte) 0xff, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
    };
    marker[15] = (byte) transform;
    return marker;
  }

  /** A JPEG with a marker in the place of JFIF's, its colours called by the three bytes. */
  private static byte[] renamed(int names, byte[] marker) throws IOException {
    byte[] b = Resources.bytes("pictures/jpeg-444.jpg");
    int at = 4 + ((b[4] & 0xff) << 8 | b[5] & 0xff);
    int sof = at;
    while ((b[sof + 1] & 0xff) != 0xc0) {
      sof += 2 + ((b[sof + 2] & 0xff) << 8 | b[sof + 3] & 0xff);
    }
    int sos = sof;
    while ((b[sos + 1] & 0xff) != 0xda) {
      sos += 2 + ((b[sos + 2] & 0xff) << 8 | b[sos + 3] & 0xff);
    }
    for (int c = 0; c < 3; c++) {
      b[sof + 10 + 3 * c] = (byte) (names >> 16 - 8 * c);
      b[sos + 5 + 2 * c] = (byte) (names >> 16 - 8 * c);
    }
    ByteBuffer out = ByteBuffer.allocate(b.length - (at - 2) + marker.length);
    out.put(b, 0, 2).put(marker).put(b, at, b.length - at);
    return out.array();
  }
}
