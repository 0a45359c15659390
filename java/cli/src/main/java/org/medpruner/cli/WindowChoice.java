package org.medpruner.cli;

import org.medpruner.volume.Window;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** How values become grey, as {@code --window} says. */
sealed interface WindowChoice {
  /** One by name. */
  enum Named implements WindowChoice {
    GOOGLE,
    REFERENCE,
    HULU
  }

  /** LOW,HIGH. */
  record Edges(Window window) implements WindowChoice {}

  /** From the option's text. */
  final class Converter implements ITypeConverter<WindowChoice> {
    @Override
    public WindowChoice convert(String value) {
      String text = value.strip();
      for (Named named : Named.values()) {
        if (named.name().equalsIgnoreCase(text)) {
          return named;
        }
      }
      String[] edges = text.split(",", -1);
      if (edges.length != 2) {
        throw new TypeConversionException("use google, reference, hulu or LOW,HIGH");
      }
      try {
        return new Edges(new Window(Double.parseDouble(edges[0]), Double.parseDouble(edges[1])));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException("LOW,HIGH must be two finite numbers, low < high");
      }
    }
  }
}
