/** Benchmarks, metrics and reports: what pruning does to answers, and what it saves. */
@org.jspecify.annotations.NullMarked
module org.medpruner.eval {
  requires static transitive org.jspecify;
  requires transitive org.medpruner.vlm;
}
