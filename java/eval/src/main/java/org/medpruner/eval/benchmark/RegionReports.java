package org.medpruner.eval.benchmark;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.benchmark.Entries.BadEntry;

/**
 * Samples of AMOS-MM's own file: the list {@code validation} of a JSON object, in each entry {@code
 * image}, a NIfTI file, and in {@code labels.report} {@code findings} and {@code impression}, each
 * with a text or a list of texts for each region of the body.
 */
final class RegionReports {
  private static final String SPLIT = "validation";
  private static final String REPORT = "labels.report.";

  /** In the order of the body, which is the order of the gold text. */
  private static final List<String> REGIONS = List.of("chest", "abdomen", "pelvis");

  private final Benchmark benchmark;
  private final Path data;
  private final Path file;
  private final VolumeIndex volumes;

  RegionReports(Benchmark benchmark, Path data, Path file) {
    this.benchmark = benchmark;
    this.data = data;
    this.file = file;
    this.volumes = new VolumeIndex(data);
  }

  List<Sample> read() {
    Entries entries = new Entries(benchmark, data, file);
    entries.addAll(Entries.list(file, SPLIT), " of " + SPLIT, this::sample);
    return entries.samples();
  }

  private Sample sample(String id, JsonNode entry) {
    return new Sample(
        id,
        volume(entry.path("image")),
        benchmark.word(),
        Kind.REPORT,
        JsonSamples.AMOS_PROMPT,
        gold(entry.path("labels").path("report")),
        Map.of());
  }

  /** Beside the file, or wherever below the data folder a path ends like it. */
  private String volume(JsonNode image) {
    if (!image.isTextual() || image.asText().isBlank()) {
      throw new BadEntry("image: is missing or empty");
    }
    try {
      Path beside = file.resolveSibling(image.asText());
      if (Files.exists(beside)) {
        return VolumeIndex.relative(data, beside);
      }
      String name = Path.of(image.asText()).normalize().toString();
      String found = volumes.find(name);
      return found == null ? name : found;
    } catch (InvalidPathException e) {
      throw new BadEntry("image: is not a path");
    }
  }

  /** In the shape that the prompt asks for; without a part that says nothing, "" of nothing. */
  private static String gold(JsonNode report) {
    if (!report.path("findings").isObject()) {
      throw new BadEntry(REPORT + "findings: is missing, or not by region");
    }
    String findings = byRegion(report, "findings");
    String impression = byRegion(report, "impression");
    String gold = findings.isEmpty() ? "" : "Findings: " + findings;
    return impression.isEmpty() ? gold : (gold + " Impression: " + impression).strip();
  }

  /** One text of all regions that a part of the report says something about. */
  private static String byRegion(JsonNode report, String part) {
    List<String> texts = new ArrayList<>();
    for (String region : REGIONS) {
      JsonNode node = report.path(part).path(region);
      for (JsonNode text : node.isArray() ? node : List.of(node)) {
        if (text.isTextual()) {
          texts.add(text.asText().strip());
        } else if (!text.isMissingNode() && !text.isNull()) {
          throw new BadEntry(REPORT + part + "." + region + ": is neither text nor list of texts");
        }
      }
    }
    texts.removeIf(String::isEmpty);
    return String.join(" ", texts);
  }
}
