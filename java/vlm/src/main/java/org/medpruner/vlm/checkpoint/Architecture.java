package org.medpruner.vlm.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Which architecture a checkpoint's {@code config.json} names. */
public final class Architecture {
  private Architecture() {}

  /**
   * The entry for a checkpoint.
   *
   * @param known by architecture name, with the {@code model_type} names that stand for it where
   *     the file lists no architecture
   * @return the architecture's name, a key of {@code known}
   * @throws org.medpruner.InputException if the file is missing, is not JSON or names another
   *     architecture; the message lists the known ones
   */
  public static String of(Path folder, Map<String, List<String>> known) {
    JsonFile json = JsonFile.read(folder.resolve("config.json"));
    JsonNode list = json.get("architectures");
    String name = list != null && list.isArray() && !list.isEmpty() ? list.get(0).asText() : "";
    if (known.containsKey(name)) {
      return name;
    }
    String type = json.text("model_type", "");
    if (name.isEmpty()) {
      for (Map.Entry<String, List<String>> e : known.entrySet()) {
        if (e.getValue().contains(type)) {
          return e.getKey();
        }
      }
    }
    throw json.bad(
        "unknown architecture \""
            + JsonFile.printable(name.isEmpty() ? type : name)
            + "\"; this version runs "
            + String.join(", ", new TreeSet<>(known.keySet())));
  }
}
