package org.medpruner.serve;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.Unit;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.DoubleSupplier;
import org.medpruner.vlm.Answer;
import org.medpruner.vlm.Progress;

/** What {@code /metrics} tells. Thread-safe. */
final class Metrics {
  private final PrometheusRegistry registry = new PrometheusRegistry();
  private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();

  private final Counter requests =
      Counter.builder()
          .name("medpruner_http_requests")
          .help("Requests by route and status; 499 is a client that went away.")
          .labelNames("route", "status")
          .register(registry);

  private final Histogram seconds =
      Histogram.builder()
          .name("medpruner_chat_seconds")
          .help("From the head of a chat request to the end of its answer.")
          .unit(Unit.SECONDS)
          .classicOnly()
          .classicUpperBounds(.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
          .register(registry);

  private final Counter answers =
      Counter.builder()
          .name("medpruner_answers")
          .help("Chat requests by what ended them.")
          .labelNames("ending")
          .register(registry);

  private final Counter stages =
      Counter.builder()
          .name("medpruner_stage_seconds")
          .help("Seconds of the model by stage, of answers that were whole.")
          .unit(Unit.SECONDS)
          .labelNames("stage")
          .register(registry);

  private final Counter prompt = counter("medpruner_prompt_tokens", "Prompt tokens after pruning.");
  private final Counter saved = counter("medpruner_pruned_tokens", "Prompt tokens pruned away.");
  private final Counter generated = counter("medpruner_generated_tokens", "Generated tokens.");

  private Counter counter(String name, String help) {
    return Counter.builder().name(name).help(help).register(registry);
  }

  /** Adds a number that is asked for when somebody looks. */
  void gauge(String name, String help, DoubleSupplier value) {
    GaugeWithCallback unused =
        GaugeWithCallback.builder()
            .name(name)
            .help(help)
            .callback(c -> c.call(value.getAsDouble()))
            .register(registry);
  }

  /** A request ended. */
  void request(String route, int status, double took) {
    requests.labelValues(route, Integer.toString(status)).inc();
    if (route.equals(Router.CHAT)) {
      seconds.observe(took);
    }
  }

  /** A question was answered. */
  void answered(Answer answer) {
    prompt.inc(answer.promptTokens());
    saved.inc(Math.max(0, answer.unprunedPromptTokens() - answer.promptTokens()));
    generated.inc(answer.tokenIds().size());
    // Those of the volume ran once, for the first question about it.
    for (String stage : new String[] {Progress.PREFILL, Progress.DECODE}) {
      stages.labelValues(stage).inc(answer.report().timings().getOrDefault(stage, 0.0));
    }
  }

  /** A chat request that was queued is over. */
  void ended(String how) {
    answers.labelValues(how).inc();
  }

  /** In Prometheus' text format. */
  byte[] text() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try {
      writer.write(out, registry.scrape());
    } catch (IOException e) {
      throw new UncheckedIOException("memory cannot be written", e);
    }
    return out.toByteArray();
  }

  String contentType() {
    return writer.getContentType();
  }
}
