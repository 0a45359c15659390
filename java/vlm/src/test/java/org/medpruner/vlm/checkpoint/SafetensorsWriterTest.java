package org.medpruner.vlm.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.checkpoint.SafetensorsWriter.Tensor;

class SafetensorsWriterTest {
  @TempDir Path folder;

  private static final List<Tensor> TENSORS =
      List.of(
          new Tensor("a", StorageType.F32, 3),
          new Tensor("b.weight", StorageType.BF16, 2, 5),
          new Tensor("scalar", StorageType.F32),
          new Tensor("none", StorageType.BF16, 0, 4),
          new Tensor("c", StorageType.BF16, 1));

  /** Every element is its index, plus 100 times the length of the tensor's name. */
  private static void number(Tensor tensor, long first, ByteBuffer buffer) {
    for (long i = first; buffer.hasRemaining(); i++) {
      float value = i + 100f * tensor.name().length();
      if (tensor.type() == StorageType.F32) {
        buffer.putFloat(value);
      } else {
        buffer.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
      }
    }
  }

  private List<String> files() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(f -> f.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    Path file = folder.resolve("x.safetensors");
    SafetensorsWriter.write(file, TENSORS, SafetensorsWriterTest::number);
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      assertEquals(
          TENSORS.stream().map(Tensor::name).toList(), List.copyOf(read.entries().keySet()));
      assertEquals("pt", read.metadata().get("format"));
      for (Tensor t : TENSORS) {
        assertArrayEquals(t.shape(), read.entry(t.name()).shape(), t.name());
        assertEquals(t.type(), read.entry(t.name()).type(), t.name());
      }
      assertArrayEquals(
          new float[] {100, 101, 102},
          read.bytes(read.entry("a")).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED));
      assertEquals(600f, read.bytes(read.entry("scalar")).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
    }
    assertEquals(List.of("x.safetensors"), files());
    byte[] bytes = Files.readAllBytes(file);
    assertEquals(0, (bytes.length - 12 - 20 - 4 - 2) % 8, "data starts at a multiple of 8");
  }

  @Test
  void aTensorLongerThanAChunkIsAskedForInParts() throws IOException {
    int elements = SafetensorsWriter.CHUNK_BYTES / 2 + 3;
    Path file = folder.resolve("long.safetensors");
    SafetensorsWriter.write(
        file,
        List.of(new Tensor("t", StorageType.BF16, elements)),
        (tensor, first, buffer) -> {
          for (long i = first; buffer.hasRemaining(); i++) {
            buffer.putShort((short) (i % 30_011));
          }
        });
    try (SafetensorsFile read = SafetensorsFile.open(file)) {
      short[] values = read.bytes(read.entry("t")).toArray(ValueLayout.JAVA_SHORT_UNALIGNED);
      assertEquals(elements, values.length);
      for (int i = 0; i < elements; i++) {
        assertEquals((short) (i % 30_011), values[i]);
      }
    }
  }

  @Test
  void shardsAreSplitInOrderAndTheIndexListsThem() throws IOException {
    // 12 bytes, then 20 that do not fit beside them, then 4 + 0 + 2.
    SafetensorsWriter.writeSharded(folder, TENSORS, 24, SafetensorsWriterTest::number);
    assertEquals(
        List.of(
            "model-00001-of-00003.safetensors",
            "model-00002-of-00003.safetensors",
            "model-00003-of-00003.safetensors",
            "model.safetensors.index.json"),
        files());
    assertTrue(
        Files.readString(folder.resolve("model.safetensors.index.json"))
            .contains("\"total_size\" : 38"));
    try (Checkpoint checkpoint = Checkpoint.open(folder)) {
      assertEquals(TENSORS.size(), checkpoint.count());
      assertEquals(15, checkpoint.parameters());
      assertEquals(
          (short) (Float.floatToRawIntBits(809) >>> 16),
          checkpoint.weight("b.weight", 2, 5).bytes().get(ValueLayout.JAVA_SHORT_UNALIGNED, 18));
    }
  }

  @Test
  void whatFitsOneShardIsOneFile() throws IOException {
    SafetensorsWriter.writeSharded(folder, TENSORS, 38, SafetensorsWriterTest::number);
    assertEquals(List.of("model.safetensors"), files());
  }

  @Test
  void aFailureLeavesNothing() throws IOException {
    assertThrows(
        IOException.class,
        () ->
            SafetensorsWriter.writeSharded(
                folder,
                TENSORS,
                24,
                (tensor, first, buffer) -> {
                  if (tensor.name().equals("scalar")) {
                    throw new IOException("disk full");
                  }
                  number(tensor, first, buffer);
                }));
    assertEquals(List.of(), files());
    IllegalArgumentException unfilled =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                SafetensorsWriter.write(
                    folder.resolve("y"), TENSORS, (tensor, first, b) -> b.get()));
    assertTrue(String.valueOf(unfilled.getMessage()).contains("11 bytes of a unfilled"));
    assertEquals(List.of(), files());
  }

  @Test
  void aNameMayOccurOnce() {
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () ->
                SafetensorsWriter.write(
                    folder.resolve("z"),
                    List.of(TENSORS.getFirst(), TENSORS.getFirst()),
                    SafetensorsWriterTest::number));
    assertEquals("tensors: a occurs twice", e.getMessage());
  }
}
