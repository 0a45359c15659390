package org.medpruner.cli.report;

import java.util.ArrayList;
import java.util.List;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;

/** Which kept slice stands for which slices. */
final class Runs {
  private final int[] anchor;
  private final List<List<Integer>> members = new ArrayList<>();
  private final List<Integer> kept = new ArrayList<>();
  private final boolean[] second;

  Runs(PruningReport report) {
    int d = report.slices().size();
    anchor = new int[d];
    second = new boolean[d];
    for (int i = 0; i < d; i++) {
      members.add(new ArrayList<>());
    }
    int runs = 0;
    for (int i = 0; i < d; i++) {
      SliceReport s = report.slices().get(i);
      int r = s.representative();
      anchor[i] = s.kept() || r < 0 || r >= d ? i : r;
      members.get(anchor[i]).add(i);
      if (s.kept()) {
        kept.add(i);
        second[i] = runs++ % 2 == 1;
      }
    }
    for (int i = 0; i < d; i++) {
      second[i] = second[anchor[i]];
    }
  }

  /** Position of the slice that stands for slice {@code i}; {@code i} itself when kept. */
  int anchor(int i) {
    return anchor[i];
  }

  /** Slices that {@code anchor} stands for, itself included, ascending. */
  List<Integer> members(int anchor) {
    return members.get(anchor);
  }

  /** Positions of the kept slices, ascending. */
  List<Integer> kept() {
    return kept;
  }

  /** Whether slice {@code i} is in an odd run: neighbouring runs are tinted in turn. */
  boolean second(int i) {
    return second[i];
  }

  /** Most slices that any one slice stands for, itself included; 0 without slices. */
  int longest() {
    return members.stream().mapToInt(List::size).max().orElse(0);
  }

  /** "12", "12–17" or "3, 7–9": the slices that {@code anchor} stands for. */
  String range(int anchor) {
    StringBuilder out = new StringBuilder();
    List<Integer> all = members.get(anchor);
    for (int i = 0; i < all.size(); ) {
      int j = i;
      while (j + 1 < all.size() && all.get(j + 1) == all.get(j) + 1) {
        j++;
      }
      out.append(out.isEmpty() ? "" : ", ").append(all.get(i));
      if (j > i) {
        out.append('\u2013').append(all.get(j));
      }
      i = j + 1;
    }
    return out.toString();
  }
}
