package org.medpruner.vlm;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * The words that stand for enum values outside Java, "kept-slices" for KEPT_SLICES: in audit
 * records, on the command line, over HTTP and in results, which have to agree.
 */
public final class Words {
  private Words() {}

  /**
   * The word of a value.
   *
   * @param value of any enum
   * @return its name in lower case, with hyphens
   */
  public static String of(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * All words of an enum.
   *
   * @param type an enum
   * @return one word for each value, in their order
   */
  public static List<String> all(Class<? extends Enum<?>> type) {
    return Stream.of(type.getEnumConstants()).map(Words::of).toList();
  }

  /**
   * The value that a word stands for.
   *
   * @param <E> the enum
   * @param type an enum
   * @param word as {@link #of} writes it
   * @return the value, or nothing if none has that word
   */
  public static <E extends Enum<E>> Optional<E> value(Class<E> type, String word) {
    return Stream.of(type.getEnumConstants()).filter(v -> of(v).equals(word)).findFirst();
  }
}
