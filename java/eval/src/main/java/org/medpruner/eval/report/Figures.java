package org.medpruner.eval.report;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.Setting;

/**
 * Every number of a report, computed once: lines of {@code results.csv}, from which the page and
 * the Markdown file take theirs.
 */
final class Figures {
  /** Category of figures over all samples. */
  static final String ALL = "(all)";

  /** Category of means over categories, each weighing the same. */
  static final String CATEGORY_MEAN = "(category mean)";

  /** Kind of figures that no kind of question has for itself, such as costs. */
  static final String ANY = "any";

  private final Map<Key, Row> rows = new LinkedHashMap<>();

  /**
   * What a row is about.
   *
   * @param setting {@link Setting#name}
   * @param kind "closed", "open", "report", {@link LesionFigures#KIND} or {@link #ANY}
   * @param category of the samples, {@link #ALL} or {@link #CATEGORY_MEAN}
   */
  record Key(String setting, String kind, String category) {}

  /**
   * Figures by column; what is not known is not there.
   *
   * @param setting whose
   * @param key which
   * @param values column to value
   */
  record Row(Setting setting, Key key, Map<String, Double> values) {
    /** A figure, NaN when it is not known. */
    double get(String column) {
      return values.getOrDefault(column, Double.NaN);
    }

    boolean has(String column) {
      return values.containsKey(column);
    }

    /** Adds a figure, unless it is not finite. */
    Row put(String column, double value) {
      if (Double.isFinite(value)) {
        values.put(column, value);
      }
      return this;
    }
  }

  /** The row of a setting, made when it is not there. */
  Row row(Setting setting, String kind, String category) {
    return rows.computeIfAbsent(
        new Key(setting.name(), kind, category), k -> new Row(setting, k, new LinkedHashMap<>()));
  }

  /** The row over all samples of a kind. */
  Row all(Setting setting, Kind kind) {
    return row(setting, word(kind), ALL);
  }

  /** The row of counts and costs. */
  Row costs(Setting setting) {
    return row(setting, ANY, ALL);
  }

  List<Row> rows() {
    return List.copyOf(rows.values());
  }

  /** All columns that any row has, in the order they were first put. */
  Set<String> columns() {
    Set<String> columns = new LinkedHashSet<>();
    rows.values().forEach(r -> columns.addAll(r.values().keySet()));
    return Collections.unmodifiableSet(columns);
  }

  /** Categories of a kind in their order. */
  List<String> categories(Kind kind) {
    return categories(word(kind));
  }

  /** Categories of a row's kind in their order. */
  List<String> categories(String kind) {
    Set<String> categories = new LinkedHashSet<>();
    for (Key k : rows.keySet()) {
      if (k.kind().equals(kind) && !k.category().startsWith("(")) {
        categories.add(k.category());
      }
    }
    return new ArrayList<>(categories);
  }

  /** "closed" for CLOSED. */
  static String word(Kind kind) {
    return switch (kind) {
      case CLOSED -> "closed";
      case OPEN -> "open";
      case REPORT -> "report";
    };
  }
}
