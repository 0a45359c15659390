package org.medpruner.volume.dicom;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Pictures that can form one volume: of one SeriesInstanceUID, one size, one kind of pixels and one
 * orientation.
 */
final class Series {
  private final List<Slice> slices = new ArrayList<>();

  /** What the user calls it by; set once all are known. */
  private String label = "";

  private Series(Slice first) {
    slices.add(first);
  }

  List<Slice> slices() {
    return slices;
  }

  Slice first() {
    return slices.get(0);
  }

  String label() {
    return label;
  }

  String uid() {
    return first().header().seriesUid;
  }

  @Nullable Integer number() {
    return first().header().seriesNumber;
  }

  private boolean takes(Slice s) {
    Slice f = first();
    Plane p = f.plane();
    Plane q = s.plane();
    boolean samePlanes = p == null || q == null ? p == q : p.isParallel(q);
    return samePlanes && f.header().isLike(s.header());
  }

  /** Groups pictures; labels them by series number, "4-1", "4-2" where a number is not unique. */
  static List<Series> group(List<Slice> slices) {
    Map<String, List<Series>> byUid = new LinkedHashMap<>();
    for (Slice s : slices) {
      List<Series> same = byUid.computeIfAbsent(s.header().seriesUid, u -> new ArrayList<>());
      same.stream()
          .filter(g -> g.takes(s))
          .findFirst()
          .ifPresentOrElse(g -> g.slices.add(s), () -> same.add(new Series(s)));
    }
    List<Series> all = new ArrayList<>();
    byUid.values().forEach(all::addAll);
    all.sort(
        Comparator.comparing(
                Series::number, Comparator.nullsLast(Comparator.<Integer>naturalOrder()))
            .thenComparing(Series::uid));
    Map<String, Integer> sharing = new HashMap<>();
    all.forEach(s -> sharing.merge(s.numberText(), 1, Integer::sum));
    Map<String, Integer> seen = new HashMap<>();
    for (Series s : all) {
      String number = s.numberText();
      int nth = seen.merge(number, 1, Integer::sum);
      s.label = sharing.getOrDefault(number, 1) == 1 ? number : number + "-" + nth;
    }
    return all;
  }

  private String numberText() {
    Integer n = number();
    return n == null ? "unnumbered" : n.toString();
  }

  /** "4 (CT, 512 x 512, 120 slices)". */
  String describe() {
    ImageHeader h = first().header();
    String kind = h.modality.isEmpty() ? "" : h.modality + ", ";
    int n = slices.size();
    return label
        + " ("
        + kind
        + h.format.columns()
        + " x "
        + h.format.rows()
        + ", "
        + n
        + (n == 1 ? " slice" : " slices")
        + (first().plane() == null ? " without position" : "")
        + ")";
  }
}
