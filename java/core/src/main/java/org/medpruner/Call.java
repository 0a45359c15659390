package org.medpruner;

import java.lang.ref.Reference;
import org.jspecify.annotations.Nullable;

/** Keeps what one downcall uses open and reachable until it has returned. */
final class Call implements AutoCloseable {
  private final Stream stream;
  private final @Nullable TensorView[] tensors;
  private int held;

  private Call(Stream stream, @Nullable TensorView[] tensors) {
    this.stream = stream;
    this.tensors = tensors;
  }

  /**
   * Begins a use of the stream and of every tensor's buffer.
   *
   * @throws IllegalStateException if one of them is closed
   */
  static Call hold(Stream stream, @Nullable TensorView... tensors) {
    stream.acquire();
    Call call = new Call(stream, tensors);
    call.acquire();
    try {
      Recording.note(stream, tensors);
    } catch (IllegalStateException e) {
      call.close();
      throw e;
    }
    return call;
  }

  /** As {@link #hold}, of the tensors alone. */
  static Call keep(@Nullable TensorView... tensors) {
    Call call = new Call(Stream.DEFAULT, tensors);
    call.acquire();
    return call;
  }

  private void acquire() {
    try {
      for (TensorView t : tensors) {
        if (t != null && t.owner() instanceof NativeBuffer b) {
          b.acquire();
        }
        held++;
      }
    } catch (IllegalStateException e) {
      close();
      throw e;
    }
  }

  /** Ends the use. */
  @Override
  public void close() {
    try {
      for (int i = 0; i < held; i++) {
        TensorView t = tensors[i];
        if (t != null && t.owner() instanceof NativeBuffer b) {
          b.release();
        }
      }
      stream.release();
    } finally {
      // The views hold their owners.
      Reference.reachabilityFence(tensors);
    }
  }
}
