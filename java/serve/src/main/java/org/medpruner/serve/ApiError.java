package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/** A request that gets an error: its status, and the object OpenAI's clients read. */
final class ApiError extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int status;
  private final String type;
  private final String code;
  private final @Nullable String param;

  private ApiError(int status, String type, String code, @Nullable String param, String message) {
    super(message, null, false, false);
    this.status = status;
    this.type = type;
    this.code = code;
    this.param = param;
  }

  /** Something in the request cannot be used. */
  static ApiError bad(@Nullable String param, String message) {
    return new ApiError(400, "invalid_request_error", "invalid_value", param, message);
  }

  static ApiError unauthorized() {
    return new ApiError(
        401,
        "invalid_request_error",
        "invalid_api_key",
        null,
        "the bearer token is missing or wrong; send Authorization: Bearer and the server's token");
  }

  static ApiError forbidden(String message) {
    return new ApiError(403, "invalid_request_error", "forbidden", null, message);
  }

  static ApiError notFound(String code, @Nullable String param, String message) {
    return new ApiError(404, "invalid_request_error", code, param, message);
  }

  static ApiError wrongMethod(String allowed) {
    return new ApiError(
        405, "invalid_request_error", "method_not_allowed", null, "use " + allowed + " here");
  }

  static ApiError tooSlow() {
    return new ApiError(
        408, "invalid_request_error", "request_timeout", null, "the request's body took too long");
  }

  static ApiError tooLarge(String what, long limit, String remedy) {
    return new ApiError(
        413,
        "invalid_request_error",
        "request_too_large",
        null,
        what + " is larger than " + Sizes.text(limit) + "; " + remedy);
  }

  static ApiError wrongType(String expected) {
    return new ApiError(
        415,
        "invalid_request_error",
        "unsupported_media_type",
        null,
        "the content type must be " + expected);
  }

  static ApiError busy(int waiting) {
    return new ApiError(
        429,
        "rate_limit_error",
        "queue_full",
        null,
        "the queue is full (" + waiting + " waiting); try again later");
  }

  static ApiError internal() {
    return new ApiError(
        500, "server_error", "internal_error", null, "internal error; the server's log says where");
  }

  static ApiError model(String message) {
    return new ApiError(500, "server_error", "model_error", null, message);
  }

  static ApiError closing() {
    return new ApiError(503, "server_error", "shutting_down", null, "the server is shutting down");
  }

  static ApiError outOfMemory() {
    return new ApiError(
        503,
        "server_error",
        "out_of_memory",
        null,
        "the server is out of memory; try again later, or start it with a larger heap");
  }

  /** What a client is told of any failure; what is a defect goes into the log. */
  static ApiError of(Throwable e, Log log) {
    return switch (e) {
      case ApiError known -> known;
      case OutOfMemoryError m -> outOfMemory();
      default -> {
        log.defect(e);
        yield internal();
      }
    };
  }

  static ApiError timeout(long seconds) {
    return new ApiError(
        504,
        "server_error",
        "timeout",
        null,
        "not answered within " + seconds + " s; ask for fewer tokens or start with more --timeout");
  }

  static ApiError full(long limit) {
    return new ApiError(
        507,
        "server_error",
        "storage_full",
        null,
        "the uploads in use fill the server's " + Sizes.text(limit) + "; try again later");
  }

  int status() {
    return status;
  }

  String code() {
    return code;
  }

  /** The message, which is always there. */
  String text() {
    return String.valueOf(getMessage());
  }

  /** {"error": {...}}. */
  ObjectNode json() {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    root.putObject("error")
        .put("message", text())
        .put("type", type)
        .put("param", param)
        .put("code", code);
    return root;
  }
}
