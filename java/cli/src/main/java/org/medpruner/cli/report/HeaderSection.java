package org.medpruner.cli.report;

import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.PruningReport;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.HtmlPage;
import org.medpruner.eval.html.Numbers;

/** Title, question, answer, truth and the facts of the run. */
final class HeaderSection {
  /** Answers of up to so many characters are set as a headline. */
  private static final int BRIEF = 80;

  private HeaderSection() {}

  static void write(Html h, Page page) {
    ReportModel m = page.model();
    h.open("header", "id", "top");
    h.open("div", "class", "brand");
    h.raw(HtmlPage.MARK).leaf("span", "MedPruner report", "class", "brand-name");
    h.open("nav", "aria-label", "Sections");
    link(h, "#savings", "Savings");
    link(h, "#distances", "Distances");
    link(h, "#sheet", "Slices");
    link(h, "#kept", "Kept slices");
    link(h, "#tokens", "Tokens");
    link(h, "#run", "Policy");
    h.close();
    h.raw(HtmlPage.THEME_BUTTON).closeLine();
    h.leaf("h1", m.title()).raw("\n");
    h.leaf("p", "Research software, not a medical device.", "class", "disclaimer").raw("\n");
    if (m.question() == null && m.answer() == null) {
      h.leaf(
          "p",
          page.report().tokensPerSlice() > 0
              ? "No question was asked: the vision encoder saw the volume, the language model did not."
              : "No question was asked: slices were anchored on their pixels alone, without a model.",
          "class",
          "unasked");
      h.open("div", "class", "head-grid unasked-grid");
    } else {
      h.open("div", "class", "head-grid");
      answer(h, m);
    }
    h.open("dl", "class", "facts card");
    for (Map.Entry<String, String> f : m.facts().entrySet()) {
      fact(h, f.getKey(), f.getValue());
    }
    fact(h, "policy", summary(page.report()));
    h.closeLine();
    h.closeLine();
    h.closeLine();
  }

  private static void answer(Html h, ReportModel m) {
    h.open("div", "class", "qa card").open("dl");
    entry(h, "Question", m.question(), "question", "none");
    boolean brief = m.answer() == null || m.answer().length() <= BRIEF;
    entry(h, "Answer", m.answer(), brief ? "answer" : "answer long", "none");
    if (m.truth() != null) {
      entry(h, "Truth", m.truth(), "truth", "");
    }
    h.close();
    if (m.truth() != null && m.answer() != null) {
      boolean same = normal(m.truth()).equals(normal(m.answer()));
      h.leaf(
          "p",
          same ? "\u2713 Answer and truth agree" : "\u2260 Answer and truth differ as texts",
          "class",
          same ? "verdict good" : "verdict bad");
    }
    h.closeLine();
  }

  private static void fact(Html h, String label, String value) {
    boolean digest = value.matches("[0-9a-fA-F]{32,}");
    h.open("div").leaf("dt", label);
    h.leaf("dd", value, "class", digest ? "digest" : null).close();
  }

  /** "paper: gamma 0.05; tau 0.9, SOFTMAX(2), contextual ratio 0.05". */
  private static String summary(PruningReport report) {
    PruningPolicy p = report.policy();
    StringBuilder out = new StringBuilder(p.name()).append(": ");
    out.append(p.sliceAnchoring() ? "gamma " + Numbers.plain(p.gamma()) : "no slice anchoring");
    if (report.tokensPerSlice() == 0) {
      return out.toString();
    }
    out.append("; ");
    if (!p.tokenPruning()) {
      return out.append("no token pruning").toString();
    }
    out.append("tau ").append(Numbers.plain(p.tau())).append(", ").append(p.score());
    if (p.score() == NucleusSelect.Score.SOFTMAX && p.temperature() > 0) {
      out.append('(').append(Numbers.plain(p.temperature())).append(')');
    }
    return out.append(", contextual ratio ").append(Numbers.plain(p.contextualRatio())).toString();
  }

  private static void link(Html h, String href, String text) {
    h.leaf("a", text, "href", href);
  }

  private static void entry(
      Html h, String label, @Nullable String text, String cssClass, String whenNone) {
    h.leaf("dt", label);
    h.leaf("dd", text == null ? whenNone : text, "class", cssClass);
  }

  /** Case, outer space and a closing full stop do not make an answer differ. */
  private static String normal(String s) {
    String t = s.strip().toLowerCase(Locale.ROOT);
    return t.endsWith(".") ? t.substring(0, t.length() - 1) : t;
  }
}
