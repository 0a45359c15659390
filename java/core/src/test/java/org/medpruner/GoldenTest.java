package org.medpruner;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The native ops against what the authors' released code computes; see golden/README.md. */
class GoldenTest {
  private static final Goldens GOLDENS = Goldens.load();

  private static List<String> ending(String prefix, String suffix) {
    List<String> names =
        GOLDENS.names().stream().filter(n -> n.startsWith(prefix) && n.endsWith(suffix)).toList();
    assertTrue(!names.isEmpty(), prefix + "*" + suffix);
    return names;
  }

  private static double number(String part) {
    return Double.parseDouble(part.replaceAll("^[a-z]+", ""));
  }

  static Stream<String> nuclei() {
    return ending("gme/", "/stable").stream();
  }

  @ParameterizedTest
  @MethodSource("nuclei")
  void nucleiOfGivenProbabilities(String name) {
    String[] parts = name.split("/", -1);
    float[] scores = GOLDENS.floats("gme/" + parts[1] + "/scores");
    double tau = number(parts[2]);
    int[] expected = Arrays.stream(GOLDENS.longs(name)).mapToInt(i -> (int) i).sorted().toArray();
    double sum = 0;
    for (float v : scores) {
      sum += v;
    }
    if (Math.abs(sum - 1) > 1e-6) {
      // The released code compares a running sum with tau, ours the share of the total.
      tau = Math.min(tau / sum, 1);
    }
    if (tau == 1) {
      // There the running float sum reaches 1 before a tail of zeros, or not at all; ours keeps
      // all.
      expected = IntStream.range(0, scores.length).toArray();
    }
    assertArrayEquals(
        expected, NucleusSelect.apply(scores, NucleusSelect.Params.mass(tau)).keptIndices());
  }

  static Stream<String> compositions() {
    return ending("compose/", "/role").stream().map(n -> n.substring(0, n.length() - 5));
  }

  @ParameterizedTest
  @MethodSource("compositions")
  void stageTwoOfOneSlice(String name) {
    String[] parts = name.split("/", -1);
    String inputs = "compose/" + parts[1];
    double tau = number(parts[2]);
    float[] features = GOLDENS.floats(inputs + "/features_in");
    float[] keys = GOLDENS.floats(inputs + "/keys");
    boolean[] nucleus =
        NucleusSelect.apply(GOLDENS.floats(inputs + "/mass"), NucleusSelect.Params.softmax(tau, 2))
            .selected();
    ContextualMerge.Result r =
        ContextualMerge.apply(features, keys, nucleus, new ContextualMerge.Params(0.05));
    assertArrayEquals(GOLDENS.u8(name + "/role"), r.roles());
    if (parts[1].startsWith("zero_key")) {
      assertZeroKey(r, keys, GOLDENS.size(inputs + "/keys", 1));
      return;
    }
    int[] assign = GOLDENS.ints(name + "/assign");
    float[] gap = GOLDENS.floats(name + "/sim_gap");
    boolean decided = true;
    for (int i = 0; i < assign.length; i++) {
      if (r.roles()[i] != ContextualMerge.ROLE_MERGED) {
        assertEquals(i, r.assignment()[i]);
      } else if (gap[i] > 1e-6f) {
        assertEquals(assign[i], r.assignment()[i], "token " + i);
      } else {
        decided &= assign[i] == r.assignment()[i];
      }
    }
    if (parts[1].equals("equal_keys")) {
      // All keys point the same way: all that is merged goes to the lowest target.
      int first =
          IntStream.range(0, assign.length).filter(i -> r.roles()[i] == 2).min().orElseThrow();
      for (int i = 0; i < assign.length; i++) {
        assertTrue(r.roles()[i] != ContextualMerge.ROLE_MERGED || r.assignment()[i] == first);
      }
    } else if (!parts[1].equals("dup_keys")) {
      assertTrue(decided, "a tie was not expected here");
    }
    if (decided) {
      assertArrayEquals(GOLDENS.floats(name + "/features"), r.merged(), 1e-5f);
    }
  }

  /** There NaN similarities win every argmax; here a zero key has similarity 0 to everything. */
  private static void assertZeroKey(ContextualMerge.Result r, float[] keys, int d) {
    assertEquals(SegmentFlags.ZERO_KEY, r.flags());
    int n = r.roles().length;
    int[] targets = IntStream.range(0, n).filter(i -> r.roles()[i] == 2).toArray();
    for (int i = 0; i < n; i++) {
      if (r.roles()[i] != ContextualMerge.ROLE_MERGED) {
        continue;
      }
      int best = targets[0];
      double bestSimilarity = cosine(keys, d, i, best);
      for (int t : targets) {
        if (cosine(keys, d, i, t) > bestSimilarity) {
          best = t;
          bestSimilarity = cosine(keys, d, i, t);
        }
      }
      assertEquals(best, r.assignment()[i], "token " + i);
    }
    for (float f : r.merged()) {
      assertTrue(Float.isFinite(f));
    }
  }

  private static double cosine(float[] keys, int d, int a, int b) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int c = 0; c < d; c++) {
      ab += (double) keys[a * d + c] * keys[b * d + c];
      aa += (double) keys[a * d + c] * keys[a * d + c];
      bb += (double) keys[b * d + c] * keys[b * d + c];
    }
    return aa == 0 || bb == 0 ? 0 : ab / Math.sqrt(aa * bb);
  }

  private static void assertSlices(String name, float[] values, int depth, float tolerance) {
    double gamma = number(name.split("/", -1)[2]);
    SliceAnchor.Result r = SliceAnchor.apply(values, depth, gamma);
    byte[] kept = GOLDENS.u8(name);
    for (int i = 0; i < depth; i++) {
      assertEquals(kept[i] != 0, r.kept()[i], name + " slice " + i);
    }
    float[] distances = GOLDENS.floats(name.substring(0, name.length() - 4) + "l1");
    assertArrayEquals(distances, Arrays.copyOfRange(r.distances(), 1, depth), tolerance, name);
  }

  @Test
  void constantSlices() {
    float[] values = GOLDENS.floats("slice/const/values");
    for (String name : ending("slice/const/", "/kept")) {
      assertSlices(name, values, values.length, 0);
    }
  }

  @Test
  void patchedSlices() {
    float[] pixels = GOLDENS.floats("slice/qwen_small/pixel_values");
    for (String name : ending("slice/qwen_small/", "/kept")) {
      assertSlices(name, pixels, 4, 1e-6f);
    }
  }
}
