package org.medpruner.testkit.internal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.medpruner.ContextualMerge;
import org.medpruner.oracle.NucleusSelectOracle;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.HostTensor;

/** Stage 2 of one slice as the authors' code does it, with the nucleus of the specification. */
final class ContextualMergeGoldens {
  /** Similarities closer than this are ties, which their unstable order decides by rounding. */
  private static final float TIE = 1e-6f;

  private ContextualMergeGoldens() {}

  static List<GoldenCase<ContextualMergeInput, ContextualMergeOutput>> all() {
    List<GoldenCase<ContextualMergeInput, ContextualMergeOutput>> all = new ArrayList<>();
    for (ComposeGolden golden : ComposeGolden.all()) {
      String name = golden.name();
      all.add(new GoldenCase<>(name, input(golden), out -> compare(name, out)));
    }
    return all;
  }

  private static ContextualMergeInput input(ComposeGolden golden) {
    long[] offsets = golden.offsets();
    return new ContextualMergeInput(
        new ContextualMerge.Params(ComposeGolden.RATIO),
        golden.features(),
        golden.keys(),
        NucleusSelectOracle.run(golden.select(), golden.mass(), offsets, null).mask(),
        offsets);
  }

  private static Finding compare(String name, ContextualMergeOutput out) {
    Finding roles = Finding.bits("role", Goldens.get().u8(name + "/role"), out.role());
    return roles instanceof Finding.Holds
        ? merges(name, out.assignment(), () -> features(name, out.merged()))
        : roles;
  }

  /** Who went to whom and, where that is the same, the features. */
  static Finding merges(String name, long @Nullable [] assignment, Supplier<Finding> features) {
    if (name.contains("zero_key")) {
      return Finding.HOLDS; // a zero key is NaN there, and NaN wins every argmax
    }
    if (assignment == null) {
      return hasTies(name) ? Finding.HOLDS : features.get();
    }
    Goldens goldens = Goldens.get();
    byte[] role = goldens.u8(name + "/role");
    int[] theirs = goldens.ints(name + "/assign");
    float[] gap = goldens.floats(name + "/sim_gap");
    if (assignment.length != role.length) {
      return new Finding.Broken(
          "assignment: expected " + role.length + " values, got " + assignment.length);
    }
    boolean decided = true;
    for (int i = 0; i < role.length; i++) {
      boolean merged = role[i] == ContextualMerge.ROLE_MERGED;
      int expected = merged ? theirs[i] : i;
      boolean same = assignment[i] == expected;
      if (!same && (!merged || gap[i] > TIE || !hasTies(name))) {
        return new Finding.Broken(
            "assignment[" + i + "]: expected " + expected + ", got " + assignment[i]);
      }
      decided &= same;
    }
    return decided ? features.get() : Finding.HOLDS;
  }

  /** Goldens in which similarities tie by construction. */
  private static boolean hasTies(String name) {
    return name.contains("equal_keys") || name.contains("dup_keys");
  }

  private static Finding features(String name, @Nullable HostTensor merged) {
    if (merged == null) {
      return Finding.HOLDS;
    }
    float[] expected = Goldens.get().floats(name + "/features");
    if (Arrays.equals(expected, merged.values())) {
      return Finding.HOLDS;
    }
    return Finding.close("merged", expected, merged.values(), 1e-5, 1);
  }
}
