package org.medpruner.bench;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import org.medpruner.MedPruner;

/**
 * {@code medpruner_abi_version}, the cheapest entry of the library, as the library is bound: a
 * constant handle, so that the JIT compiles the call in place.
 */
public final class AbiVersion {
  static final MemorySegment ADDRESS =
      SymbolLookup.libraryLookup(MedPruner.buildInfo().path(), Arena.global())
          .find("medpruner_abi_version")
          .orElseThrow();
  private static final MethodHandle HANDLE =
      Linker.nativeLinker().downcallHandle(ADDRESS, FunctionDescriptor.of(JAVA_INT));

  private AbiVersion() {}

  /** One call. */
  public static int call() {
    try {
      return (int) HANDLE.invokeExact();
    } catch (Throwable t) {
      throw new AssertionError(t);
    }
  }
}
