package org.medpruner.internal.ffm;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.MemorySegment;
import org.medpruner.Device;

/** CUDA graphs. */
public final class NativeGraphs {
  private NativeGraphs() {}

  /** Begins recording on a stream. */
  public static void begin(Device device, long stream) {
    NativeLibrary.get();
    try (Frame f = new Frame()) {
      Status.check(NativeCalls.graphBegin(f.device(device), MemorySegment.ofAddress(stream)));
    }
  }

  /** Ends recording and gives the graph's handle. */
  public static long end(Device device, long stream) {
    try (Frame f = new Frame()) {
      MemorySegment graph = f.word();
      Status.check(NativeCalls.graphEnd(f.device(device), MemorySegment.ofAddress(stream), graph));
      return graph.get(ADDRESS, 0).address();
    }
  }

  /** Ends recording and keeps nothing; a capture that was broken ends silently, too. */
  public static void discard(Device device, long stream) {
    try (Frame f = new Frame()) {
      int status =
          NativeCalls.graphEnd(
              f.device(device), MemorySegment.ofAddress(stream), MemorySegment.NULL);
      if (status != Status.CUDA) {
        Status.check(status);
      }
    }
  }

  /** Queues a graph on a stream. */
  public static void launch(long graph, long stream) {
    Status.check(
        NativeCalls.graphLaunch(MemorySegment.ofAddress(graph), MemorySegment.ofAddress(stream)));
  }

  /** Waits for its launches and destroys a graph. */
  public static void destroy(long graph) {
    Status.check(NativeCalls.graphDestroy(MemorySegment.ofAddress(graph)));
  }
}
