package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Finds out what a request wants. Used by the event loop. */
final class Router {
  /** The route that asks the model, as logs and metrics call it. */
  static final String CHAT = "POST /v1/chat/completions";

  private static final String FILES = "/v1/files";
  private static final String AUDITS = "/v1/audits/";
  private static final String MODELS = "/v1/models";
  private static final long STARTED = System.currentTimeMillis() / 1000;

  private final Vertx vertx;
  private final Connections connections;
  private final Access access;
  private final Bodies bodies;
  private final Chat chat;
  private final Uploads uploads;
  private final Audits audits;
  private final Metrics metrics;
  private final String model;
  private final Log log;

  Router(
      Vertx vertx,
      Connections connections,
      Access access,
      Bodies bodies,
      Chat chat,
      Uploads uploads,
      Audits audits,
      Metrics metrics,
      String model,
      Log log) {
    this.vertx = vertx;
    this.connections = connections;
    this.access = access;
    this.bodies = bodies;
    this.chat = chat;
    this.uploads = uploads;
    this.audits = audits;
    this.metrics = metrics;
    this.model = model;
    this.log = log;
  }

  /** What a route does. */
  @FunctionalInterface
  private interface Action {
    void run(Exchange exchange) throws IOException;
  }

  /**
   * A route.
   *
   * @param name method and pattern of the path
   * @param open whether it asks for no token
   */
  private record Route(String name, boolean open, Action action) {}

  /** Handles a request. */
  void handle(HttpServerRequest request) {
    connections.busy(request.connection());
    Route route = find(request);
    Exchange exchange =
        new Exchange(
            vertx,
            request,
            route.name,
            (e, status, seconds) -> {
              connections.idle(request.connection());
              metrics.request(e.route(), status, seconds);
              log.request(e.route(), status, seconds, e.note());
            });
    try {
      access.check(request.headers(), route.open);
      route.action.run(exchange);
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      bodies.refuse(exchange, ApiError.of(e, log));
    }
  }

  /** Whatever goes wrong: from here on there is an exchange, which is answered and ends. */
  private Route find(HttpServerRequest request) {
    try {
      return route(request.method().name(), String.valueOf(request.path()));
    } catch (RuntimeException e) {
      return new Route(
          "unknown",
          false,
          exchange -> {
            throw e;
          });
    }
  }

  private Route route(String method, String path) {
    String read = method.equals("HEAD") ? "GET" : method;
    String file = Viewer.file(path);
    if (file != null) {
      return only("GET", read, "/", true, e -> Viewer.send(e, file));
    }
    return switch (path) {
      case "/v1/chat/completions" -> only("POST", method, path, false, chat::receive);
      case MODELS -> only("GET", read, path, false, this::models);
      case FILES -> only("POST", method, path, false, uploads::receive);
      case "/healthz" -> only("GET", read, path, true, this::health);
      case "/metrics" ->
          only("GET", read, path, false, e -> e.send(200, metrics.contentType(), metrics.text()));
      default -> underId(read, path);
    };
  }

  private Route underId(String read, String path) {
    String id = after(MODELS + "/", path);
    if (id != null) {
      return only("GET", read, MODELS + "/{id}", false, e -> oneModel(e, id));
    }
    String file = after(FILES + "/", path);
    if (file != null) {
      String pattern = FILES + "/{id}";
      return switch (read) {
        case "DELETE" -> new Route("DELETE " + pattern, false, e -> uploads.delete(e, file));
        case "GET" -> new Route("GET " + pattern, false, e -> uploads.describe(e, file));
        default -> other("GET, DELETE", pattern, false);
      };
    }
    String audit = after(AUDITS, path);
    if (audit != null) {
      return only(
          "GET",
          read,
          AUDITS + "{id}",
          false,
          e -> e.send(200, "application/json", audits.record(audit)));
    }
    if (path.startsWith(AUDITS) && path.endsWith("/slices")) {
      String of = path.substring(AUDITS.length(), path.length() - "/slices".length());
      return only("GET", read, AUDITS + "{id}/slices", false, e -> e.json(200, audits.slices(of)));
    }
    return new Route(
        "unknown",
        false,
        e -> {
          throw ApiError.notFound("not_found", null, "no such address; see docs/serve.md");
        });
  }

  /** What stands behind a prefix, without a further slash; null if it is another path. */
  private static @Nullable String after(String prefix, String path) {
    String rest = path.startsWith(prefix) ? path.substring(prefix.length()) : "";
    return rest.isEmpty() || rest.contains("/") ? null : rest;
  }

  private static Route only(
      String allowed, String method, String pattern, boolean open, Action action) {
    if (allowed.equals(method)) {
      return new Route(allowed + " " + pattern, open, action);
    }
    return other(allowed, pattern, open);
  }

  private static Route other(String allowed, String pattern, boolean open) {
    return new Route(
        "other " + pattern,
        open,
        e -> {
          e.header("Allow", allowed);
          throw ApiError.wrongMethod(allowed);
        });
  }

  /** Not healthy once it is closing, so that a balancer sends nothing more. */
  private void health(Exchange exchange) {
    boolean closing = chat.closing();
    exchange.json(closing ? 503 : 200, Json.object().put("status", closing ? "closing" : "ok"));
  }

  private void models(Exchange exchange) {
    ObjectNode list = Json.object().put("object", "list");
    list.putArray("data").add(describe());
    exchange.json(200, list);
  }

  private void oneModel(Exchange exchange, String id) {
    if (!decoded(id).equals(model)) {
      throw ApiError.notFound(
          "model_not_found", "model", "this server has one model, \"" + model + "\"");
    }
    exchange.json(200, describe());
  }

  /** A part of a path as it was meant; what cannot be decoded stays as it is. */
  private static String decoded(String part) {
    try {
      // Of forms the decoder is, where a plus sign is a space.
      return URLDecoder.decode(part.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return part;
    }
  }

  private ObjectNode describe() {
    return Json.object()
        .put("id", model)
        .put("object", "model")
        .put("created", STARTED)
        .put("owned_by", "medpruner");
  }
}
