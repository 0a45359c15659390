/** The medpruner command. */
@org.jspecify.annotations.NullMarked
module org.medpruner.cli {
  requires static transitive org.jspecify;
  requires org.medpruner;
  requires org.medpruner.volume;
  requires org.medpruner.torch;
  requires org.medpruner.vlm;
  requires org.medpruner.eval;
  requires org.medpruner.serve;
  requires info.picocli;
  requires java.desktop;
  requires me.tongfei.progressbar;
  requires com.fasterxml.jackson.databind;

  opens org.medpruner.cli to
      info.picocli;
}
