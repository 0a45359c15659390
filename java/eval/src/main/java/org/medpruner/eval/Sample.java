package org.medpruner.eval;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * One question about one volume, or one report to write.
 *
 * @param id names it in its benchmark and does not change from run to run: where it stands in the
 *     benchmark's own file ("m3d-00017")
 * @param volume folder of pictures, NIfTI file, folder with one, or {@code .npy} file, relative to
 *     the run's data folder, with {@code /}; samples of one volume have the same
 * @param category what the benchmark breaks its figures down by ("Abnormality"); the benchmark's
 *     name when it has no categories
 * @param kind how the answer is scored
 * @param prompt what the model is asked, answer suffix included; "" where the benchmark's file has
 *     no question
 * @param gold the right answer, or the report, as the benchmark's file has it; "" where it has none
 * @param choices of a closed question, upper-case letter to text, in order; empty when the question
 *     offers none (yes or no)
 * @param problem what is wrong with its entry of the benchmark's file, in one line; it is then
 *     neither asked nor judged, and its volume is a path that is not there. "" when nothing is
 */
public record Sample(
    String id,
    String volume,
    String category,
    Kind kind,
    String prompt,
    String gold,
    Map<String, String> choices,
    String problem) {

  /** How an answer is scored. */
  public enum Kind {
    /** One of a few answers is right: a letter, or yes or no. */
    CLOSED,
    /** A free answer of a few words. */
    OPEN,
    /** A whole report. */
    REPORT
  }

  /** Copies the choices; order is kept. */
  public Sample {
    choices = Collections.unmodifiableMap(new LinkedHashMap<>(choices));
  }

  /**
   * A sample of an entry that nothing is wrong with.
   *
   * @param id where it stands in the benchmark's own file
   * @param volume relative to the run's data folder
   * @param category what figures are broken down by
   * @param kind how the answer is scored
   * @param prompt what the model is asked; "" where there is no question
   * @param gold the right answer; "" where there is none
   * @param choices of a closed question; empty when it offers none
   */
  public Sample(
      String id,
      String volume,
      String category,
      Kind kind,
      String prompt,
      String gold,
      Map<String, String> choices) {
    this(id, volume, category, kind, prompt, gold, choices, "");
  }

  /** Why it can be neither asked nor judged, whatever the model; "" when it can. */
  String defect() {
    if (!problem.isEmpty()) {
      return problem;
    }
    return prompt.isBlank()
        ? "the benchmark's file has no question here"
        : gold.isBlank() ? "the benchmark's file has no answer here" : "";
  }
}
