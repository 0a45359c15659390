/** Vision-language models on LibTorch with slice and token pruning. */
@org.jspecify.annotations.NullMarked
module org.medpruner.vlm {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires transitive org.medpruner.volume;
  requires ai.djl.tokenizers;

  exports org.medpruner.vlm;
}
