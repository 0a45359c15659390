// SPDX-License-Identifier: Apache-2.0
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.nio.file.Path;
import org.medpruner.serve.*;
import org.medpruner.vlm.*;

/** Serves a model on a free port, asks it over HTTP about a CT, and fails when the answer is wrong. */
public final class Serve {
  private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Takes the folder of the demo model. */
  public static void main(String[] args) throws Exception {
    Path demo = Path.of(args[0]);
    URI at;
    try (var model = VisionLanguageModel.load(demo, LoadOptions.DEFAULT, Progress.NONE);
        var server = MedPrunerServer.start(model, ServerOptions.DEFAULT.withPort(0), line -> {})) {
      at = server.uri();
      var ct = HttpRequest.BodyPublishers.ofFile(demo.resolve("phantoms/phantom_05.nii.gz"));
      String file = post(at, "/v1/files", "application/octet-stream", ct).at("/id").asText();
      String question =
          """
          {"model": "%s", "messages": [{"role": "user", "content": [
            {"type": "file", "file": {"file_id": "%s"}},
            {"type": "text", "text": "Which organ contains the lesion?"}]}]}"""
              .formatted(server.model(), file);
      var body = HttpRequest.BodyPublishers.ofString(question);
      JsonNode answer = post(at, "/v1/chat/completions", "application/json", body);
      String organ = answer.at("/choices/0/message/content").asText();
      JsonNode pruned = answer.at("/medpruner");
      System.out.printf("%s, from %s of %s slices%n", organ, pruned.at("/slices_kept"), pruned.at("/slices"));
      if (!organ.equals("spleen")) throw new IllegalStateException("the phantom's lesion is in the spleen");
    } // the server first, which deletes its uploads, then the model
    try {
      HTTP.send(HttpRequest.newBuilder(at.resolve("/healthz")).build(), HttpResponse.BodyHandlers.discarding());
      throw new IllegalStateException("the server is closed and answers");
    } catch (IOException e) {
      System.out.println("closed");
    }
  }

  private static JsonNode post(URI at, String path, String type, HttpRequest.BodyPublisher body) throws Exception {
    var request = HttpRequest.newBuilder(at.resolve(path)).header("Content-Type", type).POST(body).build();
    var response = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) throw new IllegalStateException(response.body());
    return new ObjectMapper().readTree(response.body());
  }
}
