package org.medpruner.bench;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.Map;
import org.medpruner.MedPruner;

/** What a call from Java costs beyond a call from C: the cheapest entry of the library. */
final class DowncallCase implements Setup.Case {
  private static final int CALLS = 2_000_000;

  /** As the library is bound: a constant handle, so that the JIT compiles the call in place. */
  private static final class Handle {
    static final MemorySegment ADDRESS =
        SymbolLookup.libraryLookup(MedPruner.buildInfo().path(), Arena.global())
            .find("medpruner_abi_version")
            .orElseThrow();
    static final MethodHandle ABI_VERSION =
        Linker.nativeLinker().downcallHandle(ADDRESS, FunctionDescriptor.of(JAVA_INT));
  }

  @Override
  public List<Report.Row> rows(Setup setup, Ceilings ceilings) {
    Probe probe = setup.probe();
    long version = probe.call(Handle.ADDRESS, 1);
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
            .with("c", () -> probe.call(Handle.ADDRESS, CALLS))
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
    try {
      for (int i = 0; i < times; i++) {
        sum += (int) Handle.ABI_VERSION.invokeExact();
      }
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
    return sum;
  }
}
