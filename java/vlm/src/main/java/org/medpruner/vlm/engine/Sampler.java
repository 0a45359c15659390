package org.medpruner.vlm.engine;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.medpruner.vlm.NonFiniteLogitsException;
import org.medpruner.vlm.Sampling;

/**
 * Picks tokens by a {@link Sampling}. Probabilities are computed in double; of equal logits the
 * lower id comes first everywhere, so that top-k 1 and a tiny top-p are greedy whatever the draw.
 * One per answer, used by one thread.
 */
final class Sampler {
  private final Sampling sampling;
  private final SplittableRandom random;
  private final BitSet seen = new BitSet();

  Sampler(Sampling sampling) {
    this.sampling = sampling;
    this.random = new SplittableRandom(sampling.seed());
  }

  /** Whether the likeliest token is always picked, so that the caller may do it on the device. */
  boolean greedy() {
    return sampling.temperature() == 0 && sampling.repetitionPenalty() == 1;
  }

  /** Notes tokens of the prompt or the answer, for the repetition penalty. */
  void note(int... ids) {
    for (int id : ids) {
      seen.set(id);
    }
  }

  /**
   * The next token.
   *
   * @param logits one per id; changed
   * @throws NonFiniteLogitsException if one is NaN or plus infinity, or all are minus infinity
   */
  int next(float[] logits) {
    int best = best(logits);
    if (sampling.repetitionPenalty() != 1) {
      penalise(logits);
      best = best(logits);
    }
    return sampling.temperature() == 0 ? best : draw(logits, logits[best]);
  }

  /** Checks a greedy pick that was made elsewhere. */
  static int checked(int id, float logit) {
    if (!Float.isFinite(logit)) {
      throw new NonFiniteLogitsException("the model's highest logit is " + logit + ", token " + id);
    }
    return id;
  }

  private static int best(float[] logits) {
    int best = 0;
    for (int i = 0; i < logits.length; i++) {
      if (Float.isNaN(logits[i])) {
        throw new NonFiniteLogitsException("the model's logit of token " + i + " is NaN");
      }
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return checked(best, logits[best]);
  }

  private void penalise(float[] logits) {
    double penalty = sampling.repetitionPenalty();
    for (int id = seen.nextSetBit(0); id >= 0 && id < logits.length; id = seen.nextSetBit(id + 1)) {
      logits[id] = (float) (logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty);
    }
  }

  private int draw(float[] logits, float highest) {
    int[] order = likeliestFirst(logits);
    int count = sampling.topK() > 0 ? Math.min(sampling.topK(), order.length) : order.length;
    double[] weight = new double[count];
    double total = 0;
    for (int i = 0; i < count; i++) {
      weight[i] = Math.exp((logits[order[i]] - (double) highest) / sampling.temperature());
      total += weight[i];
    }
    double kept = 0;
    int end = 0;
    // At least one; the one that reaches top-p is the last.
    do {
      kept += weight[end++];
    } while (end < count && kept < sampling.topP() * total);
    double target = random.nextDouble() * kept;
    int last = 0;
    for (int i = 0; i < end; i++) {
      if (weight[i] > 0) {
        last = i;
        target -= weight[i];
        if (target < 0) {
          break;
        }
      }
    }
    return order[last];
  }

  /** Ids by falling logit, equal ones by rising id. */
  private static int[] likeliestFirst(float[] logits) {
    long[] keys = new long[logits.length];
    for (int i = 0; i < keys.length; i++) {
      // Adding 0 makes -0 and +0 one. The bits of a float, sign folded in, rise with its value.
      int bits = Float.floatToRawIntBits(logits[i] + 0f);
      int rising = bits ^ ((bits >> 31) & 0x7fffffff);
      keys[i] = ((long) ~rising << 32) | i;
    }
    Arrays.sort(keys);
    int[] order = new int[keys.length];
    for (int i = 0; i < order.length; i++) {
      order[i] = (int) keys[i];
    }
    return order;
  }
}
