package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.medpruner.eval.Run;
import org.medpruner.eval.Sample;
import org.medpruner.eval.SampleResult;
import org.medpruner.eval.Setting;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.html.Numbers;

/** What a reader must know of how a run's volumes were read and shown. */
final class VolumeNotes {
  /** Of benchmarks that hold CT alone. */
  private static final List<String> CT =
      List.of(Benchmark.AMOS.word(), Benchmark.RAD3D.word(), Benchmark.PHANTOM.word());

  private VolumeNotes() {}

  static List<String> of(Run run) {
    List<SampleResult> volumes = volumes(run);
    Map<String, Long> recipes =
        volumes.stream()
            .collect(
                Collectors.groupingBy(VolumeNotes::recipe, TreeMap::new, Collectors.counting()));
    List<String> out = new ArrayList<>();
    if (recipes.size() > 1) {
      out.add(
          "The model was shown volumes by different recipes: "
              + recipes.entrySet().stream()
                  .map(e -> Numbers.count(e.getValue()) + " by " + e.getKey())
                  .collect(Collectors.joining(", "))
              + ".");
    }
    long mri = volumes.stream().filter(v -> v.recipe().startsWith("MRI")).count();
    if (mri > 0 && CT.contains(run.header().benchmark())) {
      out.add(
          Numbers.count(mri)
              + " of "
              + Numbers.count(volumes.size())
              + " volumes were shown as MRI, though the benchmark holds CT alone: their values do"
              + " not look like Hounsfield units.");
    }
    List<String> first = new ArrayList<>();
    volumes.forEach(v -> v.volumeWarnings().stream().limit(1).forEach(first::add));
    if (!first.isEmpty()) {
      out.add(
          Numbers.count(first.size())
              + " volumes were read with warnings (results.jsonl has them), the first: "
              + nameless(first.getFirst())
              + ".");
    }
    return out;
  }

  /** An answer about each volume, in the order of the samples. */
  private static List<SampleResult> volumes(Run run) {
    Map<String, SampleResult> answers = new LinkedHashMap<>();
    for (Sample s : run.samples()) {
      for (Setting setting : run.settings()) {
        SampleResult r = run.result(setting, s.id());
        if (r != null && !r.failed()) {
          answers.putIfAbsent(s.volume(), r);
        }
      }
    }
    return List.copyOf(answers.values());
  }

  /** Without what was found in this very volume: "... (detected CT: values -1024 to 3071, ...)". */
  private static String recipe(SampleResult volume) {
    return volume.recipe().replaceFirst(" \\(.*", "");
  }

  /** Pictures may be named after the patient, and no report names a file. */
  private static String nameless(String warning) {
    String picture = "(?i:\\.(png|jpe?g|bmp))";
    return warning
        .replaceFirst("^(slices are in byte order of their names), so .*" + picture, "$1")
        .replaceFirst("^.*" + picture, "a picture");
  }
}
