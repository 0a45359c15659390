package org.medpruner.bench.model;

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
    Path standard = root.resolve("bench/shapes").resolve(DEFAULT_SHAPE);
    Path shape = standard;
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
        case "--shape" -> shape = Options.shape(root, name, value);
        case "--model" -> model = Options.existing(name, value);
        case "--dir" -> folder = Path.of(value);
        case "--volume" -> volume = Path.of(value);
        case "--slices" -> slices = Options.number(name, value);
        case "--dtype" -> types = types(value);
        case "--device" -> cuda = Options.cuda(name, value);
        case "--output" -> output = Path.of(value);
        default -> throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
      }
    }
    if (model != null && keep) {
      throw new IllegalArgumentException(
          "--keep is for a checkpoint written here, not for --model");
    }
    if (output == null && model == null && shape.equals(standard)) {
      String name = DEFAULT_SHAPE + (cuda ? "-cuda" : "") + ".json";
      output = root.resolve("bench/results/models").resolve(name);
    }
    return new ModelBenchOptions(
        root, shape, model, folder, volume, slices, types, cuda, keep, output, threads);
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
}
