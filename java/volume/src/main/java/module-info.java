@org.jspecify.annotations.NullMarked
module org.medpruner.volume {
  requires static transitive org.jspecify;
  requires java.desktop;

  exports org.medpruner.volume;
}
