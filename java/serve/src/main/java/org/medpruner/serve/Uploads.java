package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.util.Locale;
import java.util.function.BooleanSupplier;

/** {@code /v1/files}: takes volumes, tells of them and deletes them. */
final class Uploads {
  /** What multipart forms have around their files. */
  private static final long FORM_BYTES = 1 << 20;

  private final FileStore store;
  private final Bodies bodies;
  private final long most;
  private final BooleanSupplier closing;
  private final Log log;

  Uploads(FileStore store, Bodies bodies, long most, BooleanSupplier closing, Log log) {
    this.store = store;
    this.bodies = bodies;
    this.most = most;
    this.closing = closing;
    this.log = log;
  }

  /** Takes a multipart form with one file or several, or the bytes of one file. */
  void receive(Exchange exchange) throws IOException {
    if (closing.getAsBoolean()) {
      throw ApiError.closing();
    }
    HttpServerRequest request = exchange.request();
    String type = String.valueOf(request.getHeader("Content-Type")).toLowerCase(Locale.ROOT);
    boolean form = type.startsWith("multipart/form-data");
    if (!form && (type.startsWith("multipart/") || type.startsWith("application/x-www-form"))) {
      throw ApiError.wrongType("multipart/form-data, or application/octet-stream for one file");
    }
    Upload upload = store.begin();
    if (!form) {
      upload.next();
    }
    ApiError tooLarge =
        ApiError.tooLarge("the upload", most, "start the server with more --max-upload");
    Bodies.Reception reception =
        bodies.receive(
            exchange,
            form && most < Long.MAX_VALUE - FORM_BYTES ? most + FORM_BYTES : most,
            tooLarge,
            new Bodies.Receiver() {
              @Override
              public void part(Buffer part) throws IOException {
                if (!form) {
                  upload.write(part.getBytes());
                }
              }

              @Override
              public void whole() {
                // Unpacking may take a while.
                Thread.startVirtualThread(() -> finish(exchange, upload));
              }

              @Override
              public void failed() {
                upload.close();
              }
            });
    if (form) {
      reception.attempt(() -> expectForm(request));
      request.uploadHandler(
          file -> {
            reception.attempt(upload::next);
            file.handler(part -> reception.attempt(() -> upload.write(part.getBytes())));
          });
    }
  }

  /** Vert.x throws whatever its decoder does with a content type that it does not understand. */
  private static void expectForm(HttpServerRequest request) {
    try {
      request.setExpectMultipart(true);
    } catch (RuntimeException e) {
      throw ApiError.bad(
          "file", "the form's content type names no boundary; let the client's library write it");
    }
  }

  private void finish(Exchange exchange, Upload upload) {
    try (upload) {
      StoredFile file = upload.finish();
      exchange.note(file.id() + " " + file.bytes() + " bytes");
      exchange.json(200, json(file));
    } catch (IOException | RuntimeException | OutOfMemoryError e) {
      exchange.fail(ApiError.of(e, log));
    }
  }

  /** Tells of a file. */
  void describe(Exchange exchange, String id) {
    exchange.json(200, json(store.get(id)));
  }

  /** Deletes a file, with what was made of it. */
  void delete(Exchange exchange, String id) {
    store.delete(id);
    exchange.json(200, Json.object().put("id", id).put("object", "file").put("deleted", true));
  }

  /** As OpenAI describes files; the name that the client gave was not kept. */
  private static ObjectNode json(StoredFile file) {
    return Json.object()
        .put("id", file.id())
        .put("object", "file")
        .put("bytes", file.bytes())
        .put("created_at", file.created())
        .put("filename", file.id())
        .put("purpose", "user_data")
        .put("status", "processed");
  }
}
