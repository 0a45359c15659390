package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** docs/conformance.md lists every rule in its own words. */
class ConformancePageTest {
  @Test
  void everyRuleIsListed() throws Exception {
    Path root = Path.of(Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../.."));
    String page = Files.readString(root.resolve("docs/conformance.md"));
    for (Op op : Op.values()) {
      for (Rule rule : ConformanceSuite.rules(op)) {
        String own = "| `" + rule.name() + "` | " + rule.kind().id() + " | " + rule.says() + " |";
        String common = "| `" + rule.id() + "` | " + rule.kind().id() + " | " + rule.says() + " |";
        assertTrue(page.contains(own) || page.contains(common), own);
      }
    }
  }
}
