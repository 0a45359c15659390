package org.medpruner.vlm.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.InputException;

class SafetensorsFileTest {
  @TempDir Path folder;

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  private static String entry(String name, String dtype, String shape, long begin, long end) {
    return "\"%s\":{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
        .formatted(name, dtype, shape, begin, end);
  }

  private Path write(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("x.safetensors"), bytes);
  }

  private String refused(byte[] bytes) throws IOException {
    Path path = write(bytes);
    InputException e = assertThrows(InputException.class, () -> SafetensorsFile.open(path).close());
    String message = Objects.requireNonNull(e.getMessage());
    assertTrue(message.startsWith(path.toString()), message);
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  @Test
  void readsTensorsWhereTheyLie() throws IOException {
    byte[] bytes =
        file(
            "{\"__metadata__\":{\"format\":\"pt\"},"
                + entry("b", "BF16", "[2,2]", 12, 20)
                + ","
                + entry("a", "F32", "[3]", 0, 12)
                + ","
                + entry("scalar", "I64", "[]", 20, 28)
                + ","
                + entry("none", "U8", "[0,5]", 28, 28)
                + "}  ",
            28);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 28 + 8, 2.5f);
    try (SafetensorsFile f = SafetensorsFile.open(write(bytes))) {
      assertEquals("pt", f.metadata().get("format"));
      assertEquals(4, f.entries().size());
      assertArrayEquals(new long[] {2, 2}, f.entry("b").shape());
      assertEquals(1, f.entry("scalar").elements());
      assertEquals(0, f.entry("none").elements());
      assertEquals(2.5f, f.bytes(f.entry("a")).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 8));
      assertTrue(f.bytes(f.entry("a")).isReadOnly());
      InputException e = assertThrows(InputException.class, () -> f.entry("c"));
      assertTrue(String.valueOf(e.getMessage()).contains("tensor c is missing"));
    }
  }

  /** Such as the scales and packed weights of a quantised part that no network here asks for. */
  @ParameterizedTest
  @CsvSource({
    "BOOL,8",
    "F4,4",
    "F6_E2M3,6",
    "F6_E3M2,6",
    "U8,8",
    "I8,8",
    "F8_E5M2,8",
    "F8_E4M3,8",
    "F8_E8M0,8",
    "F8_E4M3FNUZ,8",
    "F8_E5M2FNUZ,8",
    "I16,16",
    "U16,16",
    "F16,16",
    "BF16,16",
    "I32,32",
    "U32,32",
    "F32,32",
    "C64,64",
    "I64,64",
    "U64,64",
    "F64,64"
  })
  void everyTypeOfTheFormatIsPassedOver(String dtype, int bits) throws IOException {
    byte[] bytes =
        file(
            "{"
                + entry("a", dtype, "[2,4]", 0, bits)
                + ","
                + entry("b", "F32", "[1]", bits, bits + 4)
                + "}",
            bits + 4);
    try (SafetensorsFile f = SafetensorsFile.open(write(bytes))) {
      assertEquals(8, f.entry("a").elements());
      assertEquals(bits, f.entry("a").bytes());
      assertEquals(4, f.bytes(f.entry("b")).byteSize());
    }
  }

  @Test
  void aTensorBeyondTwoGibibytesIsMapped() throws IOException {
    long big = (1L << 31) + 4096;
    byte[] head =
        file(
            "{"
                + entry("big", "U8", "[" + big + "]", 0, big)
                + ","
                + entry("last", "F32", "[1]", big, big + 4)
                + "}",
            0);
    Path path = write(head);
    try (RandomAccessFile f = new RandomAccessFile(path.toFile(), "rw")) {
      // Sparse: takes no disk. 0x40490fdb is pi, little endian.
      f.setLength(head.length + big + 4);
      f.seek(head.length + big);
      f.write(new byte[] {(byte) 0xdb, 0x0f, 0x49, 0x40});
    }
    try (SafetensorsFile f = SafetensorsFile.open(path)) {
      assertEquals(big, f.bytes(f.entry("big")).byteSize());
      assertEquals(
          (float) Math.PI, f.bytes(f.entry("last")).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | 4 | tensor a: data_offsets end at 8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | 4 | needs 8 bytes, data_offsets give 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | 4 | tensor a: data_offsets are not an ascending pair",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}} | 4 | tensor a: data_offsets are not an ascending pair",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}} | 4 | tensor a: data_offsets holds -4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | 4 | tensor a: shape holds -1",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,4]}} | 4 | tensor a: shape holds 1.5",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}} | 4 | overflows",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,4]}} | 4 | tensor a: shape holds 99999999999999999999",
        "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 | tensor a: unknown dtype \"F99\"",
        "{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}} | 2 | tensor a: shape [3] of F4 ends within a byte",
        "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,2]}} | 2 | needs 3 bytes, data_offsets give 2",
        "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}} | 4 | tensor a: no dtype",
        "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}} | 4 | tensor a: shape is missing",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | 4 | tensor a: data_offsets is missing",
        "{\"a\":7} | 4 | tensor a: its header entry is not a JSON object",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}} | 6 | tensor b: its bytes overlap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 | overlap",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | 8 | tensor a: a gap of 4 bytes",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 9 | 5 bytes follow the last tensor",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | 4 | uplicate",
        "[1,2] | 0 | header is not a JSON object",
        "{\"a\": | 0 | header is not valid JSON",
        "{} {} | 0 | header is not valid JSON",
        "{\"__metadata__\":3} | 0 | __metadata__ is not a JSON object",
      })
  void badHeadersAreRefused(String header, int dataBytes, String expected) throws IOException {
    String message = refused(file(header, dataBytes));
    assertTrue(message.contains(expected), message);
  }

  @Test
  void lyingLengthsAreRefused() throws IOException {
    assertTrue(refused(new byte[0]).contains("truncated: 0 bytes"));
    assertTrue(refused(new byte[7]).contains("truncated: 7 bytes"));
    assertTrue(refused(new byte[8]).contains("header length 0"));
    ByteBuffer lying = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    assertTrue(
        refused(lying.putLong(0, -1).array()).contains("header length 18446744073709551615"));
    assertTrue(refused(lying.putLong(0, 1L << 40).array()).contains("header length 1099511627776"));
    assertTrue(refused(lying.putLong(0, 9).array()).contains("a header of 9 bytes does not fit"));
    InputException e =
        assertThrows(
            InputException.class, () -> SafetensorsFile.open(folder.resolve("none")).close());
    assertTrue(String.valueOf(e.getMessage()).endsWith("none" + Checkpoint.NO_SUCH_FILE));
  }

  @Test
  void namesCannotBreakTheMessagesLine() throws IOException {
    String message = refused(file("{\"a\\nb\":{\"dtype\":\"x\\ry\"}}", 0));
    assertTrue(message.contains("a?b") && message.contains("x?y"), message);
  }

  @Test
  void everyTruncationIsRefused() throws IOException {
    byte[] good =
        file(
            "{" + entry("a", "F32", "[3]", 0, 12) + "," + entry("b", "U8", "[5]", 12, 17) + "}",
            17);
    for (int n = 0; n < good.length; n++) {
      refused(java.util.Arrays.copyOf(good, n));
    }
  }

  /** Any bytes either open as a file whose tensors can all be read, or are refused by name. */
  @Test
  void damagedFilesNeverDoHarm() throws IOException {
    byte[] good =
        file(
            "{\"__metadata__\":{\"k\":\"v\"},"
                + entry("a", "F32", "[3]", 0, 12)
                + ","
                + entry("b", "U8", "[5]", 12, 17)
                + "}",
            17);
    Random random = new Random(11);
    int opened = 0;
    for (int i = 0; i < 3000; i++) {
      byte[] bytes = good.clone();
      for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Path path = write(bytes);
      try (SafetensorsFile f = SafetensorsFile.open(path)) {
        for (SafetensorsFile.Entry e : f.entries().values()) {
          assertEquals(e.bytes(), f.bytes(e).toArray(ValueLayout.JAVA_BYTE).length);
        }
        opened++;
      } catch (InputException e) {
        assertEquals(1, String.valueOf(e.getMessage()).lines().count(), e.getMessage());
      }
    }
    assertTrue(opened > 0 && opened < 3000, opened + " of 3000 opened");
  }
}
