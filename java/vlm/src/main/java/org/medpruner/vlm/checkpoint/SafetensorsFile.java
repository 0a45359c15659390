package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * A safetensors file, mapped into memory: 8 bytes of header length (little endian), a JSON header,
 * then the tensors' bytes. Nothing is copied; the file may be of any size.
 *
 * <p>The header is checked completely before anything is given out: every tensor has a known dtype,
 * as many bytes as its shape says, lies inside the file, and the tensors tile the data exactly (the
 * format allows neither gaps nor overlaps). A file that fails is refused with an {@link
 * InputException} of one line that names the file and the tensor.
 *
 * <p>Segments are read-only and die with {@link #close}, which is idempotent; memory handed to
 * native code must not be used after it. The file must not be truncated while it is mapped: the
 * operating system then ends the process on access. Instances may be shared between threads.
 */
public final class SafetensorsFile implements AutoCloseable {
  /** Longest header the format allows, as in its reference implementation. */
  private static final long MAX_HEADER_BYTES = 100_000_000;

  private static final ValueLayout.OfLong U64_LE =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /**
   * A tensor of the file.
   *
   * @param name its name
   * @param type dtype of the elements, little endian
   * @param shape extents; empty for a scalar; not copied, must not be changed
   * @param offset first byte, counted from the begin of the data
   * @param bytes number of bytes
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Entry(String name, StorageType type, long[] shape, long offset, long bytes) {
    /** Number of elements. */
    public long elements() {
      return Math.multiplyExact(bytes, 8) / type.bits();
    }
  }

  private final Path path;
  private final Arena arena;
  private final MemorySegment data;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      Path path,
      Arena arena,
      MemorySegment data,
      Map<String, Entry> entries,
      Map<String, String> metadata) {
    this.path = path;
    this.arena = arena;
    this.data = data;
    this.entries = Collections.unmodifiableMap(entries);
    this.metadata = Collections.unmodifiableMap(metadata);
  }

  /**
   * Maps a file and checks its header.
   *
   * @throws InputException if the file cannot be read or is not a valid safetensors file
   */
  @SuppressWarnings("MustBeClosedChecker") // the instance owns the arena and closes it
  public static SafetensorsFile open(Path path) {
    if (!Files.isRegularFile(path)) {
      throw new InputException(path + Checkpoint.NO_SUCH_FILE);
    }
    Arena arena = Arena.ofShared();
    boolean ok = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < 8) {
        throw bad(path, "truncated: " + size + " bytes, but the header length alone takes 8");
      }
      MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      long headerBytes = file.get(U64_LE, 0);
      if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES) {
        throw bad(
            path,
            "not a safetensors file: header length "
                + Long.toUnsignedString(headerBytes)
                + " is not in 2.."
                + MAX_HEADER_BYTES);
      }
      if (headerBytes > size - 8) {
        throw bad(
            path, "truncated: a header of " + headerBytes + " bytes does not fit into " + size);
      }
      JsonNode header = parse(path, file.asSlice(8, headerBytes).toArray(ValueLayout.JAVA_BYTE));
      MemorySegment data = file.asSlice(8 + headerBytes);
      SafetensorsFile result = read(path, arena, header, data);
      ok = true;
      return result;
    } catch (IOException e) {
      throw new InputException(path + ": cannot be read: " + JsonFile.oneLine(e), e);
    } finally {
      if (!ok) {
        arena.close();
      }
    }
  }

  private static JsonNode parse(Path path, byte[] header) {
    try {
      JsonNode node = JSON.readTree(header);
      if (node == null || !node.isObject()) {
        throw bad(path, "header is not a JSON object");
      }
      return node;
    } catch (JsonProcessingException e) {
      throw bad(path, "header is not valid JSON: " + JsonFile.oneLine(e));
    } catch (IOException e) {
      throw bad(path, "header cannot be decoded: " + JsonFile.oneLine(e));
    }
  }

  private static SafetensorsFile read(Path path, Arena arena, JsonNode header, MemorySegment data) {
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : header.properties()) {
      if (field.getKey().equals("__metadata__")) {
        if (!field.getValue().isObject()) {
          throw bad(path, "__metadata__ is not a JSON object");
        }
        for (Map.Entry<String, JsonNode> m : field.getValue().properties()) {
          metadata.put(m.getKey(), m.getValue().asText());
        }
      } else {
        entries.put(field.getKey(), entry(path, field.getKey(), field.getValue(), data.byteSize()));
      }
    }
    checkTiling(path, entries, data.byteSize());
    return new SafetensorsFile(path, arena, data, entries, metadata);
  }

  private static Entry entry(Path path, String name, JsonNode node, long dataBytes) {
    if (!node.isObject()) {
      throw bad(path, name, "its header entry is not a JSON object");
    }
    JsonNode dtype = node.get("dtype");
    if (dtype == null || !dtype.isTextual()) {
      throw bad(path, name, "no dtype");
    }
    StorageType type = StorageType.ofName(dtype.textValue());
    if (type == null) {
      throw bad(path, name, "unknown dtype \"" + JsonFile.printable(dtype.textValue()) + "\"");
    }
    long[] shape = longs(path, name, node.get("shape"), "shape");
    long[] offsets = longs(path, name, node.get("data_offsets"), "data_offsets");
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw bad(path, name, "data_offsets are not an ascending pair");
    }
    if (offsets[1] > dataBytes) {
      throw bad(
          path,
          name,
          "data_offsets end at "
              + offsets[1]
              + ", but the file holds "
              + dataBytes
              + " bytes of data: truncated or wrong");
    }
    long bits = type.bits();
    try {
      for (long extent : shape) {
        bits = Math.multiplyExact(bits, extent);
      }
    } catch (ArithmeticException e) {
      throw bad(path, name, "shape " + Arrays.toString(shape) + " overflows");
    }
    if (bits % 8 != 0) {
      throw bad(
          path, name, "shape " + Arrays.toString(shape) + " of " + type + " ends within a byte");
    }
    long bytes = bits / 8;
    if (bytes != offsets[1] - offsets[0]) {
      throw bad(
          path,
          name,
          "shape "
              + Arrays.toString(shape)
              + " of "
              + type
              + " needs "
              + bytes
              + " bytes, data_offsets give "
              + (offsets[1] - offsets[0]));
    }
    return new Entry(name, type, shape, offsets[0], bytes);
  }

  private static long[] longs(Path path, String name, @Nullable JsonNode node, String field) {
    if (node == null || !node.isArray()) {
      throw bad(path, name, field + " is missing or not a list");
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode v = node.get(i);
      if (!v.isIntegralNumber() || !v.canConvertToLong() || v.longValue() < 0) {
        throw bad(
            path, name, field + " holds " + JsonFile.printable(v.toString()) + ", not a size");
      }
      values[i] = v.longValue();
    }
    return values;
  }

  private static void checkTiling(Path path, Map<String, Entry> entries, long dataBytes) {
    List<Entry> sorted = new ArrayList<>(entries.values());
    sorted.sort(Comparator.comparingLong(Entry::offset).thenComparingLong(Entry::bytes));
    long end = 0;
    for (Entry e : sorted) {
      if (e.offset() < end) {
        throw bad(path, e.name(), "its bytes overlap those of another tensor");
      }
      if (e.offset() > end) {
        throw bad(path, e.name(), "a gap of " + (e.offset() - end) + " bytes lies before it");
      }
      end = e.offset() + e.bytes();
    }
    if (end != dataBytes) {
      throw bad(path, (dataBytes - end) + " bytes follow the last tensor");
    }
  }

  private static InputException bad(Path path, String tensor, String problem) {
    return bad(path, "tensor " + JsonFile.printable(tensor) + ": " + problem);
  }

  private static InputException bad(Path path, String problem) {
    return new InputException(path + ": " + problem);
  }

  /** The file as given. */
  public Path path() {
    return path;
  }

  /** The tensors by name, in the header's order. */
  public Map<String, Entry> entries() {
    return entries;
  }

  /** The header's free text, often empty. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /**
   * A tensor by name.
   *
   * @throws InputException if the file has none of that name
   */
  public Entry entry(String name) {
    Entry e = entries.get(name);
    if (e == null) {
      throw bad(path, "tensor " + JsonFile.printable(name) + " is missing");
    }
    return e;
  }

  /** A tensor's bytes in the mapped file: read-only, little endian, of any alignment. */
  public MemorySegment bytes(Entry entry) {
    return data.asSlice(entry.offset(), entry.bytes());
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
