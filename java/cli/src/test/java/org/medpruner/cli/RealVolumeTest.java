package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Real volumes from file to answer. The demo model was trained on phantoms, so its answer says
 * nothing about a patient: what is checked is that the whole path runs and its record is right.
 */
class RealVolumeTest {
  @TempDir Path folder;

  private JsonNode ask(Path volume) throws IOException {
    Path json = folder.resolve("audit.json");
    CliRun run =
        CliRun.onDemo(
            "ask",
            volume,
            "--question",
            "How many lesions are there?",
            "--json",
            json.toString(),
            "--report",
            folder.toString());
    assertFalse(run.out().isBlank());
    String text = Files.readString(json);
    assertEquals(List.of(), AuditSchemaTest.validate(text));
    assertTrue(Files.size(folder.resolve("report.html")) > 0);
    return new ObjectMapper().readTree(text);
  }

  private static int kept(JsonNode audit) {
    int kept = 0;
    for (JsonNode s : audit.get("slices")) {
      kept += s.get("kept").asBoolean() ? 1 : 0;
    }
    return kept;
  }

  /** 108 slices of int16 Hounsfield units: the CT recipe takes 85 of them in three windows. */
  @Test
  void cranialCtInThreeWindows() throws Exception {
    JsonNode audit = ask(FetchedVolumes.cranialCt());
    assertEquals("[256,256,108]", audit.at("/input/shape").toString());
    assertEquals(1.5, audit.at("/input/spacing/2").asDouble());
    assertEquals(85, audit.get("slices").size());
    int kept = kept(audit);
    assertTrue(kept > 20 && kept < 85, kept + " of 85 slices kept at gamma 0.05");
    String report = Files.readString(folder.resolve("report.html"));
    assertTrue(report.contains("CT"), "the report names the recipe");
    double top = audit.at("/slices/0/positionMm").asDouble();
    double bottom = audit.at("/slices/84/positionMm").asDouble();
    // Slice i of the recipe is round(i / 85 * 107): the last one taken is slice 106.
    assertEquals(106 * 1.5, top - bottom, 1e-3);
  }

  @Test
  void dicomBrainSeries() throws Exception {
    JsonNode audit = ask(FetchedVolumes.brainSeries());
    assertEquals(20, audit.get("slices").size());
    assertTrue(kept(audit) >= 1);
  }

  @Test
  void headMri() throws Exception {
    JsonNode audit = ask(TestVolumes.headMri());
    assertEquals(85, audit.get("slices").size());
    int kept = kept(audit);
    assertTrue(kept > 1 && kept < 85, kept + " of 85 slices kept");
  }
}
