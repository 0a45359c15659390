package org.medpruner.cli;

import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.eval.PeakMemory;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.EncodedVolume;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.ModelInfo;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.volume.VolumeReading;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParentCommand;

/** {@code medpruner prune}. */
@Command(
    name = "prune",
    sortOptions = false,
    customSynopsis = "medpruner prune --volume FILE [--model DIR] [options]",
    description = {
      "Prunes a volume without asking anything.",
      "Without --model only slices are dropped, at their native resolution. The indices of the kept"
          + " slices, in presented order from 0, go to standard output, figures to standard error."
    })
final class PruneCommand implements Callable<Integer> {
  @ParentCommand
  @SuppressWarnings("NullAway.Init") // set by picocli before the command runs
  private Main main;

  @Option(
      names = "--model",
      paramLabel = "DIR",
      description = "Hugging Face checkpoint folder; also prunes tokens.")
  private @Nullable Path model;

  @Mixin private final VolumeOptions volume = new VolumeOptions();
  @Mixin private final PolicyOptions policy = new PolicyOptions();
  @Mixin private final ModelOptions device = new ModelOptions();
  @Mixin private final OutputOptions output = new OutputOptions();

  @Override
  public Integer call() {
    PruningPolicy p = policy.policy();
    volume.check();
    Path file = volume.one();
    Outputs files = output.outputs(volume.paths);
    LoadOptions load = device.load();
    VolumeInput input;
    PruningReport report;
    ModelInfo info = null;
    try (Main.ProgressScope scope = main.progress()) {
      if (model == null) {
        input = volume.read(file, 0);
        report =
            Session.withInput(
                SliceOnlyPruning.run(input.images(), p, scope.progress()), input, Map.of());
      } else {
        Path folder = Session.checkModelFolder(model);
        input = volume.read(file, VolumeReading.MODEL_SLICES);
        long start = System.nanoTime();
        // Nothing is asked, so nothing of the folder's text side is looked for.
        try (TokenModel networks = TokenModel.load(folder, load, scope.progress())) {
          Map<String, Double> loading = Map.of(Progress.LOAD, (System.nanoTime() - start) / 1e9);
          try (EncodedVolume encoded = networks.encode(input.images(), p, scope.progress())) {
            report = Session.withInput(encoded.report(), input, loading);
          }
          info = networks.info();
        }
      }
    }
    ModelInfo loaded = info;
    files.write(
        () -> Audit.of(input.audited(), loaded, report, null, null).text(),
        () -> ReportPage.html(input, loaded, report, null, null, null));
    main.out()
        .println(
            report.slices().stream()
                .filter(SliceReport::kept)
                .map(s -> Integer.toString(s.index()))
                .collect(Collectors.joining(",")));
    main.err().print(Summary.text(report, 0, PeakMemory.bytes()));
    return 0;
  }
}
