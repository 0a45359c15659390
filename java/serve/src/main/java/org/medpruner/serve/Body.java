package org.medpruner.serve;

import io.vertx.core.buffer.Buffer;
import java.io.InputStream;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A request's body in memory, in blocks: it is not copied as it grows, whatever the sizes of its
 * parts, and what was read is let go. Used by one thread at a time.
 */
final class Body extends InputStream {
  private static final int BLOCK = 1 << 16;

  private final AtomicLong held;
  private final long most;
  private final ArrayDeque<byte[]> blocks = new ArrayDeque<>();

  /** Bytes written in the last block. */
  private int end = BLOCK;

  /** Bytes read of the first block. */
  private int begin;

  /**
   * An empty body.
   *
   * @param held bytes of all bodies in memory, to which it adds its own
   * @param most bytes that they may be
   */
  Body(AtomicLong held, long most) {
    this.held = held;
    this.most = most;
  }

  /**
   * Adds a part at the end.
   *
   * @throws ApiError 503 if all bodies take too much
   */
  void append(Buffer part) {
    int at = 0;
    while (at < part.length()) {
      if (end == BLOCK) {
        if (held.addAndGet(BLOCK) > most) {
          held.addAndGet(-BLOCK);
          throw ApiError.outOfMemory();
        }
        blocks.addLast(new byte[BLOCK]);
        end = 0;
      }
      int n = Math.min(BLOCK - end, part.length() - at);
      part.getBytes(at, at + n, blocks.getLast(), end);
      end += n;
      at += n;
    }
  }

  /** Lets all of it go. */
  void clear() {
    held.addAndGet(-(long) BLOCK * blocks.size());
    blocks.clear();
    begin = 0;
    end = BLOCK;
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] to, int offset, int length) {
    int left = blocks.isEmpty() ? 0 : (blocks.size() == 1 ? end : BLOCK) - begin;
    if (left == 0) {
      return length == 0 ? 0 : -1;
    }
    int n = Math.min(left, length);
    System.arraycopy(blocks.getFirst(), begin, to, offset, n);
    begin += n;
    if (n == left) {
      blocks.removeFirst();
      held.addAndGet(-BLOCK);
      begin = 0;
      if (blocks.isEmpty()) {
        end = BLOCK;
      }
    }
    return n;
  }
}
