package org.medpruner.serve;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The files of the viewer, from the jar. */
final class Viewer {
  private static final Map<String, String> TYPES =
      Map.of(
          "viewer.html", "text/html; charset=utf-8",
          "viewer.css", "text/css; charset=utf-8",
          "viewer.js", "text/javascript; charset=utf-8");

  /** The page needs nothing from elsewhere, and gets nothing from elsewhere. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
          + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private Viewer() {}

  /** The file at a path, or null. */
  static @Nullable String file(String path) {
    // A request's target may be "?a=b" or "*", whose paths begin with no slash.
    String name = path.equals("/") ? "viewer.html" : path.startsWith("/") ? path.substring(1) : "";
    return TYPES.containsKey(name) ? name : null;
  }

  /** Sends a file. */
  static void send(Exchange exchange, String name) {
    exchange.header("Content-Security-Policy", POLICY);
    exchange.header("Referrer-Policy", "no-referrer");
    exchange.send(200, String.valueOf(TYPES.get(name)), read(name));
  }

  private static byte[] read(String name) {
    try (InputStream in = Viewer.class.getResourceAsStream("viewer/" + name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the jar");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(name + " cannot be read from the jar", e);
    }
  }
}
