package org.medpruner.bench.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.networknt.schema.Error;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.MedPruner;
import org.medpruner.bench.Report;
import org.medpruner.bench.ResultsFile;
import org.medpruner.bench.Schemas;

/** The server under load for a moment, and the results that are committed. */
class ServeLoadTest {
  private static final Path ROOT = Path.of(System.getenv("MEDPRUNER_ROOT"));

  private static List<Error> validate(String text) throws IOException {
    return Schemas.validate("serve", text);
  }

  @Test
  void aMomentOfLoadIsCountedAndFollowsTheSchema(@TempDir Path folder) throws Exception {
    Path output = folder.resolve("serve.json");
    ServeLoadOptions options =
        ServeLoadOptions.parse(
            ROOT, "--clients", "2", "--minutes", "0.05", "--output", output.toString());
    ServeReport report =
        ServeLoad.measure(
            options,
            MedPruner.cpuThreads(),
            "--clients 2 --minutes 0.05",
            new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8));
    ResultsFile.write(report, output);
    String text = Files.readString(output);
    assertEquals(List.of(), validate(text));
    assertFalse(validate(text.replace("heap_bytes", "heap")).isEmpty());
    assertEquals(report, ResultsFile.json().readValue(text, ServeReport.class));

    assertEquals(List.of(), report.firstErrors());
    assertEquals(0, report.errors());
    assertEquals(Runtime.getRuntime().maxMemory(), report.heapLimitBytes());
    // Each client begins with an upload, and every outcome but a hang-up is a response.
    assertTrue(report.outcomes().getOrDefault("upload", 0L) >= 2, report.toString());
    long outcomes =
        report.outcomes().entrySet().stream()
            .filter(e -> !e.getKey().equals("hung up"))
            .mapToLong(Map.Entry::getValue)
            .sum();
    long accepted =
        report.statuses().entrySet().stream()
            .filter(e -> !e.getKey().equals("429"))
            .mapToLong(Map.Entry::getValue)
            .sum();
    assertEquals(outcomes, accepted, report.toString());
    assertEquals(3, report.samples().size());
    for (ServeReport.Sample sample : report.samples()) {
      assertTrue(sample.heapBytes() < sample.residentBytes(), sample.toString());
      assertTrue(sample.heapBytes() <= report.heapLimitBytes(), sample.toString());
    }
  }

  private static final String PIECE =
      "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"two\"},"
          + "\"finish_reason\":null}]}\n\n";
  private static final String LAST =
      "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
  private static final String USAGE = "data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n";
  private static final String FAILURE =
      "data: {\"error\":{\"message\":\"out of memory\",\"code\":\"out_of_memory\"}}\n\n";
  private static final String DONE = "data: [DONE]\n\n";

  /** What a client counts of a question whose answer is such a stream. */
  private static Counts streamed(String body) throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(200, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    try {
      Counts counts = new Counts();
      URI uri = URI.create("http://127.0.0.1:" + server.getAddress().getPort());
      new LoadClient(uri, 1, List.of(), counts).converse(true);
      assertEquals(Map.of("200", 1L), counts.statuses());
      return counts;
    } finally {
      server.stop(0);
    }
  }

  @Test
  void aStreamIsAnAnswerIfItEndsAsOne() throws Exception {
    Counts counts = streamed(": \n\n" + PIECE + LAST + USAGE + DONE);
    assertEquals(Map.of("answer", 1L), counts.outcomes());
    assertEquals(List.of(), counts.firstErrors());
  }

  /** The server has sent 200 when it fails, so the error is an event, and the end is as ever. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "failure|answer: an error in the stream: out of memory",
        "no reason|answer: a stream without a finish_reason",
        "no end|answer: a stream without an end",
      })
  void aStreamThatFailedIsAnErrorAndNoAnswer(String which, String error) throws Exception {
    String body =
        switch (which) {
          case "failure" -> ": \n\n" + PIECE + FAILURE + DONE;
          case "no reason" -> PIECE + DONE;
          default -> PIECE + LAST;
        };
    Counts counts = streamed(body);
    assertEquals(List.of(error), counts.firstErrors());
    assertEquals(1, counts.errors());
    assertEquals(Map.of(), counts.outcomes());
  }

  @Test
  void committedResultsFollowTheSchemaAndHaveNoErrors() throws IOException {
    Schemas.assertCommittedFollow("serve", "serve");
    for (Path file : Schemas.committed("serve")) {
      assertEquals(
          0,
          ResultsFile.json().readValue(file.toFile(), ServeReport.class).errors(),
          file::toString);
    }
  }

  @Test
  void docsQuoteWhatIsCommitted() throws IOException {
    String docs = Files.readString(ROOT.resolve("docs/serve.md"));
    for (Path file : Schemas.committed("serve")) {
      String summary = ResultsFile.json().readValue(file.toFile(), ServeReport.class).summary();
      assertTrue(docs.contains(summary), "docs/serve.md does not say: " + summary);
    }
  }

  @Test
  void theSummaryComparesTheEndWithAMinuteIn() {
    List<ServeReport.Sample> samples =
        List.of(
            new ServeReport.Sample(0, 400L << 20, 20L << 20),
            new ServeReport.Sample(60.1, 500L << 20, 30L << 20),
            new ServeReport.Sample(180.3, 530L << 20, 29L << 20),
            new ServeReport.Sample(300.2, (510L << 20) - (1 << 18), (31L << 20) + (1 << 19)));
    ServeReport report =
        new ServeReport(
            ServeReport.FORMAT,
            "2026-01-31T12:00:00Z",
            "./medpruner bench serve",
            new Report.Commit("unknown", false),
            new Report.Machine("a CPU", 2, "avx512", 2, 1, "an OS", "a compiler", "a JDK", null),
            8,
            5,
            512L << 20,
            Map.of("answer", 1243L, "follow-up", 3L, "upload", 561L, "hung up", 354L),
            Map.of("200", 1807L, "429", 2889L),
            0,
            List.of(),
            samples);
    assertEquals(
        "8 clients for 5 minutes under a heap limit of 512 MiB: 1,243 answers, 3 follow-ups, 561"
            + " uploads, 354 hang-ups, 2,889 times 429, 0 other errors. Heap in use after a"
            + " collection: 30 MiB after 60 s, 32 MiB at the end; resident memory: 500 and 510"
            + " MiB, at most 530 MiB, after 180 s.",
        report.summary());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--clients|0|--clients is \"0\", expected a number from 1 to 1000",
        "--clients|many|--clients is \"many\", expected a number from 1 to 1000",
        "--minutes|NaN|--minutes is \"NaN\", expected a number above 0, at most 10000",
        "--minutes|x|--minutes is \"x\", expected a number above 0, at most 10000",
        "--hours|1|--hours is unknown; expected --clients, --minutes or --output",
      })
  void aWrongArgumentIsNamed(String name, String value, String message) {
    assertEquals(
        message,
        assertThrows(
                IllegalArgumentException.class, () -> ServeLoadOptions.parse(ROOT, name, value))
            .getMessage());
  }

  @Test
  void argumentsAreRead() {
    assertEquals(
        new ServeLoadOptions(ROOT, 8, 5, ROOT.resolve("bench/results/serve/demo.json")),
        ServeLoadOptions.parse(ROOT));
    assertEquals(
        "--minutes needs a value, or is unknown; expected --clients, --minutes or --output",
        assertThrows(
                IllegalArgumentException.class, () -> ServeLoadOptions.parse(ROOT, "--minutes"))
            .getMessage());
  }
}
