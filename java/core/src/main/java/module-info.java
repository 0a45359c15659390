/**
 * MedPruner's public API: ops, tensors, policies, reports, and the plain-Java oracle of every op.
 */
@org.jspecify.annotations.NullMarked
module org.medpruner {
  requires static transitive org.jspecify;

  exports org.medpruner;
  exports org.medpruner.oracle;
  exports org.medpruner.internal.ffm to
      org.medpruner.cli,
      org.medpruner.onnxruntime;
}
