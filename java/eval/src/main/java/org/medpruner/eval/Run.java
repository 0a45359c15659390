package org.medpruner.eval;

import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.InputException;

/**
 * A run as its folder holds it, finished or not. Immutable.
 *
 * <p>The folder's files, all UTF-8: {@code run.json}, the {@link RunHeader}; {@code samples.jsonl},
 * one {@link Sample} a line; {@code results.jsonl}, one {@link SampleResult} a line, in the order
 * they were done. A last line that a kill tore is not there for a reader.
 */
public final class Run {
  private final RunHeader header;
  private final Map<String, Sample> samples = new LinkedHashMap<>();
  private final Map<String, Map<String, SampleResult>> results = new LinkedHashMap<>();

  /**
   * Puts a run together.
   *
   * @param results of one sample and setting the last one counts
   * @throws InputException if a result names a setting or a sample that the run does not have
   */
  public Run(RunHeader header, List<Sample> samples, List<SampleResult> results) {
    this.header = header;
    samples.forEach(s -> this.samples.put(s.id(), s));
    header.settings().forEach(s -> this.results.put(s.name(), new LinkedHashMap<>()));
    for (SampleResult r : results) {
      Map<String, SampleResult> of = this.results.get(r.setting());
      if (of == null || !this.samples.containsKey(r.sample())) {
        throw new InputException(
            RunFiles.RESULTS
                + ": sample "
                + r.sample()
                + " under setting "
                + r.setting()
                + " is not of this run; start another folder");
      }
      of.put(r.sample(), r);
    }
  }

  /**
   * Reads a run's folder.
   *
   * @throws InputException in one line naming the file: missing, or not what this program wrote
   */
  public static Run read(Path folder) {
    RunFiles files = new RunFiles(folder);
    return new Run(files.header(), files.samples(), files.results());
  }

  /** What the run is about. */
  public RunHeader header() {
    return header;
  }

  /** The samples in order. */
  public List<Sample> samples() {
    return List.copyOf(samples.values());
  }

  /** A sample by its id. */
  public Sample sample(String id) {
    Sample s = samples.get(id);
    if (s == null) {
      throw new IllegalArgumentException("no sample " + id);
    }
    return s;
  }

  /** The settings in order, {@code off} first. */
  public List<Setting> settings() {
    return header.settings();
  }

  /** Results of a setting in the order they were done, failed ones included. */
  public Collection<SampleResult> results(Setting setting) {
    return List.copyOf(of(setting).values());
  }

  /** One result, or null when the sample was not reached. */
  public @Nullable SampleResult result(Setting setting, String sampleId) {
    return of(setting).get(sampleId);
  }

  private Map<String, SampleResult> of(Setting setting) {
    Map<String, SampleResult> of = results.get(setting.name());
    if (of == null) {
      throw new IllegalArgumentException("no setting " + setting.name());
    }
    return of;
  }

  /** How many results there are, of all settings. */
  public int done() {
    return results.values().stream().mapToInt(Map::size).sum();
  }

  /** How many there will be. */
  public int total() {
    return samples.size() * results.size();
  }

  /** Whether every sample was reached under every setting. */
  public boolean complete() {
    return done() == total();
  }

  /** How many results are without an answer. */
  public int failures() {
    return (int)
        results.values().stream()
            .flatMap(r -> r.values().stream())
            .filter(SampleResult::failed)
            .count();
  }
}
