package org.medpruner.bench.lesion;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@link LesionStudy} was asked for.
 *
 * @param lesions of each diameter and contrast
 * @param seed of their places
 * @param volumes to insert them into
 */
record LesionOptions(int lesions, long seed, List<Volume> volumes) {
  private static final String KNOWN =
      "expected --lesions, --seed, --max-slices, --ct or a volume's file or folder";

  /**
   * A volume and how it is shown.
   *
   * @param path file or folder
   * @param ct whether in CT windows, else from least to greatest value
   * @param mostSlices that are sampled of it
   */
  record Volume(Path path, boolean ct, int mostSlices) {}

  /** Copies the volumes. */
  LesionOptions {
    volumes = List.copyOf(volumes);
  }

  /**
   * Reads a command line, and looks whether the volumes are there.
   *
   * @throws IllegalArgumentException naming the argument at fault
   */
  static LesionOptions parse(String... arguments) {
    int lesions = 20;
    long seed = 1;
    int most = 85; // as many as MedGemma 1.5 takes
    boolean ct = false;
    String open = ""; // an option that no volume has followed yet
    List<Volume> volumes = new ArrayList<>();
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i];
      switch (name) {
        case "--lesions" -> lesions = (int) number(arguments, i++, 1, Integer.MAX_VALUE);
        case "--seed" -> seed = number(arguments, i++, Long.MIN_VALUE, Long.MAX_VALUE);
        case "--max-slices" -> {
          most = (int) number(arguments, i++, 1, Integer.MAX_VALUE);
          open = name;
        }
        case "--ct" -> {
          ct = true;
          open = name;
        }
        default -> {
          volumes.add(new Volume(existing(name), ct, most));
          open = "";
        }
      }
    }
    if (!open.isEmpty()) {
      // Else the volumes before it would be shown in another way than was meant, without a word.
      throw new IllegalArgumentException(
          open + " is for the volumes behind it, and there is none; name it before them");
    }
    if (volumes.isEmpty()) {
      throw new IllegalArgumentException("name at least one volume");
    }
    return new LesionOptions(lesions, seed, volumes);
  }

  private static Path existing(String name) {
    if (name.startsWith("-")) {
      throw new IllegalArgumentException(name + " is unknown; " + KNOWN);
    }
    Path path = Path.of(name);
    if (!Files.exists(path)) {
      throw new IllegalArgumentException(name + " does not exist");
    }
    return path;
  }

  private static long number(String[] arguments, int at, long least, long most) {
    String name = arguments[at];
    if (at + 1 == arguments.length) {
      throw new IllegalArgumentException(name + " needs a value");
    }
    String value = arguments[at + 1];
    try {
      long n = Long.parseLong(value);
      if (n >= least && n <= most) {
        return n;
      }
    } catch (NumberFormatException e) {
      // Said below.
    }
    throw new IllegalArgumentException(
        name + " is \"" + value + "\", expected a whole number" + (least == 1 ? " from 1 on" : ""));
  }
}
