package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.eval.report.EvaluationReport;
import org.medpruner.serve.fixtures.Chromium;

/** The report that {@code eval} leaves, in a browser: a file that shows itself and asks nobody. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class EvalReportPageTest {
  /** One column and two, as the page is laid out. */
  private static final int[] WIDTHS = {420, 1200};

  @TempDir Path folder;

  /** A run in which pruning leaves so little that answers change. */
  private URI report() throws Exception {
    Path data = MiniBenchmark.write(folder.resolve("data"), 4, 3);
    Path out = folder.resolve("out");
    List<String> arguments = new ArrayList<>(MiniBenchmark.arguments(data, out));
    arguments.addAll(List.of("--preset", "paper", "--sweep", "gamma=2", "--sweep", "tau=0.01"));
    CliRun.of(arguments.toArray(new String[0])).assertDone();
    return out.resolve(EvaluationReport.PAGE).toUri();
  }

  @Test
  void aReportIsShownAtAnyWidthWithoutErrorsOrRequests() throws Exception {
    try (Chromium browser = Chromium.start()) {
      URI report = report();
      for (int width : WIDTHS) {
        browser.screen(width, "light");
        browser.open(report);
        assertTrue(
            browser
                .evaluate(
                    "document.documentElement.scrollWidth <= document.documentElement.clientWidth")
                .asBoolean(),
            "the page is wider than " + width);
        String settings = browser.text("#settings table");
        assertTrue(settings.matches("(?s).*\\boff\\b.*\\bpaper\\b.*\\bgamma=2.*"), settings);
        assertEquals("Changed answers", browser.text("#changes h2"));
        String changed = browser.text("#changes article");
        assertTrue(changed.contains("gold") && changed.contains("off"), changed);
        assertChartAndSlicesAreDrawn(browser);
        assertSchemeSwitches(browser);
      }
      assertEquals(List.of(), browser.takeErrors());
      assertFalse(browser.requests().isEmpty());
      assertEquals(
          List.of(),
          browser.requests().stream()
              .filter(r -> !r.equals(report.toString()) && !r.startsWith("data:"))
              .toList());
    }
  }

  /** The curve with a mark for each setting, and the slices of off and of another setting. */
  private static void assertChartAndSlicesAreDrawn(Chromium browser) {
    assertEquals("Quality against retention", browser.text("#curve h2"));
    assertEquals(3, drawn(browser, "#curve .chart .pt > path"));
    assertTrue(drawn(browser, "#curve .chart .pt > text") >= 1, "no number beside a mark");
    assertTrue(drawn(browser, "#changes .strips figure svg") >= 2, "no sheets of slices");
    // A sheet is one picture: its bytes are decoded, not only referred to.
    String width =
        "(async () => { const sheet = new Image();"
            + " sheet.src = document.querySelector('#changes image').getAttribute('href');"
            + " await sheet.decode(); return sheet.naturalWidth; })()";
    assertTrue(browser.evaluate(width).asInt() >= 3 * 28, "three slices of at least 28 pixels");
  }

  /** How many elements take room on the page. */
  private static int drawn(Chromium browser, String selector) {
    return browser
        .evaluate(
            "[...document.querySelectorAll('"
                + selector
                + "')].filter(e => { const b = e.getBoundingClientRect();"
                + " return b.width > 4 && b.height > 4; }).length")
        .asInt();
  }

  /** What the page's script does: its hash is the one that the page's policy admits. */
  private static void assertSchemeSwitches(Chromium browser) {
    String background = "getComputedStyle(document.body).backgroundColor";
    String light = browser.evaluate(background).asText();
    browser.click("#theme");
    assertFalse(light.equals(browser.evaluate(background).asText()), light);
  }
}
