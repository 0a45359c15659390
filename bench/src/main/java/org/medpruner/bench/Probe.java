package org.medpruner.bench;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** The ceilings of {@code bench/native/probe.h}: loops in C that the caller times. */
final class Probe {
  private final SymbolLookup symbols;
  private final int threads;
  private final MethodHandle read;
  private final MethodHandle copy;
  private final MethodHandle fma;
  private final MethodHandle call;

  /** Loads the probe for the rest of the process. */
  Probe(Path library, int threads) {
    this.symbols = SymbolLookup.libraryLookup(library, Arena.global());
    this.threads = threads;
    this.read = handle("probe_read", JAVA_LONG, ADDRESS, JAVA_LONG, JAVA_INT);
    this.copy = handle("probe_copy", null, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT);
    this.fma = handle("probe_fma", JAVA_DOUBLE, ADDRESS, JAVA_LONG, JAVA_INT);
    this.call = handle("probe_call", JAVA_LONG, ADDRESS, JAVA_LONG);
  }

  private MethodHandle handle(
      String name, @org.jspecify.annotations.Nullable MemoryLayout result, MemoryLayout... args) {
    FunctionDescriptor type =
        result == null ? FunctionDescriptor.ofVoid(args) : FunctionDescriptor.of(result, args);
    return Linker.nativeLinker().downcallHandle(symbols.find(name).orElseThrow(), type);
  }

  /** Reads memory once, with the threads of this probe. */
  long read(long address, long bytes) {
    try {
      return (long) read.invokeExact(MemorySegment.ofAddress(address), bytes, threads);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Copies memory. */
  void copy(long to, long from, long bytes) {
    try {
      copy.invokeExact(MemorySegment.ofAddress(to), MemorySegment.ofAddress(from), bytes, threads);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Multiplies and adds in registers on so many threads; the operations done. */
  double fma(String isa, long rounds, int on) {
    try (Arena arena = Arena.ofConfined()) {
      return (double) fma.invokeExact(arena.allocateFrom(isa), rounds, on);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** Calls a C function without arguments so many times from C. */
  long call(MemorySegment function, long times) {
    try {
      return (long) call.invokeExact(function, times);
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }

  /** The C function that does nothing. */
  MemorySegment nothing() {
    return symbols.find("probe_nothing").orElseThrow();
  }
}
