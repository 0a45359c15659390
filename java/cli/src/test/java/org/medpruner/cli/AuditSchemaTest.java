package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.Rates;
import org.medpruner.PruningReport.Savings;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;
import org.medpruner.vlm.Audit;
import org.medpruner.vlm.ModelInfo;

/** What is written agrees with {@code docs/audit.schema.json}, and that schema refuses others. */
class AuditSchemaTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  static List<Error> validate(String record) throws IOException {
    Path file = TestVolumes.root().resolve("docs/audit.schema.json");
    Schema schema =
        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
            .getSchema(Files.readString(file));
    return schema.validate(record, InputFormat.JSON);
  }

  private VolumeInput input() throws IOException {
    VolumeOptions options = new VolumeOptions();
    Path file = Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(4, 0, 0, 255));
    return options.read(file, 0);
  }

  private static PruningReport report() {
    TokenDetail detail =
        new TokenDetail(
            new float[] {2, .5f, 1, .5f}, new byte[] {1, 2, 0, 0}, new int[] {0, 1, 1, 1}, 2, 2);
    SliceReport kept = new SliceReport(0, 2, 2, true, 0, 0, 1, .9, 1, 2, detail);
    SliceReport dropped =
        new SliceReport(1, 1, Double.NaN, false, .01, 0, 0, Double.NaN, 0, 0, null);
    SliceReport infinite =
        new SliceReport(2, 0, 0, true, Double.POSITIVE_INFINITY, 2, 1, .9, 1, 2, detail);
    return new PruningReport(
        PruningPolicy.PAPER.toBuilder().temperature(2).build(),
        List.of(kept, dropped, infinite),
        4,
        new Rates(2 / 3.0, .5, 1 / 3.0),
        new Savings(20, 4096, 1),
        Map.of("encode", .5),
        List.of("slice 2: non-finite pixels, kept"));
  }

  private Audit audit() throws IOException {
    ModelInfo model =
        new ModelInfo(
            "m", "Gemma3ForConditionalGeneration", 1200000, "F32", "F32", "cpu", 112, 64, 8192);
    return Audit.of(input().audited(), model, report(), "Where is it?", "spleen");
  }

  @Test
  void recordsAgreeWithTheSchema() throws IOException {
    assertEquals(List.of(), validate(audit().text()));
    assertEquals(List.of(), validate(audit().withTruth("liver").text()));
    Audit.Comparison ratios = new Audit.Comparison("liver", 2, 3, 2, 2, Double.NaN);
    assertEquals(List.of(), validate(audit().withComparison(ratios).text()));
    assertEquals(
        List.of(), validate(Audit.of(input().audited(), null, report(), null, null).text()));
  }

  @Test
  void numbersThatAreNotFiniteBecomeNull() throws IOException {
    JsonNode slices = JSON.readTree(audit().text()).get("slices");
    assertTrue(slices.get(1).get("positionMm").isNull());
    assertTrue(slices.get(1).get("massKept").isNull());
    assertTrue(slices.get(2).get("distance").isNull());
    assertEquals("[0]", slices.get(0).get("nucleusTokens").toString());
    assertEquals("[1]", slices.get(0).get("targetTokens").toString());
    assertEquals("[0,1,1,1]", slices.get(0).get("assignment").toString());
  }

  @Test
  void schemaRefusesAMissingFieldAndAStrayOne() throws IOException {
    ObjectNode whole = (ObjectNode) JSON.readTree(audit().text());
    List<String> fields = new ArrayList<>();
    whole.fieldNames().forEachRemaining(fields::add);
    for (String field : fields) {
      ObjectNode less = whole.deepCopy();
      less.remove(field);
      assertFalse(validate(less.toString()).isEmpty(), field);
    }
    for (String part : List.of("input", "model", "policy", "rates", "savings")) {
      ObjectNode more = whole.deepCopy();
      ((ObjectNode) more.get(part)).put("stray", 1);
      assertFalse(validate(more.toString()).isEmpty(), part);
    }
    ObjectNode slice = whole.deepCopy();
    ((ObjectNode) slice.get("slices").get(0)).remove("representative");
    assertFalse(validate(slice.toString()).isEmpty());
  }

  @Test
  void schemaKnowsEveryFieldOfThePolicy() throws IOException {
    JsonNode schema = JSON.readTree(TestVolumes.root().resolve("docs/audit.schema.json").toFile());
    List<String> required = new ArrayList<>();
    schema.at("/properties/policy/required").forEach(n -> required.add(n.asText()));
    assertEquals(
        Arrays.stream(PruningPolicy.class.getRecordComponents())
            .map(RecordComponent::getName)
            .toList(),
        required);
  }

  @Test
  void whatPruneWritesAgreesToo() throws IOException {
    Path json = folder.resolve("a.json");
    Path volume = Files.write(folder.resolve("v.nii"), TestVolumes.greyPlanes(4, 0, 0, 255));
    CliRun.of("prune", "--volume", volume.toString(), "--json", json.toString()).assertDone();
    assertEquals(List.of(), validate(Files.readString(json)));
  }
}
