/** LangChain4j chat models over MedPruner's vision-language models. */
@org.jspecify.annotations.NullMarked
module org.medpruner.langchain4j {
  requires static transitive org.jspecify;
  requires transitive org.medpruner.vlm;
  requires transitive langchain4j.core;

  exports org.medpruner.langchain4j;
}
