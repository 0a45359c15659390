package org.medpruner.serve;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.util.HashMap;
import java.util.Map;

/**
 * Closes connections that bring no request for a while, and refuses too many. Vert.x's own idle
 * timeout would also close those that wait for an answer. Used by the event loop alone.
 */
final class Connections {
  /** Time for a request's head, and between two requests. */
  private static final long IDLE_MILLIS = 60_000;

  /** Each costs a file descriptor and some kilobytes. */
  private static final int MOST = 512;

  private final Vertx vertx;
  private final Map<HttpConnection, Long> timers = new HashMap<>();
  private int open;

  Connections(Vertx vertx) {
    this.vertx = vertx;
  }

  /** A connection was made. */
  void opened(HttpConnection connection) {
    if (open >= MOST) {
      connection.close();
      return;
    }
    open++;
    connection.closeHandler(
        v -> {
          open--;
          busy(connection);
        });
    idle(connection);
  }

  /** A request begins. */
  void busy(HttpConnection connection) {
    Long timer = timers.remove(connection);
    if (timer != null) {
      vertx.cancelTimer(timer);
    }
  }

  /** A response was handed over, or nothing came yet. */
  void idle(HttpConnection connection) {
    busy(connection);
    timers.put(
        connection,
        vertx.setTimer(
            IDLE_MILLIS,
            id -> {
              timers.remove(connection, id);
              connection.close();
            }));
  }
}
