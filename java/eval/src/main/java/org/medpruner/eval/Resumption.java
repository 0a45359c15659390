package org.medpruner.eval;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.medpruner.InputException;

/** Whether a run that is there may be gone on with. */
final class Resumption {
  private Resumption() {}

  /**
   * Refuses when anything that answers depend on has changed. Where model and data lie may change.
   *
   * @throws InputException naming the first thing that has
   */
  static void check(Path folder, RunHeader old, RunHeader now) {
    same(folder, "benchmark", old.benchmark(), now.benchmark());
    same(folder, "model (SHA-256 of its files)", old.modelSha256(), now.modelSha256());
    same(folder, "compute type", old.model().computeType(), now.model().computeType());
    same(folder, "device", old.model().device(), now.model().device());
    same(
        folder,
        "annotation file (SHA-256)",
        old.data().annotationsSha256(),
        now.data().annotationsSha256());
    same(folder, "limit", old.selection().limit(), now.selection().limit());
    same(folder, "seed", old.selection().seed(), now.selection().seed());
    same(folder, "choice of samples", old.selection().sha256(), now.selection().sha256());
    same(
        folder,
        "volumes (names and sizes of their files)",
        old.data().volumesSha256(),
        now.data().volumesSha256());
    same(folder, "list of settings", names(old), names(now));
    for (int i = 0; i < old.settings().size(); i++) {
      Setting a = old.settings().get(i);
      same(folder, "setting " + a.name(), a.policy(), now.settings().get(i).policy());
    }
    same(folder, "number of images", old.maxImages(), now.maxImages());
    same(folder, "generation", old.generation(), now.generation());
    same(folder, "version of medpruner", old.version(), now.version());
  }

  private static List<String> names(RunHeader header) {
    return header.settings().stream().map(Setting::name).toList();
  }

  private static void same(Path folder, String what, Object old, Object now) {
    if (Objects.equals(old, now)) {
      return;
    }
    throw new InputException(
        folder
            + ": holds a run with another "
            + what
            + ": "
            + difference(old, now)
            + "; name another --out, or delete it");
  }

  /** Of records the components that differ, by the names and values of {@code run.json}. */
  private static String difference(Object old, Object now) {
    if (old instanceof Record && now instanceof Record) {
      JsonNode before = Json.MAPPER.valueToTree(old);
      JsonNode after = Json.MAPPER.valueToTree(now);
      List<String> parts = new ArrayList<>();
      differences("", before, after, parts);
      if (!parts.isEmpty()) {
        return String.join(" and ", parts);
      }
    }
    return old + " there, " + now + " now";
  }

  private static void differences(
      String name, JsonNode before, JsonNode after, List<String> parts) {
    if (before.isObject() && after.isObject()) {
      for (Map.Entry<String, JsonNode> e : after.properties()) {
        String path = name.isEmpty() ? e.getKey() : name + "." + e.getKey();
        differences(path, before.path(e.getKey()), e.getValue(), parts);
      }
    } else if (!before.equals(after)) {
      parts.add(name + " is " + text(after) + ", the run began with " + text(before));
    }
  }

  private static String text(JsonNode value) {
    return value.isTextual() ? value.textValue() : value.toString();
  }
}
