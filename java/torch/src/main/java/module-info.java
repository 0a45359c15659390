/**
 * Zero-copy adapters between JavaCPP's LibTorch and MedPruner's tensors and streams.
 *
 * <p>LibTorch's module uses a type of the CUDA presets without requiring their module: on the
 * module path, CUDA needs {@code --add-reads org.bytedeco.pytorch=org.bytedeco.cuda}.
 */
@org.jspecify.annotations.NullMarked
module org.medpruner.torch {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires transitive org.bytedeco.pytorch;
  requires org.bytedeco.cuda;

  exports org.medpruner.torch;
}
