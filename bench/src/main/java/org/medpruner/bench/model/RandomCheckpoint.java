package org.medpruner.bench.model;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.medpruner.InputException;
import org.medpruner.vlm.checkpoint.Checkpoint;
import org.medpruner.vlm.checkpoint.SafetensorsWriter;
import org.medpruner.vlm.checkpoint.StorageType;
import org.medpruner.vlm.gemma.GemmaConfig;

/**
 * A checkpoint of random weights in a folder of its own, deleted when it is closed or the user
 * interrupts: 8.6 GB are not left behind.
 */
final class RandomCheckpoint implements AutoCloseable {
  /** Shards as the Hub cuts them. */
  private static final long SHARD_BYTES = 5_000_000_000L;

  /** Left free on the disk beside the checkpoint. */
  private static final long SPARE_BYTES = 256L << 20;

  private static final long SEED = 20_260_101;

  private final Path folder;
  private final boolean keep;
  private final Thread cleaner;

  private RandomCheckpoint(Path folder, boolean keep) {
    this.folder = folder;
    this.keep = keep;
    this.cleaner = new Thread(() -> delete(folder));
  }

  /**
   * Writes one, in BF16.
   *
   * @param shape folder whose config.json is the shape
   * @param parent where its folder is made
   * @param keep whether it stays
   * @throws InputException if the disk is too full
   */
  static RandomCheckpoint write(Path shape, Path parent, boolean keep) throws IOException {
    RandomCheckpoint c = new RandomCheckpoint(newFolder(shape, parent), keep);
    if (!keep) {
      Runtime.getRuntime().addShutdownHook(c.cleaner);
    }
    write(shape, c.folder, StorageType.BF16);
    return c;
  }

  Path folder() {
    return folder;
  }

  private static Path newFolder(Path shape, Path parent) throws IOException {
    long needed =
        GemmaTensors.of(GemmaConfig.read(shape), StorageType.BF16).stream()
            .mapToLong(SafetensorsWriter.Tensor::bytes)
            .sum();
    Files.createDirectories(parent);
    long free = Files.getFileStore(parent).getUsableSpace();
    if (free < needed + SPARE_BYTES) {
      throw new InputException(
          String.format(
              "%s has %.1f GB free, but the checkpoint takes %.1f GB; name another folder with"
                  + " --dir",
              parent, free * 1e-9, needed * 1e-9));
    }
    return Files.createTempDirectory(parent, "random-model-");
  }

  /** Writes random weights of the shape in {@code shape/config.json} into a folder. */
  static void write(Path shape, Path folder, StorageType type) throws IOException {
    GemmaConfig config = GemmaConfig.read(shape);
    List<SafetensorsWriter.Tensor> tensors = GemmaTensors.of(config, type);
    Files.copy(shape.resolve("config.json"), folder.resolve("config.json"));
    long start = System.nanoTime();
    SafetensorsWriter.writeSharded(folder, tensors, SHARD_BYTES, new RandomWeights(SEED));
    System.err.printf(
        "wrote %,d parameters in %.1f s%n",
        tensors.stream().mapToLong(SafetensorsWriter.Tensor::elements).sum(),
        (System.nanoTime() - start) * 1e-9);
  }

  /** What a results file says about a checkpoint. */
  static ModelReport.Checkpoint describe(Path folder, String name, boolean random)
      throws IOException {
    long bytes;
    try (Stream<Path> files = Files.list(folder)) {
      bytes =
          files
              .filter(f -> f.toString().endsWith(".safetensors"))
              .mapToLong(f -> f.toFile().length())
              .sum();
    }
    try (Checkpoint c = Checkpoint.open(folder)) {
      return new ModelReport.Checkpoint(
          name, random, c.storageType().name(), c.parameters(), bytes);
    }
  }

  @Override
  public void close() {
    if (keep) {
      System.err.println("kept: " + folder);
      return;
    }
    delete(folder);
    Runtime.getRuntime().removeShutdownHook(cleaner);
  }

  private static void delete(Path folder) {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      System.err.println("medpruner: bench: " + folder + " was not deleted: " + e);
    }
  }
}
