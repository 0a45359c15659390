package org.medpruner.bench;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import org.medpruner.MedPruner;

/** What a call from Java costs beyond a call from C: the cheapest entry of the library. */
final class DowncallCase implements Setup.Case {
  private static final int CALLS = 2_000_000;

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    Probe probe = setup.probe();
    long version = probe.call(AbiVersion.ADDRESS, 1);
    String bound = MedPruner.buildInfo().abi();
    Setup.check(
        version == fromJava(1) && bound.equals((version >> 16) + "." + (version & 0xffff)),
        "medpruner_abi_version from C, from Java and as bound differ");
    MemorySegment nothing = probe.nothing();
    Map<String, Timing> race =
        setup
            .race()
            .with("java", () -> fromJava(CALLS))
            .with("empty", () -> probe.call(nothing, CALLS))
            .with("c", () -> probe.call(AbiVersion.ADDRESS, CALLS))
            .run();
    Timing java = each(Setup.require(race, "java"));
    Timing empty = each(Setup.require(race, "empty"));
    Timing c = each(Setup.require(race, "c"));
    return List.of(
        new Report.Row(
            "downcall",
            "medpruner_abi_version",
            "no arguments",
            "u32",
            "cpu",
            0,
            0,
            java,
            null,
            null,
            List.of(
                new Report.Baseline(
                    "empty C call",
                    "a C loop that calls a function doing nothing",
                    empty,
                    empty.over(java),
                    null),
                new Report.Baseline(
                    "same from C", "a C loop that calls the same entry", c, c.over(java), null)),
            List.of(),
            "the version from Java, from C and as the binding reads it are equal"));
  }

  private static Timing each(Timing loop) {
    return new Timing(loop.median() / CALLS, loop.min() / CALLS, loop.max() / CALLS, loop.runs());
  }

  private static long fromJava(int times) {
    long sum = 0;
    for (int i = 0; i < times; i++) {
      sum += AbiVersion.call();
    }
    return sum;
  }
}
