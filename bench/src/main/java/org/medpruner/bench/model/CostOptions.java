package org.medpruner.bench.model;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.vlm.ComputeType;

/**
 * Arguments of {@link CostBench}.
 *
 * @param root the repository
 * @param shape folder whose config.json is the shape of a random checkpoint to write, or null
 * @param model the checkpoint to measure when none is written
 * @param folder where a written checkpoint's folder is made
 * @param volume file the slices are interpolated from
 * @param slices counts of slices of a request
 * @param loadSlices slices of each of the requests that come at once
 * @param concurrency how many come at once; empty for none
 * @param instances how many models serve those that come at once
 * @param requests of each setting and concurrency
 * @param turns timed requests of each setting, alone
 * @param compute type to compute in
 * @param cuda whether to measure on CUDA device 0
 * @param output results file, or null for none
 * @param threads of LibTorch and of the library, all instances together
 */
record CostOptions(
    Path root,
    @Nullable Path shape,
    Path model,
    Path folder,
    Path volume,
    List<Integer> slices,
    int loadSlices,
    List<Integer> concurrency,
    Instances instances,
    int requests,
    int turns,
    ComputeType compute,
    boolean cuda,
    @Nullable Path output,
    int threads) {

  private static final String KNOWN =
      "expected --model, --shape, --dir, --volume, --slices, --load-slices, --concurrency,"
          + " --instances, --requests, --turns, --dtype, --device or --output";

  /** How many models serve clients that come at once. */
  enum Instances {
    /** One, which the clients queue for. */
    ONE,
    /** One for each client. */
    EACH,
    /** First the one, then the other. */
    BOTH
  }

  /** Copies the lists. */
  CostOptions {
    slices = List.copyOf(slices);
    concurrency = List.copyOf(concurrency);
  }

  /**
   * Reads arguments.
   *
   * @throws IllegalArgumentException naming the argument and what it may be
   */
  static CostOptions parse(Path root, int threads, String... arguments) {
    @Nullable Path shape = null;
    Path model = root.resolve("models/demo");
    Path folder = root.resolve("build/models");
    Path volume = model.resolve("phantoms/phantom_05.nii.gz");
    List<Integer> slices = List.of(8, 32, 85);
    int loadSlices = 32;
    List<Integer> concurrency = List.of(1, 4, 8);
    Instances instances = Instances.BOTH;
    int requests = 16;
    int turns = 5;
    ComputeType compute = ComputeType.AUTO;
    boolean cuda = false;
    @Nullable Path output = null;
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      if (i + 1 == arguments.length) {
        throw new IllegalArgumentException(name + " needs a value, or is unknown; " + KNOWN);
      }
      String value = arguments[++i];
      switch (name) {
        case "--model" -> model = Options.existing(name, value);
        case "--shape" -> shape = Options.shape(root, name, value);
        case "--dir" -> folder = Path.of(value);
        case "--volume" -> volume = Path.of(value);
        case "--slices" -> slices = numbers(name, value);
        case "--load-slices" -> loadSlices = Options.number(name, value);
        case "--concurrency" ->
            concurrency = value.equals("none") ? List.of() : numbers(name, value);
        case "--instances" -> instances = constant(Instances.values(), name, value);
        case "--requests" -> requests = Options.number(name, value);
        case "--turns" -> turns = Options.number(name, value);
        case "--dtype" -> compute = constant(ComputeType.values(), name, value);
        case "--device" -> cuda = Options.cuda(name, value);
        case "--output" -> output = Path.of(value);
        default -> throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
      }
    }
    if (output == null) {
      Path name = (shape == null ? model : shape).toAbsolutePath().normalize().getFileName();
      output = root.resolve("bench/results/cost/" + name + (cuda ? "-cuda" : "") + ".json");
    }
    return new CostOptions(
        root,
        shape,
        model,
        folder,
        volume,
        slices,
        loadSlices,
        concurrency,
        instances,
        requests,
        turns,
        compute,
        cuda,
        output,
        threads);
  }

  private static List<Integer> numbers(String name, String value) {
    return Arrays.stream(value.split(",", -1)).map(v -> Options.number(name, v)).toList();
  }

  private static <E extends Enum<E>> E constant(E[] all, String name, String value) {
    for (E e : all) {
      if (e.name().equalsIgnoreCase(value)) {
        return e;
      }
    }
    String names =
        Arrays.stream(all)
            .map(e -> e.name().toLowerCase(Locale.ROOT))
            .collect(Collectors.joining(", "));
    throw new IllegalArgumentException(
        name + " is \"" + value + "\", expected " + names.replaceFirst(", (?=[^,]*$)", " or "));
  }
}
