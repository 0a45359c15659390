package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Writes weights as safetensors, one file or the Hub's sharded layout, without holding a tensor in
 * memory: the caller fills buffers of at most {@link #CHUNK_BYTES}, in file order.
 *
 * <p>A file appears under its name only when it is whole, the index only when all shards are there;
 * whatever fails, what this call wrote is deleted. Existing files of the same names are replaced.
 */
public final class SafetensorsWriter {
  /** Most bytes asked for at once; a multiple of every element's size. */
  public static final int CHUNK_BYTES = 4 << 20;

  /** Tensor data starts at a multiple of this, as the format's reference implementation has it. */
  private static final int ALIGNMENT = 8;

  private static final String PART = ".part";

  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A tensor to be written.
   *
   * @param name its name
   * @param type dtype of the elements
   * @param shape extents; not copied, must not be changed
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Tensor(String name, StorageType type, long... shape) {
    /** Number of elements. */
    public long elements() {
      long n = 1;
      for (long extent : shape) {
        n = Math.multiplyExact(n, extent);
      }
      return n;
    }

    /** Number of bytes. */
    public long bytes() {
      return Math.multiplyExact(elements(), type.bytes());
    }
  }

  /** Where the values come from. */
  @FunctionalInterface
  public interface Source {
    /**
     * Fills a buffer, from its position to its limit, with the elements that follow those already
     * asked for; little endian, whole elements.
     *
     * @param first index of the first element asked for, in row-major order
     */
    void fill(Tensor tensor, long first, ByteBuffer buffer) throws IOException;
  }

  private SafetensorsWriter() {}

  /**
   * Writes one file.
   *
   * @param tensors in file order, names distinct
   * @throws IllegalArgumentException if a name occurs twice, or a source leaves a buffer unfilled
   */
  public static void write(Path file, List<Tensor> tensors, Source source) throws IOException {
    checkNames(tensors);
    Path part = file.resolveSibling(file.getFileName() + PART);
    boolean ok = false;
    try {
      try (FileChannel out =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        writeAll(out, header(tensors));
        ByteBuffer buffer = ByteBuffer.allocateDirect(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (Tensor tensor : tensors) {
          write(out, tensor, source, buffer);
        }
      }
      Files.move(part, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      ok = true;
    } finally {
      if (!ok) {
        Files.deleteIfExists(part);
      }
    }
  }

  /**
   * Writes {@code model.safetensors}, or shards and {@code model.safetensors.index.json} where the
   * tensors take more than one shard.
   *
   * @param tensors in file order, names distinct
   * @param maxShardBytes most bytes of tensors in a shard; a larger tensor gets its own
   * @return the files written, the index last
   * @throws IllegalArgumentException if a name occurs twice, or a source leaves a buffer unfilled
   */
  public static List<Path> writeSharded(
      Path folder, List<Tensor> tensors, long maxShardBytes, Source source) throws IOException {
    checkNames(tensors);
    List<List<Tensor>> shards = shards(tensors, maxShardBytes);
    List<Path> written = new ArrayList<>();
    boolean ok = false;
    try {
      if (shards.size() == 1) {
        written.add(folder.resolve(Checkpoint.SINGLE));
        write(written.getLast(), tensors, source);
      } else {
        ObjectNode index = JSON.createObjectNode();
        long bytes = tensors.stream().mapToLong(Tensor::bytes).sum();
        index.putObject("metadata").put("total_size", bytes);
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
          String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
          written.add(folder.resolve(name));
          write(written.getLast(), shards.get(i), source);
          shards.get(i).forEach(t -> map.put(t.name(), name));
        }
        written.add(folder.resolve(Checkpoint.INDEX));
        Path part = folder.resolve(Checkpoint.INDEX + PART);
        try {
          Files.write(part, JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(index));
          Files.move(
              part,
              written.getLast(),
              StandardCopyOption.REPLACE_EXISTING,
              StandardCopyOption.ATOMIC_MOVE);
        } finally {
          Files.deleteIfExists(part);
        }
      }
      ok = true;
      return written;
    } finally {
      if (!ok) {
        for (Path file : written) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  private static List<List<Tensor>> shards(List<Tensor> tensors, long maxShardBytes) {
    List<List<Tensor>> shards = new ArrayList<>();
    shards.add(new ArrayList<>());
    long bytes = 0;
    for (Tensor tensor : tensors) {
      if (!shards.getLast().isEmpty() && bytes + tensor.bytes() > maxShardBytes) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.getLast().add(tensor);
      bytes += tensor.bytes();
    }
    return shards;
  }

  private static void checkNames(List<Tensor> tensors) {
    Set<String> names = new HashSet<>();
    for (Tensor tensor : tensors) {
      if (!names.add(tensor.name())) {
        throw new IllegalArgumentException("tensors: " + tensor.name() + " occurs twice");
      }
    }
  }

  private static ByteBuffer header(List<Tensor> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    // transformers refuses files without it.
    header.putObject("__metadata__").put("format", "pt");
    long offset = 0;
    for (Tensor tensor : tensors) {
      ObjectNode entry = header.putObject(tensor.name());
      entry.put("dtype", tensor.type().name());
      var shape = entry.putArray("shape");
      for (long extent : tensor.shape()) {
        shape.add(extent);
      }
      long end = Math.addExact(offset, tensor.bytes());
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = JSON.writeValueAsBytes(header);
    int padded = Math.ceilDiv(json.length, ALIGNMENT) * ALIGNMENT;
    ByteBuffer buffer = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(padded).put(json);
    while (buffer.hasRemaining()) {
      buffer.put((byte) ' ');
    }
    return buffer.flip();
  }

  private static void write(FileChannel out, Tensor tensor, Source source, ByteBuffer buffer)
      throws IOException {
    long left = tensor.bytes();
    long first = 0;
    while (left > 0) {
      buffer.clear().limit((int) Math.min(CHUNK_BYTES, left));
      int bytes = buffer.limit();
      source.fill(tensor, first, buffer);
      if (buffer.hasRemaining()) {
        throw new IllegalArgumentException(
            "source: left " + buffer.remaining() + " bytes of " + tensor.name() + " unfilled");
      }
      writeAll(out, buffer.flip());
      left -= bytes;
      first += bytes / tensor.type().bytes();
    }
  }

  private static void writeAll(FileChannel out, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      out.write(buffer);
    }
  }
}
