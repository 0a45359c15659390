package org.medpruner.cli;

import java.util.Locale;
import org.medpruner.NucleusSelect;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.ComputeType;
import org.medpruner.vlm.PromptLayout;
import org.medpruner.vlm.Words;
import org.medpruner.volume.Axis;
import org.medpruner.volume.Modality;
import picocli.CommandLine;

/** Lets enums be written as words, "kept-slices". */
final class EnumWords {
  private EnumWords() {}

  /** Registers every enum that an option has. */
  static void register(CommandLine commands) {
    words(commands, Axis.class);
    words(commands, Modality.class);
    words(commands, PromptLayout.class);
    words(commands, Main.ProgressKind.class);
    words(commands, ModelOptions.DeviceName.class);
    words(commands, ComputeType.class);
    words(commands, PruningPolicy.EncoderScope.class);
    words(commands, NucleusSelect.Score.class);
    words(commands, PruningPolicy.PatchPooling.class);
    words(commands, PruningPolicy.DroppedSlice.class);
    words(commands, PruningPolicy.ImageMask.class);
    words(commands, PruningPolicy.Positions.class);
    words(commands, PruningPolicy.DeepStack.class);
    words(commands, PruningPolicy.Resizing.class);
  }

  private static <E extends Enum<E>> void words(CommandLine commands, Class<E> type) {
    commands.registerConverter(
        type,
        text ->
            Words.value(type, text.toLowerCase(Locale.ROOT))
                .orElseThrow(
                    () ->
                        new CommandLine.TypeConversionException(
                            "use one of " + String.join(", ", Words.all(type)))));
  }
}
