package org.medpruner.eval;

import com.fasterxml.jackson.annotation.JsonIgnore;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport.Rates;
import org.medpruner.vlm.Ending;
import org.medpruner.vlm.Words;

/**
 * What one sample gave under one setting: a line of {@code results.jsonl}.
 *
 * <p>A volume is encoded once for all its samples, and each of their lines carries the whole cost
 * of that encoding: what one question asked on its own takes. Divided by {@link #sharedBy} it is
 * the question's share of what the run spent.
 *
 * @param sample {@link Sample#id}
 * @param setting {@link Setting#name}
 * @param answer the model's, thinking block removed, trimmed, possibly empty; null when it failed
 * @param error one line saying why there is no answer; null when there is one. Everything below is
 *     then empty or 0
 * @param ending what ended the answer: "stop-token", "stop-string" or "length"; "" when it failed
 * @param volumeSha256 of the volume's files as read, see {@link org.medpruner.volume.Provenance};
 *     "" when they could not be
 * @param recipe how its values became pictures, see {@link
 *     org.medpruner.volume.SliceImages#recipe}; "" when it failed
 * @param volumeWarnings what its reader warned of, the first five; they may name its files
 * @param slices presented to the model, D
 * @param keptSlices of them, those stage 1 kept: ascending indices in presented order, from 0
 * @param visualTokens of all slices unpruned, D * n
 * @param keptVisualTokens given to the language model
 * @param rates shares kept, as the audit record defines them; all 1 under {@code off}
 * @param seconds per stage
 * @param sharedBy how many samples of this process asked, or were going to ask, the same encoding
 * @param peakMemoryBytes most resident memory (VmHWM) of the process while the volume was encoded
 *     or the question answered, mapped weights and the Java heap included; -1 where the system does
 *     not tell, or cannot start the peak anew for each sample
 * @param kvBytes key-value cache held after prefill
 * @param promptTokens prefilled, text included
 * @param unprunedPromptTokens of the same prompt without pruning
 * @param generatedTokens of the answer, the stop token included
 */
public record SampleResult(
    String sample,
    String setting,
    @Nullable String answer,
    @Nullable String error,
    String ending,
    String volumeSha256,
    String recipe,
    List<String> volumeWarnings,
    int slices,
    List<Integer> keptSlices,
    long visualTokens,
    long keptVisualTokens,
    Rates rates,
    Seconds seconds,
    int sharedBy,
    long peakMemoryBytes,
    long kvBytes,
    int promptTokens,
    int unprunedPromptTokens,
    int generatedTokens) {

  /** Most warnings kept: a volume may have one for each of its slices, on each of its lines. */
  static final int MOST_WARNINGS = 5;

  /**
   * Seconds per stage; files read and the model loaded before are not among them.
   *
   * @param anchor stage 1, resizing of the pictures it compares included
   * @param encode vision encoder and projector, over the slices it sees
   * @param prune stage 2: scores, nucleus, merge, compaction
   * @param prefill pruned prompt to first token
   * @param decode further tokens
   */
  public record Seconds(double anchor, double encode, double prune, double prefill, double decode) {
    /** Nothing was done. */
    public static final Seconds NONE = new Seconds(0, 0, 0, 0, 0);

    /** What the question takes asked on its own. */
    public double total() {
      return anchor + encode + prune + prefill + decode;
    }

    /** What encoding its volume takes, whatever is asked. */
    public double volume() {
      return anchor + encode + prune;
    }
  }

  /** Copies the lists. */
  public SampleResult {
    volumeWarnings = List.copyOf(volumeWarnings);
    keptSlices = List.copyOf(keptSlices);
    if ((answer == null) == (error == null)) {
      throw new IllegalArgumentException("a result has either an answer or an error");
    }
  }

  /** A sample without an answer. */
  public static SampleResult failed(
      String sample, String setting, String error, String volumeSha256) {
    return new SampleResult(
        sample,
        setting,
        null,
        error,
        "",
        volumeSha256,
        "",
        List.of(),
        0,
        List.of(),
        0,
        0,
        new Rates(0, 0, 0),
        Seconds.NONE,
        0,
        -1,
        0,
        0,
        0,
        0);
  }

  /** Whether the answer was cut at its greatest length, or at the end of the model's context. */
  @JsonIgnore
  public boolean cut() {
    return ending.equals(Words.of(Ending.LENGTH));
  }

  /** Whether there is no answer. */
  @JsonIgnore
  public boolean failed() {
    return error != null;
  }
}
