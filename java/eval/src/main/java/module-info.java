/** Benchmarks, metrics and reports: what pruning does to answers, and what it saves. */
@org.jspecify.annotations.NullMarked
module org.medpruner.eval {
  requires static transitive org.jspecify;
  requires transitive org.medpruner.vlm;
  requires transitive com.fasterxml.jackson.databind;
  requires org.apache.commons.csv;
  requires extjwnl;
  requires java.desktop;

  exports org.medpruner.eval;
  exports org.medpruner.eval.benchmark;
  exports org.medpruner.eval.html to
      org.medpruner.cli;
  exports org.medpruner.eval.metrics;
  exports org.medpruner.eval.phantom;
  exports org.medpruner.eval.report;
  exports org.medpruner.eval.stats;

  opens org.medpruner.eval to
      com.fasterxml.jackson.databind;
}
