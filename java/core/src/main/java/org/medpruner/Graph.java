package org.medpruner;

import java.util.List;
import org.medpruner.internal.ffm.NativeGraphs;

/**
 * Op calls recorded once by {@link Stream#capture} and launched together as often as wanted: one
 * submission instead of one per kernel. A launch runs with the tensors' addresses and shapes and
 * the params of the recorded calls, on whatever the memory then holds; to give it new inputs, copy
 * them into the same memory.
 *
 * <p>A graph keeps what it recorded alive: closing a {@link NativeBuffer} that it uses refuses new
 * uses at once, but the memory stays until the graph is closed too. Memory of another owner is kept
 * reachable only: a LibTorch tensor must not be closed, by a scope either, before the graph is.
 *
 * <p>{@link #close} waits for its launches. Launches of one graph run one after the other; two
 * threads may launch it, which takes turns; {@linkplain org.medpruner what it throws}.
 */
public final class Graph implements AutoCloseable {
  private final Device device;
  private final long handle;
  private final Lifetime lifetime;

  private Graph(Device device, long handle, List<Call> recorded) {
    this.device = device;
    this.handle = handle;
    this.lifetime =
        Lifetime.of(
            this,
            "Graph on " + device,
            () -> {
              try {
                NativeGraphs.destroy(handle);
              } finally {
                recorded.forEach(Call::close);
              }
            });
  }

  /** Records what {@code ops} calls on the stream, which is the one that is captured. */
  static Graph record(Stream stream, Device device, Runnable ops) {
    Recording recording = Recording.begin(stream, device);
    boolean done = false;
    try {
      ops.run();
      done = true;
    } finally {
      if (!done) {
        recording.discard();
      }
    }
    long handle = recording.end();
    return new Graph(device, handle, recording.calls());
  }

  /** {@return the CUDA device it runs on} */
  public Device device() {
    return device;
  }

  /**
   * Queues the whole graph.
   *
   * @param stream of the graph's device
   * @throws IllegalStateException if the graph or the stream is closed
   */
  public synchronized void launch(Stream stream) {
    Check.stream(stream, device);
    lifetime.acquire();
    try {
      stream.acquire();
      try {
        NativeGraphs.launch(handle, stream.handle());
      } finally {
        stream.release();
      }
    } finally {
      lifetime.release();
    }
  }

  /** Waits for the launches and frees the graph, and with it what only it kept. Idempotent. */
  @Override
  public void close() {
    lifetime.close();
  }

  @Override
  public String toString() {
    return lifetime.toString();
  }
}
