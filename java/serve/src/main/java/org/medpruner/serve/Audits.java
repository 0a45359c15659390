package org.medpruner.serve;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningReport;
import org.medpruner.PruningReport.SliceReport;
import org.medpruner.PruningReport.TokenDetail;

/** The audit records of the latest answers, in memory. Thread-safe. */
final class Audits {
  /** A record of 85 slices with 256 tokens each is about 150 kB. */
  static final int MOST = 100;

  private record Kept(byte[] record, Sheet sheet, @Nullable TokenDetail detail) {}

  private final Map<String, Kept> records =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Kept> eldest) {
          return size() > MOST;
        }
      };

  /** Keeps a record. */
  synchronized void add(String id, String record, Sheet sheet, PruningReport report) {
    TokenDetail detail =
        report.slices().stream()
            .map(SliceReport::detail)
            .filter(d -> d != null)
            .findFirst()
            .orElse(null);
    records.put(id, new Kept(record.getBytes(StandardCharsets.UTF_8), sheet, detail));
  }

  /**
   * The record of an answer.
   *
   * @throws ApiError 404 if there is none
   */
  byte[] record(String id) {
    return kept(id).record;
  }

  /**
   * The slices of an answer's volume, for a viewer.
   *
   * @throws ApiError 404 if there is none
   */
  ObjectNode slices(String id) {
    Kept kept = kept(id);
    ObjectNode json = kept.sheet.json();
    if (kept.detail != null) {
      json.put("gridHeight", kept.detail.gridHeight()).put("gridWidth", kept.detail.gridWidth());
    }
    return json;
  }

  private synchronized Kept kept(String id) {
    Kept kept = records.get(id);
    if (kept == null) {
      throw ApiError.notFound(
          "audit_not_found", "id", "no such audit record; the last " + MOST + " are kept");
    }
    return kept;
  }
}
