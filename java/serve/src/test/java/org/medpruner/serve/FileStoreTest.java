package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.medpruner.volume.Volume;
import org.medpruner.volume.Volumes;

/** What becomes of uploads on disk. */
class FileStoreTest {
  private final FileStore store = new FileStore(100_000, 200_000, 300_000);

  @AfterEach
  void close() {
    store.close();
  }

  private StoredFile store(byte[]... files) throws IOException {
    try (Upload upload = store.begin()) {
      for (byte[] file : files) {
        upload.next();
        upload.write(file);
      }
      return upload.finish();
    }
  }

  private static byte[] png(int grey) throws IOException {
    BufferedImage image = new BufferedImage(8, 8, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < 64; i++) {
      image.getRaster().setSample(i % 8, i / 8, 0, grey);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.write(image, "png", out);
    return out.toByteArray();
  }

  private static void entry(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    zip.write(bytes);
  }

  /** The grey of each slice of a folder of pictures, in presented order. */
  private static double[] greys(StoredFile file) {
    Volume volume = Volumes.read(file.path());
    double[] greys = new double[volume.slices().count()];
    for (int i = 0; i < greys.length; i++) {
      greys[i] = volume.slices().values(i)[0];
    }
    return greys;
  }

  @Test
  void severalPicturesAreAVolumeInTheirOrder() throws IOException {
    assertArrayEquals(new double[] {30, 10, 20}, greys(store(png(30), png(10), png(20))));
  }

  @Test
  void aZipIsSortedByNamesThatLeadNowhere() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      entry(zip, "b/SMITH_2.png", png(20));
      entry(zip, "__MACOSX/b/._SMITH_2.png", new byte[10]);
      entry(zip, "b/.DS_Store", new byte[10]);
      entry(zip, "../../a.png", png(10));
      entry(zip, "/etc/c.png", png(5));
      zip.putNextEntry(new ZipEntry("b/empty/"));
    }
    StoredFile file = store(out.toByteArray());
    assertArrayEquals(new double[] {10, 5, 20}, greys(file));
    try (var files = Files.list(file.folder())) {
      assertEquals(
          List.of("000001.png", "000002.png", "000003.png"),
          files.map(Path::getFileName).map(Path::toString).sorted().toList());
    }
    assertEquals(store.bytes(), file.bytes());
  }

  @Test
  void oneFileInAZipIsThatFile() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      entry(zip, "scan/volume.nii", new byte[400]);
    }
    StoredFile file = store(out.toByteArray());
    assertTrue(Files.isRegularFile(file.path()));
    assertEquals(400, file.bytes());
    assertEquals(400, store.bytes());
  }

  @Test
  void whatWasNotUsedForLongestGoesFirst() throws IOException {
    AtomicInteger removals = new AtomicInteger();
    store.onRemoval(removals::incrementAndGet);
    StoredFile a = store(new byte[90_000]);
    StoredFile b = store(new byte[90_000]);
    StoredFile c = store(new byte[90_000]);
    assertEquals(a, store.get(a.id()));
    StoredFile held = store.hold(b.id());
    StoredFile d = store(new byte[90_000]);
    assertTrue(store.has(a.id()) && store.has(b.id()) && store.has(d.id()));
    assertFalse(store.has(c.id()) || Files.exists(c.folder()));
    assertEquals(1, removals.get());
    store.letGo(held);
    store.get(a.id());
    store.get(d.id());
    store(new byte[90_000]);
    assertFalse(store.has(b.id()));
    assertEquals(270_000, store.bytes());
  }

  @Test
  void aStoreFullOfFilesInUseTakesNoMore() throws IOException {
    for (int i = 0; i < 3; i++) {
      store.hold(store(new byte[100_000]).id());
    }
    ApiError full = assertThrows(ApiError.class, () -> store(new byte[1]));
    assertEquals(507, full.status());
    assertEquals(300_000, store.bytes());
    assertEquals(3, store.count());
  }

  @Test
  void whatDoesNotSucceedLeavesNothing() throws IOException {
    ApiError large = assertThrows(ApiError.class, () -> store(new byte[60_000], new byte[60_000]));
    assertEquals(413, large.status());
    assertEquals(400, assertThrows(ApiError.class, () -> store(new byte[0])).status());
    assertEquals(0, store.bytes());
    StoredFile file = store(new byte[10]);
    try (var folders = Files.list(file.folder().getParent())) {
      assertEquals(1, folders.count());
    }
    store.delete(file.id());
    assertFalse(Files.exists(file.folder()));
    assertEquals(404, assertThrows(ApiError.class, () -> store.delete(file.id())).status());
    assertEquals(0, store.bytes());
  }

  @Test
  void theSamePicturesAreTheSameFile() throws IOException {
    StoredFile first = store.pictures(List.of(png(1), png(2)));
    assertEquals(first, store.pictures(List.of(png(1), png(2))));
    assertFalse(first.id().equals(store.pictures(List.of(png(2), png(1))).id()));
    assertEquals(2, store.count());
  }

  /** Names are gone afterwards: no later warning could say that 10.png came before 2.png. */
  @Test
  void numbersInNamesOfAZipCountAsNumbers() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (int i = 12; i >= 1; i--) {
        entry(zip, "s/" + i + ".png", png(10 * i));
      }
      entry(zip, "s/Thumbs.db", new byte[10]);
      entry(zip, "s/desktop.ini", new byte[10]);
    }
    StoredFile file = store(out.toByteArray());
    assertEquals(0, file.others());
    assertArrayEquals(
        new double[] {10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120}, greys(file));
  }

  @Test
  void whatIsNoPictureIsCounted() throws IOException {
    assertEquals(1, store(png(1), new byte[] {'G', 'I', 'F', '8'}, png(2)).others());
    assertEquals(1, store(png(1), new byte[0], png(2)).others());
    assertEquals(0, store(png(1), png(2)).others());
  }

  @Test
  void aClosedStoreTakesNothingAndLeavesNothing() throws IOException {
    Upload upload = store.begin();
    upload.next();
    upload.write(new byte[10]);
    Path root = store(png(1)).folder().getParent();
    store.close();
    assertFalse(Files.exists(root));
    assertEquals(503, assertThrows(ApiError.class, () -> upload.write(new byte[10])).status());
    assertEquals(503, assertThrows(ApiError.class, store::begin).status());
    upload.close();
  }
}
