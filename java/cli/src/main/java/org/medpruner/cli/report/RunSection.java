package org.medpruner.cli.report;

import java.lang.reflect.RecordComponent;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.html.Html;
import org.medpruner.eval.html.Numbers;

/** How the run was set and what it remarked: every policy field and the flags. */
final class RunSection {
  /** What each policy field decides, in a line. */
  static final Map<String, String> MEANING =
      Map.ofEntries(
          Map.entry("name", "preset it came from; + marks overridden fields"),
          Map.entry("sliceAnchoring", "stage 1: whether slices are dropped"),
          Map.entry("tokenPruning", "stage 2: whether tokens inside kept slices are dropped"),
          Map.entry("gamma", "stage 1 threshold, in units of the normalised pixels"),
          Map.entry("tau", "cumulative weight the nucleus must reach"),
          Map.entry("contextualRatio", "share of a slice's tokens that become targets"),
          Map.entry("encoderScope", "slices the vision encoder runs on"),
          Map.entry("score", "how attention mass becomes nucleus weights"),
          Map.entry("temperature", "softmax temperature; 0 is the model's own"),
          Map.entry("pooling", "how patch scores become token scores"),
          Map.entry("droppedSlice", "what a dropped slice leaves in the prompt"),
          Map.entry("imageMask", "attention among the image tokens of a slice"),
          Map.entry("positions", "positions of the pruned sequence"),
          Map.entry("deepStack", "DeepStack rows of merged tokens (Qwen3-VL)"),
          Map.entry("resizing", "whose processor sizes the pictures"),
          Map.entry("maxGapSlices", "guard: keep at least every k-th slice; 0 is off"),
          Map.entry("maxGapMm", "guard: keep at least one slice per so many mm; 0 is off"),
          Map.entry(
              "patchGamma", "guard: keep a slice with a patch that differs by more; 0 is off"),
          Map.entry("minTokens", "least nucleus tokens per slice; 0 is off"),
          Map.entry("maxTokens", "most nucleus tokens per slice; 0 is off"),
          Map.entry("volumeMinTokens", "least nucleus tokens per volume; 0 is off"),
          Map.entry("volumeMaxTokens", "most nucleus tokens per volume; 0 is off"));

  private RunSection() {}

  static void write(Html h, Page page) {
    h.open("section", "id", "run", "aria-labelledby", "run-h");
    h.leaf("h2", "Policy and remarks", "id", "run-h").raw("\n");
    h.open("div", "class", "run-grid");
    policy(h, page.report().policy());
    h.open("div", "class", "notes");
    flags(h, page);
    howToRead(h);
    h.closeLine();
    h.closeLine();
    h.closeLine();
  }

  private static void policy(Html h, PruningPolicy policy) {
    String base = policy.name().replaceAll("\\++$", "");
    Optional<PruningPolicy> preset =
        PruningPolicy.presetNames().contains(base)
            ? Optional.of(PruningPolicy.preset(base))
            : Optional.empty();
    h.open("div", "class", "card scroll").open("table", "class", "policy");
    h.leaf("caption", "Policy, every field");
    h.open("thead").open("tr");
    h.leaf("th", "Field", "scope", "col").leaf("th", "Value", "scope", "col");
    h.leaf("th", "Meaning", "scope", "col").close().closeLine().open("tbody");
    for (RecordComponent c : PruningPolicy.class.getRecordComponents()) {
      String value = text(value(c, policy));
      String usual = preset.map(p -> text(value(c, p))).orElse(value);
      boolean changed = !c.getName().equals("name") && !usual.equals(value);
      h.open("tr", "class", changed ? "changed" : null);
      h.leaf("th", c.getName(), "scope", "row");
      h.open("td").text(value);
      if (changed) {
        h.text(" ").leaf("small", "(" + base + ": " + usual + ")");
      }
      h.close().leaf("td", MEANING.getOrDefault(c.getName(), ""), "class", "muted").closeLine();
    }
    h.close().close().closeLine();
  }

  private static @Nullable Object value(RecordComponent c, PruningPolicy policy) {
    try {
      return c.getAccessor().invoke(policy);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("policy field " + c.getName() + " cannot be read", e);
    }
  }

  private static String text(@Nullable Object value) {
    return switch (value) {
      case Boolean on -> on ? "on" : "off";
      case Double v -> Numbers.plain(v);
      case null -> "";
      default -> value.toString();
    };
  }

  private static void flags(Html h, Page page) {
    h.open("div", "class", "card");
    h.leaf("h3", "Flags");
    if (page.report().flags().isEmpty()) {
      h.leaf("p", "None.", "class", "muted");
    } else {
      h.open("ul", "class", "flags");
      page.report().flags().forEach(f -> h.leaf("li", f));
      h.close();
    }
    h.closeLine();
  }

  private static void howToRead(Html h) {
    h.open("div", "class", "card");
    h.leaf("h3", "How to read this page");
    h.open("dl", "class", "reading");
    entry(
        h,
        "Slice index",
        "Counts from 0 in the order the slices were presented; the table gives the index in the"
            + " file and the position in scanner millimetres where they are known.");
    entry(
        h,
        "Stage 1, anchoring",
        "Walks through the slices and drops those that differ from the last kept one by gamma or"
            + " less. It sees the mean over the whole slice: a small lesion may not move it.");
    entry(
        h,
        "Stage 2, nucleus",
        "Keeps, per slice, the tokens of highest attention until their weights reach tau of the"
            + " total. Nucleus mass is the share of those weights that was kept.");
    entry(
        h,
        "Contextual targets",
        "Evenly chosen among the remaining tokens; each takes in the mean of the merged tokens"
            + " most similar to it, so that background is summed up rather than lost.");
    entry(
        h,
        "Attention",
        "Shows where the encoder looked, not what the answer rests on, and is no measure of"
            + " medical relevance.");
    h.close();
    h.closeLine();
  }

  private static void entry(Html h, String term, String text) {
    h.leaf("dt", term).leaf("dd", text);
  }
}
