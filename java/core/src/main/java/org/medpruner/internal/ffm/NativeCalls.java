package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * One method handle per entry point but the ops', which {@link OpHandles} holds. Touching this
 * class loads the library; without one its initialiser fails, so callers ask {@link NativeLibrary}
 * first.
 */
final class NativeCalls {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final SymbolLookup SYMBOLS = NativeLibrary.get().symbols();

  private static final MethodHandle LAST_ERROR =
      handle("medpruner_last_error", JAVA_LONG, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle GET_BUILD_INFO =
      handle("medpruner_get_build_info", JAVA_INT, ADDRESS);
  private static final MethodHandle CPU_ISA = handle("medpruner_cpu_isa", ADDRESS);
  private static final MethodHandle CPU_THREADS = handle("medpruner_cpu_threads", JAVA_INT);
  private static final MethodHandle SET_CPU_THREADS =
      handle("medpruner_set_cpu_threads", JAVA_INT, JAVA_INT);
  private static final MethodHandle CUDA_DEVICE_COUNT =
      handle("medpruner_cuda_device_count", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle CUDA_DEVICE_GET =
      handle("medpruner_cuda_device_get", JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle ALLOC =
      handle("medpruner_alloc", JAVA_INT, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle FREE = handle("medpruner_free", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle COPY =
      handle("medpruner_copy", JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS);
  private static final MethodHandle STREAM_CREATE =
      handle("medpruner_stream_create", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle STREAM_DESTROY =
      handle("medpruner_stream_destroy", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle STREAM_SYNCHRONIZE =
      handle("medpruner_stream_synchronize", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle GRAPH_BEGIN =
      handle("medpruner_graph_begin", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle GRAPH_END =
      handle("medpruner_graph_end", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
  private static final MethodHandle GRAPH_LAUNCH =
      handle("medpruner_graph_launch", JAVA_INT, ADDRESS, ADDRESS);
  private static final MethodHandle GRAPH_DESTROY =
      handle("medpruner_graph_destroy", JAVA_INT, ADDRESS);

  private NativeCalls() {}

  static MethodHandle handle(String name, MemoryLayout result, MemoryLayout... arguments) {
    MemorySegment address =
        SYMBOLS
            .find(name)
            .orElseThrow(() -> new UnsatisfiedLinkError("the native library lacks " + name));
    return LINKER.downcallHandle(address, FunctionDescriptor.of(result, arguments));
  }

  /** Handles declare Throwable, but a downcall throws nothing of its own. */
  static AssertionError unexpected(Throwable t) {
    if (t instanceof RuntimeException e) {
      throw e;
    }
    if (t instanceof Error e) {
      throw e;
    }
    return new AssertionError(t);
  }

  static long lastError(MemorySegment text, long capacity, MemorySegment cudaCode) {
    try {
      return (long) LAST_ERROR.invokeExact(text, capacity, cudaCode);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int getBuildInfo(MemorySegment info) {
    try {
      return (int) GET_BUILD_INFO.invokeExact(info);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static MemorySegment cpuIsa() {
    try {
      return (MemorySegment) CPU_ISA.invokeExact();
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int cpuThreads() {
    try {
      return (int) CPU_THREADS.invokeExact();
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int setCpuThreads(int threads) {
    try {
      return (int) SET_CPU_THREADS.invokeExact(threads);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int cudaDeviceCount(MemorySegment count, MemorySegment reason, long capacity) {
    try {
      return (int) CUDA_DEVICE_COUNT.invokeExact(count, reason, capacity);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int cudaDeviceGet(int index, MemorySegment info) {
    try {
      return (int) CUDA_DEVICE_GET.invokeExact(index, info);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int alloc(MemorySegment device, long bytes, MemorySegment pointer) {
    try {
      return (int) ALLOC.invokeExact(device, bytes, pointer);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int free(MemorySegment device, MemorySegment pointer) {
    try {
      return (int) FREE.invokeExact(device, pointer);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int copy(
      MemorySegment destination,
      MemorySegment destinationDevice,
      MemorySegment source,
      MemorySegment sourceDevice,
      long bytes,
      MemorySegment stream) {
    try {
      return (int)
          COPY.invokeExact(destination, destinationDevice, source, sourceDevice, bytes, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int streamCreate(MemorySegment device, MemorySegment stream) {
    try {
      return (int) STREAM_CREATE.invokeExact(device, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int streamDestroy(MemorySegment device, MemorySegment stream) {
    try {
      return (int) STREAM_DESTROY.invokeExact(device, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int streamSynchronize(MemorySegment device, MemorySegment stream) {
    try {
      return (int) STREAM_SYNCHRONIZE.invokeExact(device, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int graphBegin(MemorySegment device, MemorySegment stream) {
    try {
      return (int) GRAPH_BEGIN.invokeExact(device, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int graphEnd(MemorySegment device, MemorySegment stream, MemorySegment graph) {
    try {
      return (int) GRAPH_END.invokeExact(device, stream, graph);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int graphLaunch(MemorySegment graph, MemorySegment stream) {
    try {
      return (int) GRAPH_LAUNCH.invokeExact(graph, stream);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }

  static int graphDestroy(MemorySegment graph) {
    try {
      return (int) GRAPH_DESTROY.invokeExact(graph);
    } catch (Throwable t) {
      throw unexpected(t);
    }
  }
}
