package org.medpruner.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.medpruner.eval.Run;
import org.medpruner.eval.Setting;

/** A miniature of M3D: grey NIfTI volumes of three slices, questions that nobody can answer. */
final class MiniBenchmark {
  private MiniBenchmark() {}

  static Path write(Path folder, int volumes, int questionsEach) throws IOException {
    StringBuilder json = new StringBuilder();
    for (int v = 0; v < volumes; v++) {
      Path file = folder.resolve("v" + v + "/volume.nii");
      Files.createDirectories(file.getParent());
      Files.write(file, TestVolumes.greyPlanes(16, 20 * v, 255, 254));
      for (int q = 0; q < questionsEach; q++) {
        json.append(json.isEmpty() ? "[" : ",\n")
            .append("{\"video\": [\"v" + v + "\"], \"Question_Type\": \"CLOSED\", \"type\": 4,")
            .append(" \"conversations\": [{\"value\": \"<video>\\nQuestion " + q + " of " + v)
            .append("?\\nA.Yes\\nB.No\"}, {\"value\": \"A\"}]}");
      }
    }
    Files.writeString(folder.resolve("M3D_test.json"), json + "]");
    return folder;
  }

  /** The arguments of a short run with off and paper. */
  static List<String> arguments(Path data, Path out) {
    return List.of(
        "eval",
        "--benchmark",
        "m3d",
        "--data",
        data.toString(),
        "--model",
        TestVolumes.demoModel().toString(),
        "--out",
        out.toString(),
        "--max-new-tokens",
        "3",
        "--progress",
        "plain");
  }

  /** What must be the same in every run of the same samples. */
  static TreeMap<String, String> answers(Path out) {
    Run run = Run.read(out);
    TreeMap<String, String> all = new TreeMap<>();
    for (Setting s : run.settings()) {
      run.results(s)
          .forEach(
              r ->
                  all.put(
                      s.name() + " " + r.sample(),
                      r.answer() + " " + r.error() + " " + r.keptSlices() + r.keptVisualTokens()));
    }
    return all;
  }
}
