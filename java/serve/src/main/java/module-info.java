/** An HTTP server over a model, in the shape of OpenAI's chat completions. */
@org.jspecify.annotations.NullMarked
module org.medpruner.serve {
  requires static transitive org.jspecify;
  requires transitive org.medpruner.vlm;
  requires com.fasterxml.jackson.databind;
  requires io.vertx.core;
  requires io.prometheus.metrics.core;
  requires io.prometheus.metrics.model;
  requires io.prometheus.writer.text;
  requires java.desktop;

  exports org.medpruner.serve;
}
