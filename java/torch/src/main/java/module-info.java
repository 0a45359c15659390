@org.jspecify.annotations.NullMarked
module org.medpruner.torch {
  requires static transitive org.jspecify;
}
