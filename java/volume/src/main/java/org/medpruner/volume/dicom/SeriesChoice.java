package org.medpruner.volume.dicom;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Which series of a folder is read. */
final class SeriesChoice {
  /** As many are listed in one line. */
  private static final int LISTED = 20;

  private SeriesChoice() {}

  /**
   * The wanted one; without a wish the only one, or the one with the most slices, said in {@code
   * warnings}.
   *
   * @param localizers series of localizers, which are never read from a folder
   * @param wanted a label, a series number or the beginning of a SeriesInstanceUID
   * @throws DicomException listing the series, when none or several are meant
   */
  static Series choose(
      List<Series> all, List<Series> localizers, @Nullable String wanted, List<String> warnings)
      throws DicomException {
    if (wanted != null) {
      return wanted(all, localizers, wanted.strip());
    }
    int most = all.stream().mapToInt(s -> s.slices().size()).max().orElse(0);
    List<Series> largest = all.stream().filter(s -> s.slices().size() == most).toList();
    if (largest.size() > 1) {
      throw new DicomException(
          "holds " + all.size() + " series and none has the most slices: " + choices(all));
    }
    if (all.size() > 1) {
      warnings.add(
          "the DICOM folder holds "
              + all.size()
              + " series; the one with the most slices was read, series "
              + largest.get(0).describe()
              + "; the others: "
              + list(all.stream().filter(s -> !s.equals(largest.get(0))).toList()));
    }
    return largest.get(0);
  }

  private static Series wanted(List<Series> all, List<Series> localizers, String wanted)
      throws DicomException {
    List<Series> found = meant(all, wanted);
    if (found.isEmpty() && !meant(localizers, wanted).isEmpty()) {
      throw new DicomException(
          "holds localizer images only in that series, which are left out; give one of its files,"
              + " or another series: "
              + choices(all));
    }
    if (found.isEmpty()) {
      throw new DicomException("has no such series: " + choices(all));
    }
    if (found.size() > 1) {
      throw new DicomException(
          "holds " + found.size() + " series that are meant: " + choices(found));
    }
    return found.get(0);
  }

  private static List<Series> meant(List<Series> all, String wanted) {
    String label = wanted.toLowerCase(Locale.ROOT);
    List<Series> found = all.stream().filter(s -> s.label().equals(label)).toList();
    if (found.isEmpty()) {
      found = all.stream().filter(s -> label.equals(String.valueOf(s.number()))).toList();
    }
    if (found.isEmpty() && wanted.contains(".")) {
      found = all.stream().filter(s -> s.uid().startsWith(wanted)).toList();
    }
    return found;
  }

  private static String choices(List<Series> all) {
    return list(all)
        + "; choose one by its number as listed or by the beginning of its SeriesInstanceUID";
  }

  private static String list(List<Series> all) {
    String listed =
        all.stream().limit(LISTED).map(Series::describe).collect(Collectors.joining(", "));
    return all.size() > LISTED ? listed + " and " + (all.size() - LISTED) + " more" : listed;
  }
}
