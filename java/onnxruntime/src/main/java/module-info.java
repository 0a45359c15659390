/** MedPruner's ops in ONNX graphs, and ONNX Runtime's tensors as MedPruner's without a copy. */
@org.jspecify.annotations.NullMarked
module org.medpruner.onnxruntime {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires transitive com.microsoft.onnxruntime;

  exports org.medpruner.onnxruntime;
}
