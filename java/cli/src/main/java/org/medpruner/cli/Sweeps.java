package org.medpruner.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Setting;
import picocli.CommandLine;

/** Presets and the points of sweeps around them, as the settings of an evaluation. */
final class Sweeps {
  private static final String OPTION = "--sweep";

  private Sweeps() {}

  /**
   * The baseline, and of each other preset itself and every combination of the swept values. What
   * equals a setting that is there already is left out.
   *
   * @param sweeps "gamma=0.02,0.05": names as of the options of {@code ask}
   * @throws IllegalArgumentException naming what cannot be used
   */
  static List<Setting> settings(List<String> presets, List<String> sweeps) {
    Map<String, List<String>> values = new LinkedHashMap<>();
    for (String sweep : sweeps) {
      parse(sweep, values);
    }
    Map<PruningPolicy, Setting> settings = new LinkedHashMap<>();
    settings.put(Setting.OFF.policy(), Setting.OFF);
    for (String name : presets) {
      Setting preset = Setting.of(PruningPolicy.preset(name));
      settings.putIfAbsent(preset.policy(), preset);
      // Nothing of the baseline prunes, whatever the thresholds.
      if (!preset.equals(Setting.OFF)) {
        for (Map<String, String> point : points(values)) {
          Setting s = at(name, point);
          settings.putIfAbsent(s.policy(), s);
        }
      }
    }
    if (!sweeps.isEmpty() && settings.values().stream().allMatch(s -> s.equals(Setting.OFF))) {
      throw new IllegalArgumentException(
          OPTION + " needs a preset to sweep around; add --preset paper");
    }
    return List.copyOf(settings.values());
  }

  private static void parse(String sweep, Map<String, List<String>> values) {
    int equals = sweep.indexOf('=');
    String key = equals < 0 ? "" : sweep.substring(0, equals).strip();
    List<String> list =
        equals < 0
            ? List.of()
            : List.of(sweep.substring(equals + 1).strip().split("\\s*,\\s*", -1));
    if (key.isEmpty() || list.contains("")) {
      throw new IllegalArgumentException(
          OPTION + " = " + sweep + ", but it must be NAME=VALUE,VALUE,...; such as gamma=0.02,0.1");
    }
    if (!keys().contains(key)) {
      throw new IllegalArgumentException(
          OPTION + " = " + sweep + ": " + key + " is none of " + String.join(", ", keys()));
    }
    if (values.put(key, list) != null) {
      throw new IllegalArgumentException(
          OPTION + " " + key + " is given twice; put all its values into one list");
    }
  }

  /** Every combination; none when nothing is swept. */
  private static List<Map<String, String>> points(Map<String, List<String>> values) {
    List<Map<String, String>> points = List.of(Map.of());
    for (Map.Entry<String, List<String>> e : values.entrySet()) {
      List<Map<String, String>> more = new ArrayList<>();
      for (Map<String, String> point : points) {
        for (String value : e.getValue()) {
          Map<String, String> extended = new LinkedHashMap<>(point);
          extended.put(e.getKey(), value);
          more.add(extended);
        }
      }
      points = more;
    }
    return values.isEmpty() ? List.of() : points;
  }

  private static Setting at(String preset, Map<String, String> point) {
    PolicyOptions options = new PolicyOptions();
    String text =
        point.entrySet().stream()
            .map(e -> e.getKey() + "=" + e.getValue())
            .collect(Collectors.joining(" "));
    List<String> arguments = new ArrayList<>(List.of("--preset=" + preset));
    point.forEach((key, value) -> arguments.add("--" + key + "=" + value));
    try {
      CommandLine parser = new CommandLine(options);
      EnumWords.register(parser);
      parser.parseArgs(arguments.toArray(new String[0]));
      return new Setting(preset + " " + text, preset, options.policy());
    } catch (CommandLine.ParameterException | IllegalArgumentException e) {
      throw new IllegalArgumentException(OPTION + " " + text + ": " + e.getMessage(), e);
    }
  }

  /** What can be swept: the options of a policy. */
  static List<String> keys() {
    return CommandLine.Model.CommandSpec.forAnnotatedObject(new PolicyOptions()).options().stream()
        .map(o -> o.longestName().substring(2))
        .filter(name -> !name.equals("preset"))
        .toList();
  }
}
