package org.medpruner.bench.model;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.ComputeType;

/**
 * Arguments of {@link ModelBench}.
 *
 * @param root the repository
 * @param shape folder whose config.json is the shape to write
 * @param model a checkpoint to measure instead of writing one, or null
 * @param folder where the checkpoint's folder is made
 * @param volume file the slices are taken from
 * @param slices how many of them
 * @param computeTypes what to measure, one process each
 * @param cuda whether to measure on CUDA device 0
 * @param keep whether the written checkpoint stays
 * @param output results file, or null for none
 * @param threads of LibTorch and of the library
 */
record ModelBenchOptions(
    Path root,
    Path shape,
    @Nullable Path model,
    Path folder,
    Path volume,
    int slices,
    List<ComputeType> computeTypes,
    boolean cuda,
    boolean keep,
    @Nullable Path output,
    int threads) {

  /** The shape written and measured when none is named. */
  static final String DEFAULT_SHAPE = "medgemma-4b";

  private static final String KNOWN =
      "expected --shape, --model, --dir, --volume, --slices, --dtype, --device, --output or --keep";

  /** Copies the list. */
  ModelBenchOptions {
    computeTypes = List.copyOf(computeTypes);
  }

  /**
   * Reads arguments.
   *
   * @param root the repository, where shapes, the volume and the default folders are
   * @throws IllegalArgumentException naming the argument and what it may be
   */
  static ModelBenchOptions parse(Path root, int threads, String... arguments) {
    Path shapes = root.resolve("bench/shapes");
    Path shape = shapes.resolve(DEFAULT_SHAPE);
    @Nullable Path model = null;
    Path folder = root.resolve("build/models");
    Path volume = root.resolve("models/demo/phantoms/phantom_05.nii.gz");
    int slices = 8;
    List<ComputeType> types = List.of(ComputeType.BF16, ComputeType.F32);
    boolean cuda = false;
    boolean keep = false;
    @Nullable Path output = null;
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      if (name.equals("--keep")) {
        keep = true;
        continue;
      }
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " needs a value, or is unknown; " + KNOWN);
      }
      String value = arguments[++i];
      switch (name) {
        case "--shape" -> shape = shape(shapes, value);
        case "--model" -> model = existing(name, value, "config.json");
        case "--dir" -> folder = Path.of(value);
        case "--volume" -> volume = Path.of(value);
        case "--slices" -> slices = slices(value);
        case "--dtype" -> types = types(value);
        case "--device" -> cuda = cuda(value);
        case "--output" -> output = Path.of(value);
        default -> throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
      }
    }
    if (model != null && keep) {
      throw new IllegalArgumentException(
          "--keep is for a checkpoint written here, not for --model");
    }
    if (output == null && model == null && shape.equals(shapes.resolve(DEFAULT_SHAPE))) {
      output = root.resolve("bench/results/models/" + DEFAULT_SHAPE + ".json");
    }
    return new ModelBenchOptions(
        root, shape, model, folder, volume, slices, types, cuda, keep, output, threads);
  }

  private static Path shape(Path shapes, String value) {
    Path named = shapes.resolve(value);
    return Files.isDirectory(named) ? named : existing("--shape", value, "config.json");
  }

  private static Path existing(String name, String value, String file) {
    Path folder = Path.of(value);
    if (!Files.isRegularFile(folder.resolve(file))) {
      throw new IllegalArgumentException(
          name + " is \"" + value + "\", but there is no " + folder.resolve(file));
    }
    return folder;
  }

  private static int slices(String value) {
    try {
      int n = Integer.parseInt(value);
      if (n >= 1) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        "--slices is \"" + value + "\", expected a number from 1 on");
  }

  private static List<ComputeType> types(String value) {
    return Arrays.stream(value.split(",", -1))
        .map(
            word ->
                Arrays.stream(ComputeType.values())
                    .filter(t -> t.name().equalsIgnoreCase(word))
                    .findFirst()
                    .orElseThrow(
                        () ->
                            new IllegalArgumentException(
                                "--dtype is \""
                                    + value
                                    + "\", expected auto, f32 or bf16, or several with commas")))
        .toList();
  }

  private static boolean cuda(String value) {
    return switch (value) {
      case "cpu" -> false;
      case "cuda" -> true;
      default ->
          throw new IllegalArgumentException("--device is \"" + value + "\", expected cpu or cuda");
    };
  }
}
