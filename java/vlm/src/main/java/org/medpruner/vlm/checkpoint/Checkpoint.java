package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * The weights of a Hugging Face checkpoint folder: {@code model.safetensors}, or the shards that
 * {@code model.safetensors.index.json} lists. Mapped, never copied.
 *
 * <p>{@link #close} unmaps everything and is idempotent. May be shared between threads.
 */
public final class Checkpoint implements AutoCloseable {
  static final String SINGLE = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  /** Behind the name of a file that a checkpoint must have. */
  static final String NO_SUCH_FILE = ": no such file; name a whole checkpoint folder";

  /**
   * A weight in the mapped file.
   *
   * @param name name in the file
   * @param type dtype
   * @param shape extents; not copied, must not be changed
   * @param bytes its bytes, read-only, little endian, of any alignment; valid until the checkpoint
   *     closes
   */
  @SuppressWarnings("ArrayRecordComponent")
  public record Weight(String name, StorageType type, long[] shape, MemorySegment bytes) {}

  private final Path folder;
  private final List<SafetensorsFile> files;
  private final Map<String, SafetensorsFile> owners;

  private Checkpoint(
      Path folder, List<SafetensorsFile> files, Map<String, SafetensorsFile> owners) {
    this.folder = folder;
    this.files = files;
    this.owners = owners;
  }

  /**
   * Maps the weights of a folder.
   *
   * @throws InputException if the folder, a shard or a listed tensor is missing, or a file is bad
   */
  public static Checkpoint open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InputException("model folder " + folder + ": no such folder");
    }
    Map<String, SafetensorsFile> shards = new LinkedHashMap<>();
    boolean ok = false;
    try {
      Checkpoint result;
      if (Files.exists(folder.resolve(SINGLE))) {
        SafetensorsFile file = SafetensorsFile.open(folder.resolve(SINGLE));
        shards.put(SINGLE, file);
        Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
        file.entries().keySet().forEach(name -> owners.put(name, file));
        result = new Checkpoint(folder, List.of(file), owners);
      } else if (Files.exists(folder.resolve(INDEX))) {
        Map<String, SafetensorsFile> owners = openShards(folder, shards);
        result = new Checkpoint(folder, List.copyOf(shards.values()), owners);
      } else {
        throw new InputException(
            "model folder "
                + folder
                + ": neither "
                + SINGLE
                + " nor "
                + INDEX
                + " is there; download the checkpoint again");
      }
      ok = true;
      return result;
    } finally {
      if (!ok) {
        shards.values().forEach(SafetensorsFile::close);
      }
    }
  }

  private static Map<String, SafetensorsFile> openShards(
      Path folder, Map<String, SafetensorsFile> shards) {
    JsonFile index = JsonFile.read(folder.resolve(INDEX));
    JsonNode map = index.get("weight_map");
    if (map == null || !map.isObject() || map.isEmpty()) {
      throw index.bad("weight_map is missing or empty");
    }
    Map<String, SafetensorsFile> owners = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> e : map.properties()) {
      String shard = e.getValue().asText();
      if (!e.getValue().isTextual()
          || shard.isEmpty()
          || shard.contains("/")
          || shard.contains("\\")) {
        throw index.bad(
            "weight_map." + e.getKey(), e.getValue(), "the name of a file in the same folder");
      }
      SafetensorsFile file = shards.get(shard);
      if (file == null) {
        if (!Files.isRegularFile(folder.resolve(shard))) {
          throw index.bad("shard " + JsonFile.printable(shard) + " is missing from the folder");
        }
        file = SafetensorsFile.open(folder.resolve(shard));
        shards.put(shard, file);
      }
      if (!file.entries().containsKey(e.getKey())) {
        throw new InputException(
            file.path()
                + ": tensor "
                + JsonFile.printable(e.getKey())
                + " is missing, though "
                + INDEX
                + " lists it");
      }
      owners.put(e.getKey(), file);
    }
    return owners;
  }

  /** The folder as given. */
  public Path folder() {
    return folder;
  }

  /** Whether there is a weight of that name. */
  public boolean has(String name) {
    return owners.containsKey(name);
  }

  /**
   * The first of some prefixes under which a weight exists.
   *
   * @return the prefix, or null if none of them has it
   */
  public @Nullable String prefixOf(String suffix, List<String> prefixes) {
    for (String p : prefixes) {
      if (has(p + suffix)) {
        return p;
      }
    }
    return null;
  }

  /**
   * A weight of a given shape.
   *
   * @throws InputException naming the tensor if it is missing, not of a floating type, or of
   *     another shape than the configuration asks for
   */
  public Weight weight(String name, long... shape) {
    SafetensorsFile file = owners.get(name);
    if (file == null) {
      throw new InputException("model folder " + folder + ": tensor " + name + " is missing");
    }
    SafetensorsFile.Entry e = file.entry(name);
    if (!e.type().isWeight()) {
      throw new InputException(
          file.path()
              + ": tensor "
              + name
              + " is "
              + e.type()
              + ", but weights must be F32, BF16 or F16");
    }
    if (!Arrays.equals(e.shape(), shape)) {
      throw new InputException(
          file.path()
              + ": tensor "
              + name
              + " has shape "
              + Arrays.toString(e.shape())
              + ", but config.json asks for "
              + Arrays.toString(shape));
    }
    return new Weight(name, e.type(), e.shape(), file.bytes(e));
  }

  /** Whether two tensors, which are there, have one dtype, one shape and the same bytes. */
  public boolean same(String one, String other) {
    SafetensorsFile first = Objects.requireNonNull(owners.get(one), one);
    SafetensorsFile second = Objects.requireNonNull(owners.get(other), other);
    SafetensorsFile.Entry a = first.entry(one);
    SafetensorsFile.Entry b = second.entry(other);
    return a.type() == b.type()
        && Arrays.equals(a.shape(), b.shape())
        && first.bytes(a).mismatch(second.bytes(b)) < 0;
  }

  /** Number of tensors. */
  public int count() {
    return owners.size();
  }

  /** Number of values in all tensors. */
  public long parameters() {
    long sum = 0;
    for (Map.Entry<String, SafetensorsFile> e : owners.entrySet()) {
      sum += e.getValue().entry(e.getKey()).elements();
    }
    return sum;
  }

  /** The dtype of most values; F32 when there are none. */
  public StorageType storageType() {
    EnumMap<StorageType, Long> counts = new EnumMap<>(StorageType.class);
    for (Map.Entry<String, SafetensorsFile> e : owners.entrySet()) {
      SafetensorsFile.Entry entry = e.getValue().entry(e.getKey());
      counts.merge(entry.type(), entry.elements(), Long::sum);
    }
    return counts.entrySet().stream()
        .max(Map.Entry.comparingByValue())
        .map(Map.Entry::getKey)
        .orElse(StorageType.F32);
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
