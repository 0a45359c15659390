package org.medpruner.cli.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The page as a document: what it holds, what it may not hold, and its edge cases. */
class HtmlReportTest {
  private static final int SIZE_BOUND = 6_000_000;

  record Case(String name, ReportModel model) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    PruningReport tokens = Scenes.report(24, i -> i % 3 == 0, PruningPolicy.PAPER, true);
    PruningReport nan =
        Scenes.withSlice(
            tokens,
            6,
            Scenes.withDistance(tokens.slices().get(6), Double.NaN),
            List.of("slice 6: non-finite pixels, kept"));
    PruningReport infinite =
        Scenes.withSlice(
            nan,
            9,
            Scenes.withDistance(tokens.slices().get(9), Double.POSITIVE_INFINITY),
            nan.flags());
    return Stream.of(
        new Case("asked", Scenes.asked(24)),
        new Case("no token detail", Scenes.anchored(30, i -> i % 4 == 0)),
        new Case("one slice", Scenes.anchored(1, i -> true)),
        new Case("one slice with tokens", Scenes.asked(1)),
        new Case("600 slices", Scenes.anchored(600, i -> i % 7 == 0)),
        new Case("all kept", Scenes.anchored(90, i -> true)),
        new Case("all dropped but the first", Scenes.anchored(24, i -> false)),
        new Case("non-finite distances", model(infinite, "q", "a", "b")),
        new Case("question without answer", model(tokens, "q", null, null)),
        new Case(
            "no pruning",
            model(Scenes.report(24, i -> true, PruningPolicy.OFF, false), "q", "a", null)),
        new Case("no slices", Scenes.anchored(0, i -> false)));
  }

  private static ReportModel model(
      PruningReport report,
      @Nullable String question,
      @Nullable String answer,
      @Nullable String truth) {
    return new ReportModel(
        "volume",
        Scenes.ball(report.slices().size(), 56, 64),
        report,
        question,
        answer,
        truth,
        Scenes.facts());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isWellFormedSelfContainedAndSmall(Case c) throws Exception {
    String html = HtmlReport.render(c.model());
    Document page = parse(html);
    assertSelfContained(html, page);
    assertLinksLead(page);
    assertTrue(
        html.getBytes(StandardCharsets.UTF_8).length < SIZE_BOUND, "bytes: " + html.length());
    String body = html.substring(html.indexOf("<body>"), html.indexOf("<script>"));
    assertFalse(body.matches("(?s).*[ >\"]null[ <\"].*"), "a Java null reached the page");
    assertFalse(body.matches("(?s).*[ \"](NaN|Infinity)[ \"].*"), "a coordinate is no number");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void showsEverySliceOnceAndTheKeptOnesLarge(Case c) throws Exception {
    Document page = parse(HtmlReport.render(c.model()));
    List<PruningReport.SliceReport> slices = c.model().report().slices();
    List<Element> cells = byClass(page, "a", "t");
    assertEquals(slices.size(), cells.size());
    int kept = 0;
    for (int i = 0; i < slices.size(); i++) {
      PruningReport.SliceReport s = slices.get(i);
      Element cell = cells.get(i);
      assertEquals("s" + i, cell.getAttribute("id"));
      assertEquals(s.kept(), classes(cell).contains("kept"));
      assertEquals(!s.kept(), classes(cell).contains("dropped"));
      assertEquals(Integer.toString(s.representative()), cell.getAttribute("data-a"));
      if (!s.kept()) {
        assertEquals("#s" + s.representative(), cell.getAttribute("href"));
        assertTrue(cell.getTextContent().contains("\u2192 " + s.representative()));
      }
      kept += s.kept() ? 1 : 0;
    }
    assertEquals(Math.min(kept, Page.MOST_LARGE), page.getElementsByTagName("figure").getLength());
    assertEquals(slices.size(), rows(page, "num"));
    assertEquals(slices.size(), byClass(page, "rect", "run").size());
    long marks = byClass(page, "g", "m").stream().filter(g -> has(g, "line")).count();
    assertEquals(slices.size(), marks);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isTheSameForEqualInput(Case c) {
    assertEquals(HtmlReport.render(c.model()), HtmlReport.render(c.model()));
  }

  @Test
  void saysHowManyKeptSlicesItLeavesOut() {
    String html = HtmlReport.render(Scenes.anchored(90, i -> true));
    assertTrue(html.contains("pictures 48 of 90 kept slices"), "the cap must be stated");
    assertFalse(HtmlReport.render(Scenes.asked(24)).contains("evenly spread;"));
  }

  @Test
  void staysSmallForManyLargeNoisySlices() {
    ReportModel model =
        new ReportModel(
            "large",
            Scenes.ball(181, 400, 512),
            Scenes.report(181, i -> i % 2 == 0, PruningPolicy.PAPER, true),
            "q",
            "a",
            "a",
            Scenes.facts());
    int size = HtmlReport.render(model).length();
    assertTrue(size < SIZE_BOUND, "characters: " + size);
  }

  @Test
  void escapesEveryText() throws Exception {
    String evil = "\"'><script>alert(1)</script>&amp;\u0000\u0007\uD800 <img src=x onerror=y>]]>";
    PruningReport plain = Scenes.report(6, i -> i % 2 == 0, PruningPolicy.PAPER, true);
    PruningReport report =
        new PruningReport(
            plain.policy(),
            plain.slices(),
            plain.tokensPerSlice(),
            plain.rates(),
            plain.savings(),
            Map.of(evil, 1.0),
            List.of(evil));
    String html =
        HtmlReport.render(
            new ReportModel(
                evil, Scenes.ball(6, 32, 32), report, evil, evil, evil, Map.of(evil, evil)));
    Document page = parse(html);
    assertEquals(1, page.getElementsByTagName("script").getLength());
    assertEquals(6 + 3, page.getElementsByTagName("img").getLength());
    assertFalse(html.contains("<script>alert"));
    String clean =
        evil.replace('\u0000', '\uFFFD').replace('\u0007', '\uFFFD').replace('\uD800', '\uFFFD');
    assertEquals(clean, byClass(page, "dd", "question").getFirst().getTextContent());
    assertEquals(clean, page.getElementsByTagName("h1").item(0).getTextContent());
    assertSelfContained(html, page);
  }

  @Test
  void admitsItsOwnScriptAlone() throws Exception {
    String html = HtmlReport.render(Scenes.asked(3));
    Matcher script = Pattern.compile("<script>(.*)</script>", Pattern.DOTALL).matcher(html);
    assertTrue(script.find());
    byte[] digest =
        MessageDigest.getInstance("SHA-256")
            .digest(script.group(1).getBytes(StandardCharsets.UTF_8));
    String policy = "script-src 'sha256-" + Base64.getEncoder().encodeToString(digest) + "'";
    NodeList metas = parse(html).getElementsByTagName("meta");
    List<String> contents = new ArrayList<>();
    for (int i = 0; i < metas.getLength(); i++) {
      contents.add(((Element) metas.item(i)).getAttribute("content"));
    }
    assertTrue(
        contents.stream().anyMatch(c -> c.contains("default-src 'none'") && c.contains(policy)),
        contents.toString());
  }

  @Test
  void showsAnswerTruthAndWhetherTheyAgree() throws Exception {
    PruningReport r = Scenes.report(4, i -> true, PruningPolicy.PAPER, true);
    assertTrue(HtmlReport.render(model(r, "q", " Yes. ", "yes")).contains("verdict good"));
    assertTrue(HtmlReport.render(model(r, "q", "no", "yes")).contains("verdict bad"));
    Document unknown = parse(HtmlReport.render(model(r, "q", "no", null)));
    assertEquals(0, byClass(unknown, "p", "verdict").size());
    assertEquals(0, byClass(unknown, "dd", "truth").size());
  }

  @Test
  void namesThatItIsNotAMedicalDevice() {
    assertTrue(
        HtmlReport.render(Scenes.anchored(2, i -> true))
            .contains("Research software, not a medical device."));
  }

  @Test
  void marksSidesOnlyWhenTheOrientationIsKnown() throws Exception {
    assertEquals(2 * 8, byClass(parse(HtmlReport.render(Scenes.asked(24))), "span", "side").size());
    String unknown = HtmlReport.render(Scenes.anchored(24, i -> true));
    assertEquals(0, byClass(parse(unknown), "span", "side").size());
    assertTrue(unknown.contains("no side is marked"));
  }

  @Test
  void marksAnteriorAndPosteriorOfSagittalSlices() throws Exception {
    ReportModel m =
        new ReportModel(
            "sagittal",
            Scenes.ball(4, 16, 16),
            Scenes.report(4, i -> true, PruningPolicy.PAPER, false),
            null,
            null,
            null,
            Map.of("orientation", "sagittal, " + ReportModel.ANTERIOR_AT_LEFT));
    Document page = parse(HtmlReport.render(m));
    assertEquals("A", byClass(page, "span", "side").getFirst().getTextContent());
    assertEquals("P", byClass(page, "span", "side").get(1).getTextContent());
  }

  @Test
  void drawsNonFiniteMassInRed() throws Exception {
    PruningReport r = Scenes.report(2, i -> true, PruningPolicy.PAPER, true);
    PruningReport.TokenDetail d = r.slices().getFirst().detail();
    assertNotNull(d);
    d.mass()[5] = Float.NaN;
    Document page = parse(HtmlReport.render(model(r, "q", "a", null)));
    String masses = byClass(page, "div", "pic").getFirst().getAttribute("data-mass");
    assertEquals("NaN", masses.split(" ")[5]);
    assertEquals(0xFFE5484D, HeatScale.of(r.slices()).argb(Float.NaN));
  }

  @Test
  void printsEveryPolicyFieldAndMarksOverriddenOnes() throws Exception {
    PruningPolicy policy = PruningPolicy.PAPER.withTau(0.7).withMaxGapSlices(5);
    Document page =
        parse(HtmlReport.render(model(Scenes.report(6, i -> true, policy, true), "q", "a", null)));
    assertEquals(PruningPolicy.class.getRecordComponents().length, rows(page, "policy"));
    Set<String> fields = new HashSet<>();
    for (var c : PruningPolicy.class.getRecordComponents()) {
      fields.add(c.getName());
    }
    assertEquals(fields, RunSection.MEANING.keySet());
    assertEquals(
        List.of("tau", "maxGapSlices"),
        byClass(page, "tr", "changed").stream()
            .map(r -> r.getElementsByTagName("th").item(0).getTextContent())
            .toList());
  }

  @Test
  void marksNonFiniteDistancesAndListsFlags() throws Exception {
    ReportModel m =
        cases().filter(c -> c.name().equals("non-finite distances")).findFirst().get().model();
    Document page = parse(HtmlReport.render(m));
    assertEquals(2, byClass(page, "g", "bad").size());
    assertEquals(2, byClass(page, "a", "bad").size());
    assertTrue(byClass(page, "ul", "flags").getFirst().getTextContent().contains("slice 6"));
  }

  @Test
  void marksSlicesThatAGuardKept() throws Exception {
    PruningReport r = Scenes.report(9, i -> i % 3 == 0, PruningPolicy.NUCLEUS, true);
    PruningReport guarded =
        Scenes.withSlice(r, 3, Scenes.withDistance(r.slices().get(3), 0.01), List.of());
    assertTrue(
        HtmlReport.render(model(guarded, "q", "a", null)).contains("Slice 3: kept by a guard"));
    assertFalse(HtmlReport.render(model(r, "q", "a", null)).contains("by a guard"));
  }

  @Test
  void drawsTheTokensOfEverySliceThatHasThem() throws Exception {
    Document page = parse(HtmlReport.render(Scenes.asked(24)));
    assertEquals(8, byClass(page, "image", "l-heat").size());
    for (Element pic : byClass(page, "div", "pic")) {
      int n = Scenes.GRID * Scenes.GRID;
      assertEquals(n, pic.getAttribute("data-role").length());
      assertEquals(n, pic.getAttribute("data-mass").split(" ").length);
      assertEquals(n, pic.getAttribute("data-for").split(" ").length);
    }
    for (Element tint : byClass(page, "path", "tint")) {
      assertEquals(10, tint.getAttribute("d").chars().filter(c -> c == 'M').count());
    }
    Document plain = parse(HtmlReport.render(Scenes.anchored(24, i -> true)));
    assertEquals(0, byClass(plain, "svg", "over").size());
    assertEquals(0, byClass(plain, "input", "layer").size());
  }

  @Test
  void chargesADroppedSliceOnlyForTheTokensItLeaves() throws Exception {
    PruningReport r = Scenes.report(6, i -> i % 3 == 0, PruningPolicy.REFERENCE, true);
    PruningReport.SliceReport s = r.slices().get(4);
    PruningReport.SliceReport corner =
        new PruningReport.SliceReport(
            4, 1, s.positionMm(), false, s.distance(), 3, 10, 0.9, 3, 1, null);
    Document page =
        parse(HtmlReport.render(model(Scenes.withSlice(r, 4, corner, List.of()), "q", "a", null)));
    assertEquals(1, byClass(page, "rect", "b-rest").size() - 1, "one bar and its legend key");
    assertEquals(2, byClass(page, "rect", "b-nuc").size() - 1);
    String tokens = byClass(page, "div", "chart").get(1).getTextContent();
    assertTrue(tokens.contains("Slice 4: 1 token"), tokens);
  }

  @Test
  void everyPictureHasWords() throws Exception {
    Document page = parse(HtmlReport.render(Scenes.asked(24)));
    NodeList images = page.getElementsByTagName("img");
    assertEquals(24 + 8, images.getLength());
    for (int i = 0; i < images.getLength(); i++) {
      assertTrue(((Element) images.item(i)).getAttribute("alt").startsWith("Slice "));
    }
    for (Element chart : byClass(page, "div", "chart")) {
      Element svg = (Element) chart.getElementsByTagName("svg").item(0);
      assertEquals("img", svg.getAttribute("role"));
      assertFalse(svg.getAttribute("aria-label").isEmpty());
    }
  }

  @Test
  void refusesPicturesThatDoNotMatchTheReport() {
    PruningReport r = Scenes.report(4, i -> true, PruningPolicy.PAPER, false);
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> new ReportModel("t", Scenes.ball(5, 8, 8), r, null, null, null, new HashMap<>()));
    assertTrue(String.valueOf(e.getMessage()).contains("5 pictures"));
  }

  private static void assertSelfContained(String html, Document page) {
    assertFalse(html.contains("http:") || html.contains("https:"), "an external address");
    assertFalse(html.contains("@import"), "a style import");
    NodeList all = page.getElementsByTagName("*");
    for (int i = 0; i < all.getLength(); i++) {
      Element e = (Element) all.item(i);
      for (String name : new String[] {"src", "href", "srcset", "poster", "data", "action"}) {
        if (e.hasAttribute(name)) {
          String v = e.getAttribute(name);
          boolean inside = v.startsWith("#") && e.getTagName().equals("a");
          assertTrue(inside || v.startsWith("data:image/"), e.getTagName() + " " + name + " " + v);
        }
      }
      assertFalse(e.getTagName().equals("link"), "a linked resource");
      assertFalse(e.getAttribute("style").contains("url("), "a styled resource");
      for (int k = 0; k < e.getAttributes().getLength(); k++) {
        assertFalse(e.getAttributes().item(k).getNodeName().startsWith("on"), "a script attribute");
      }
    }
  }

  /** Ids are unique, and every link and label leads to one. */
  private static void assertLinksLead(Document page) {
    Set<String> ids = new HashSet<>();
    NodeList all = page.getElementsByTagName("*");
    for (int i = 0; i < all.getLength(); i++) {
      String id = ((Element) all.item(i)).getAttribute("id");
      assertTrue(id.isEmpty() || ids.add(id), "id twice: " + id);
    }
    for (int i = 0; i < all.getLength(); i++) {
      Element e = (Element) all.item(i);
      String href = e.getAttribute("href");
      if (href.startsWith("#")) {
        assertTrue(ids.contains(href.substring(1)), "leads nowhere: " + href);
      }
      for (String name : new String[] {"for", "aria-labelledby"}) {
        String to = e.getAttribute(name);
        assertTrue(to.isEmpty() || ids.contains(to), "leads nowhere: " + to);
      }
    }
  }

  private static Document parse(String html) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
    Document page = factory.newDocumentBuilder().parse(new InputSource(new StringReader(html)));
    assertNotNull(page.getDocumentElement());
    return page;
  }

  private static List<Element> byClass(Document page, String tag, String cssClass) {
    List<Element> out = new ArrayList<>();
    NodeList all = page.getElementsByTagName(tag);
    for (int i = 0; i < all.getLength(); i++) {
      Element e = (Element) all.item(i);
      if (classes(e).contains(cssClass)) {
        out.add(e);
      }
    }
    return out;
  }

  private static List<String> classes(Element e) {
    return List.of(e.getAttribute("class").split(" "));
  }

  private static boolean has(Element e, String tag) {
    return e.getElementsByTagName(tag).getLength() > 0;
  }

  private static int rows(Document page, String tableClass) {
    Element table = byClass(page, "table", tableClass).getFirst();
    Element body = (Element) table.getElementsByTagName("tbody").item(0);
    return body.getElementsByTagName("tr").getLength();
  }
}
