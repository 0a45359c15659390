/** Vision-language models on LibTorch with slice and token pruning. */
@org.jspecify.annotations.NullMarked
module org.medpruner.vlm {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires transitive org.medpruner.volume;
  requires org.medpruner.torch;
  requires ai.djl.tokenizers;
  requires com.fasterxml.jackson.core;
  requires com.fasterxml.jackson.databind;

  exports org.medpruner.vlm;
  exports org.medpruner.vlm.checkpoint to
      org.medpruner.eval;
  exports org.medpruner.vlm.memory to
      org.medpruner.langchain4j,
      org.medpruner.serve;
  exports org.medpruner.vlm.prompt;
}
