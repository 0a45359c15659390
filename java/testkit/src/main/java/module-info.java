/** Conformance kit for implementations of MedPruner's ops. */
@org.jspecify.annotations.NullMarked
module org.medpruner.testkit {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires static transitive org.junit.jupiter.api;

  exports org.medpruner.testkit;
  exports org.medpruner.testkit.junit;
  exports org.medpruner.testkit.targets;

  uses org.medpruner.testkit.ConformanceTarget;
}
