package org.medpruner.serve;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Zip files as they should not be: what comes out is what went in, or it is refused. */
class ZipTest {
  private static final int MOST = 1 << 20;

  /** Where the directory's entry has its fields. */
  private static final int CRC = 16;

  private static final int PACKED_SIZE = 20;
  private static final int SIZE = 24;
  private static final int HEADER_OFFSET = 42;

  @TempDir Path folder;

  private static byte[] content() {
    byte[] content = new byte[100_000];
    new Random(1).nextBytes(content);
    // Half of it can be packed.
    Arrays.fill(content, 0, content.length / 2, (byte) 7);
    return content;
  }

  private static byte[] zip() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      zip.putNextEntry(new ZipEntry("a.nii"));
      zip.write(content());
    }
    return out.toByteArray();
  }

  private int unpack(byte[] zip) throws IOException {
    Path file = Files.write(folder.resolve(Upload.name(1, "")), zip);
    return new Unzip(MOST, n -> {}).unpack(file, folder);
  }

  /** Where the one entry of the directory begins. */
  private static int directory(byte[] zip) {
    return ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN).getInt(zip.length - 6);
  }

  private void assertDamaged(byte[] zip) {
    ApiError e = assertThrows(ApiError.class, () -> unpack(zip));
    assertEquals(400, e.status());
    assertTrue(e.text().startsWith("the zip file is damaged"), e.text());
    assertTrue(Files.notExists(folder.resolve("packed")));
  }

  @Test
  void aGoodOneIsUnpacked() throws IOException {
    assertEquals(1, unpack(zip()));
    assertArrayEquals(content(), Files.readAllBytes(folder.resolve(Upload.name(1, ""))));
  }

  /** As the reader of folders numbers them, however long the numbers are. */
  @Test
  void filesComeInTheOrderOfTheirNumbers() throws IOException {
    String zeros = "0".repeat(40);
    List<String> names =
        List.of("s/01.png", "s/1.png", "s/2.png", "s/10.png", "s/9" + zeros, "s/10" + zeros);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(out)) {
      for (String name : names.reversed()) {
        zip.putNextEntry(new ZipEntry(name));
        zip.write(name.getBytes(StandardCharsets.UTF_8));
      }
    }
    assertEquals(names.size(), unpack(out.toByteArray()));
    for (int i = 0; i < names.size(); i++) {
      assertEquals(names.get(i), Files.readString(folder.resolve(Upload.name(i + 1, ""))));
    }
  }

  @Test
  void otherBytesAreDamage() throws IOException {
    byte[] zip = zip();
    Arrays.fill(zip, 200, 300, (byte) 0xff);
    assertDamaged(zip);
    assertDamaged(Arrays.copyOf(zip(), 1000));
  }

  @ParameterizedTest
  @CsvSource({
    "wrong checksum," + CRC + ",1",
    "smaller than said," + SIZE + ",100001",
    "larger than said," + SIZE + ",10",
    "packed data end too early," + PACKED_SIZE + ",20000",
    "no packed data," + PACKED_SIZE + ",0",
    "no header where it should be," + HEADER_OFFSET + ",20",
    "a header beyond the end," + HEADER_OFFSET + ",2147483647"
  })
  void aFieldThatDoesNotFitIsDamage(String what, int field, int value) throws IOException {
    byte[] zip = zip();
    ByteBuffer.wrap(zip).order(ByteOrder.LITTLE_ENDIAN).putInt(directory(zip) + field, value);
    assertDamaged(zip);
  }
}
