package org.medpruner.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.medpruner.DType;
import org.medpruner.Device;
import org.medpruner.MedPruner;
import org.medpruner.NativeBuffer;

/**
 * Collects what plain loops were seen to do in this run, each by the median of its runs. Of a
 * bandwidth that is no maximum.
 */
final class Ceilings {
  private static final String FMA = "f32 fma";
  private static final String COPY = "copy";

  /** Of the features of 32 slices of 256 tokens of 2560 f32 channels. */
  private static final long COPIED_BYTES = 32L * 256 * 2560 * 4;

  /** Unit of a rate of arithmetic. */
  static final String ARITHMETIC = "FLOP/s";

  private final List<Report.Ceiling> all = new ArrayList<>();

  /** Read bandwidth over a buffer, from a race in which the probe took its turns. */
  Report.Ceiling read(String name, long bytes, Timing seconds) {
    return add(
        new Report.Ceiling(
            name,
            "cpu",
            bytes / seconds.median(),
            "B/s",
            seconds,
            "every byte of the same " + bytes / 1_000_000 + " MB read once, in turns with the op"));
  }

  /** Copy bandwidth: bytes read plus bytes written; measured once. */
  Report.Ceiling copy(Setup setup) {
    return find(COPY).orElseGet(() -> measureCopy(setup));
  }

  private Report.Ceiling measureCopy(Setup setup) {
    try (NativeBuffer to = NativeBuffer.allocate(Device.CPU, DType.U8, COPIED_BYTES);
        NativeBuffer from = NativeBuffer.allocate(Device.CPU, DType.U8, COPIED_BYTES)) {
      long target = to.asSegment().address();
      long source = from.asSegment().address();
      // Pages that were never written are all one page, which stays in the cache.
      setup.probe().copy(source, target, COPIED_BYTES);
      Map<String, Timing> race =
          setup.race().with(COPY, () -> setup.probe().copy(target, source, COPIED_BYTES)).run();
      Timing seconds = Setup.require(race, COPY);
      return add(
          new Report.Ceiling(
              COPY,
              "cpu",
              2.0 * COPIED_BYTES / seconds.median(),
              "B/s",
              seconds,
              COPIED_BYTES / 1_000_000
                  + " MB copied with stores past the caches; read and written bytes"));
    }
  }

  /** Fused multiply-adds of f32 in the vectors of the tier the library runs in; measured once. */
  Report.Ceiling fma(Setup setup) {
    return find(FMA).orElseGet(() -> measureFma(setup));
  }

  private Report.Ceiling measureFma(Setup setup) {
    String isa = MedPruner.cpuIsa();
    long rounds = 20_000_000;
    double flops = setup.probe().fma(isa, 1, 1) * rounds * setup.threads();
    Map<String, Timing> race =
        setup.race().with("fma", () -> setup.probe().fma(isa, rounds, setup.threads())).run();
    Timing seconds = Setup.require(race, "fma");
    return add(
        new Report.Ceiling(
            FMA,
            "cpu",
            flops / seconds.median(),
            ARITHMETIC,
            seconds,
            "independent multiply-adds in registers, tier " + isa));
  }

  private Report.Ceiling add(Report.Ceiling ceiling) {
    all.add(ceiling);
    return ceiling;
  }

  List<Report.Ceiling> all() {
    return List.copyOf(all);
  }

  /** One that was added before. */
  Report.Ceiling get(String name) {
    return find(name).orElseThrow();
  }

  private Optional<Report.Ceiling> find(String name) {
    return all.stream().filter(c -> c.name().equals(name)).findFirst();
  }

  /**
   * The share of a ceiling that so much work in so much time is. What moves may lie in a cache and
   * exceed the bandwidth of memory; nothing calculates faster than the processor does.
   *
   * @throws Setup.CheckFailedException for more than all of a rate of arithmetic
   */
  static Report.Share share(Report.Ceiling ceiling, double work, Timing seconds) {
    double percent = 100 * work / seconds.median() / ceiling.value();
    if (ceiling.unit().equals(ARITHMETIC) && percent > 100) {
      throw new Setup.CheckFailedException(
          String.format(
              "measuring error, so no figure is taken: %.0f %% of %s; flops count more than was"
                  + " done, or the ceiling was taken while the machine was slower",
              percent, ceiling.name()));
    }
    return new Report.Share(ceiling.name(), percent);
  }
}
