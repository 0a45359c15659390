package org.medpruner.cli;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.cli.report.HtmlReport;
import org.medpruner.cli.report.ReportModel;
import org.medpruner.eval.PeakMemory;
import org.medpruner.vlm.ModelInfo;

/** Fills the HTML report. */
final class ReportPage {
  private ReportPage() {}

  static String html(
      VolumeInput input,
      @Nullable ModelInfo model,
      PruningReport report,
      @Nullable String question,
      @Nullable String answer,
      @Nullable String truth) {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("volume", input.path());
    facts.put("sha256", input.sha256());
    facts.put("voxels", input.shapeText());
    double[] mm = input.spacing();
    if (Double.isFinite(mm[0] + mm[1] + mm[2])) {
      facts.put("spacing", mm(mm[0]) + " x " + mm(mm[1]) + " x " + mm(mm[2]) + " mm");
    }
    if (!input.orientation().isEmpty()) {
      facts.put(ReportModel.ORIENTATION, input.orientation());
    }
    facts.put("pictures", input.images().recipe());
    if (model != null) {
      facts.put("model", model.path());
      facts.put("architecture", model.family());
      facts.put("device", model.device());
    }
    long peak = PeakMemory.bytes();
    if (peak >= 0) {
      facts.put("peak memory", Summary.bytes(peak));
    }
    facts.put("medpruner", Versions.medpruner());
    facts.put("Java", Runtime.version().toString());
    Path name = Path.of(input.path()).getFileName();
    return HtmlReport.render(
        new ReportModel(
            name == null ? input.path() : name.toString(),
            input.images(),
            report,
            question,
            answer,
            truth,
            facts));
  }

  private static String mm(double value) {
    return String.format(java.util.Locale.ROOT, "%.4g", value);
  }
}
