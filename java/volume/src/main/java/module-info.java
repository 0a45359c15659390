/** Volumes of CT and MRI files: voxels, slices and 8-bit pictures of them. */
@org.jspecify.annotations.NullMarked
module org.medpruner.volume {
  requires static transitive org.jspecify;
  requires java.desktop;

  exports org.medpruner.volume;
}
