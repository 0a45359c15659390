package org.medpruner.eval.benchmark;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.medpruner.InputException;
import org.medpruner.eval.Sample;
import org.medpruner.eval.Sample.Kind;

/**
 * Samples of AMOS-MM's own file: the list {@code validation} of a JSON object, in each entry {@code
 * image}, a NIfTI file, and {@code labels.report.findings}, a text for each region of the body.
 */
final class RegionReports {
  private static final String SPLIT = "validation";
  private static final String FINDINGS = "labels.report.findings";

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
    JsonNode list = list();
    List<Sample> samples = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      samples.add(
          new Sample(
              String.format(Locale.ROOT, "%s-%06d", benchmark.word(), i),
              volume(list.get(i).path("image"), i),
              benchmark.word(),
              Kind.REPORT,
              JsonSamples.AMOS_PROMPT,
              findings(list.get(i).path("labels").path("report").path("findings"), i),
              Map.of()));
    }
    return samples;
  }

  private JsonNode list() {
    try {
      JsonNode root = new ObjectMapper().readTree(Files.readAllBytes(file));
      if (root != null && root.path(SPLIT).isArray()) {
        return root.path(SPLIT);
      }
    } catch (JsonProcessingException e) {
      throw new InputException(file + ": not valid JSON; download it again", e);
    } catch (IOException e) {
      throw new InputException(file + ": cannot be read: " + e, e);
    }
    throw new InputException(file + ": has no list \"" + SPLIT + "\"; download it again");
  }

  /** Beside the file, or wherever below the data folder a path ends like it. */
  private String volume(JsonNode image, int index) {
    if (!image.isTextual() || image.asText().isBlank()) {
      throw bad(index, "image", "is missing or empty");
    }
    try {
      Path beside = file.resolveSibling(image.asText());
      return Files.exists(beside)
          ? VolumeIndex.relative(data, beside)
          : volumes.find(Path.of(image.asText()).normalize().toString());
    } catch (InvalidPathException e) {
      throw bad(index, "image", "is not a path");
    }
  }

  /** One text of all regions that the report says something about. */
  private String findings(JsonNode byRegion, int index) {
    List<String> texts = new ArrayList<>();
    for (String region : REGIONS) {
      JsonNode text = byRegion.path(region);
      if (text.isTextual() && !text.asText().isBlank()) {
        texts.add(text.asText().strip());
      }
    }
    if (texts.isEmpty()) {
      throw bad(index, FINDINGS, "has no text for chest, abdomen or pelvis");
    }
    return String.join(" ", texts);
  }

  private InputException bad(int index, String field, String problem) {
    return new InputException(
        file
            + ": entry "
            + index
            + " (from 0) of "
            + SPLIT
            + ": "
            + field
            + ": "
            + problem
            + "; repair the file");
  }
}
