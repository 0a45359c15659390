/** Pruning on the NDArrays and in the blocks of Deep Java Library. */
@org.jspecify.annotations.NullMarked
module org.medpruner.djl {
  requires static transitive org.jspecify;
  requires transitive org.medpruner;
  requires transitive ai.djl.api;

  exports org.medpruner.djl;
}
