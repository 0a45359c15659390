package org.medpruner.cli.report;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.volume.SliceImages;

/**
 * Everything the HTML page shows. All texts are plain text; the page escapes them.
 *
 * @param title heading of the page, such as the name of the volume
 * @param slices the pictures of all presented slices, one per entry of {@code report.slices()}
 * @param report what pruning did to them
 * @param question the question asked, or null when no language model ran
 * @param answer the model's answer, or null when there is none
 * @param truth the known right answer, or null when it is not known
 * @param facts label to value lines in the order shown: input path, digest, spacing, model,
 *     versions
 */
public record ReportModel(
    String title,
    SliceImages slices,
    PruningReport report,
    @Nullable String question,
    @Nullable String answer,
    @Nullable String truth,
    Map<String, String> facts) {

  /** Label of the fact that says how pictures are oriented, in any letter case. */
  public static final String ORIENTATION = "orientation";

  /**
   * Pictures are marked R and L only when the {@link #ORIENTATION} fact contains these words, as of
   * axial and coronal slices: a side mark that is merely assumed is worse than none.
   */
  public static final String PATIENT_RIGHT_AT_LEFT = "patient right at image left";

  /** The words by which sagittal pictures are marked A and P. */
  public static final String ANTERIOR_AT_LEFT = "anterior at image left";

  /**
   * Copies the facts; order is kept.
   *
   * @throws IllegalArgumentException if pictures and slice entries differ in number
   */
  public ReportModel {
    Objects.requireNonNull(title, "title");
    facts = Collections.unmodifiableMap(new LinkedHashMap<>(facts));
    if (slices.count() != report.slices().size()) {
      throw new IllegalArgumentException(
          "slices has "
              + slices.count()
              + " pictures, but report.slices() has "
              + report.slices().size()
              + " entries");
    }
  }
}
