package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** docs/conformance.md lists every rule in its own words, and shows code that is compiled. */
class ConformancePageTest {
  private static String read(String file) throws IOException {
    String root = Objects.requireNonNullElse(System.getenv("MEDPRUNER_ROOT"), "../..");
    return Files.readString(Path.of(root).resolve(file));
  }

  @Test
  void theTargetShownIsTheExamples() throws Exception {
    String source = read("examples/conformance/src/test/java/MyKernels.java");
    String target = source.substring(source.indexOf("public final class MyKernels"));
    assertTrue(read("docs/conformance.md").contains("```java\n" + target + "```\n"), target);
  }

  @Test
  void everyRuleIsListed() throws Exception {
    String page = read("docs/conformance.md");
    for (Op op : Op.values()) {
      for (Rule rule : ConformanceSuite.rules(op)) {
        String own = "| `" + rule.name() + "` | " + rule.kind().id() + " | " + rule.says() + " |";
        String common = "| `" + rule.id() + "` | " + rule.kind().id() + " | " + rule.says() + " |";
        assertTrue(page.contains(own) || page.contains(common), own);
      }
    }
  }
}
