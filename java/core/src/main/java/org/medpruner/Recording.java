package org.medpruner;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.internal.ffm.NativeGraphs;

/** The capture of a stream by a thread: what the ops called on it use, and its end. */
final class Recording {
  private static final ThreadLocal<@Nullable Recording> CURRENT = new ThreadLocal<>();

  private final Stream stream;
  private final Device device;
  private final List<Call> calls = new ArrayList<>();

  private Recording(Stream stream, Device device) {
    this.stream = stream;
    this.device = device;
  }

  /** Begins one; until its end this thread's calls on the stream are recorded. */
  static Recording begin(Stream stream, Device device) {
    if (CURRENT.get() != null) {
      throw new IllegalStateException("this thread is capturing a stream already");
    }
    stream.acquire();
    boolean begun = false;
    try {
      NativeGraphs.begin(device, stream.handle());
      begun = true;
    } finally {
      if (!begun) {
        stream.release();
      }
    }
    Recording recording = new Recording(stream, device);
    CURRENT.set(recording);
    return recording;
  }

  /** Holds the call's tensors once more, for the graph, when the stream is being recorded. */
  static void note(Stream stream, @Nullable TensorView[] tensors) {
    Recording r = CURRENT.get();
    if (r != null && stream.handle() == r.stream.handle() && stream.device() != null) {
      r.calls.add(Call.keep(tensors));
    }
  }

  /** Each call's tensors, held; the graph's from the end on. */
  List<Call> calls() {
    return List.copyOf(calls);
  }

  /** Ends it and gives the native graph. */
  long end() {
    CURRENT.remove();
    boolean ended = false;
    try {
      long handle = NativeGraphs.end(device, stream.handle());
      ended = true;
      return handle;
    } finally {
      if (!ended) {
        calls.forEach(Call::close);
      }
      stream.release();
    }
  }

  /** Ends it and throws away what was recorded. */
  void discard() {
    CURRENT.remove();
    try {
      NativeGraphs.discard(device, stream.handle());
    } finally {
      calls.forEach(Call::close);
      stream.release();
    }
  }
}
