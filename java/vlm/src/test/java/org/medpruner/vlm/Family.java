package org.medpruner.vlm;

import java.io.IOException;
import java.nio.file.Path;
import org.medpruner.vlm.fixtures.TinyGemma;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.gemma.GemmaChat;
import org.medpruner.vlm.hulu.HuluChat;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.qwen.QwenChat;

/** A family, for tests that are the same for all of them. */
enum Family {
  GEMMA("medgemma"),
  QWEN("qwen3vl"),
  HULU("hulu");

  /** Folder of the golden checkpoint. */
  final String golden;

  Family(String golden) {
    this.golden = golden;
  }

  /** Writes a tiny checkpoint. */
  Path tiny(Path folder) throws IOException {
    return switch (this) {
      case GEMMA -> TinyGemma.write(folder);
      case QWEN -> TinyQwen.write(folder);
      case HULU -> TinyHulu.write(folder);
    };
  }

  /** The text side of a checkpoint folder. */
  ChatFormat chat(Path folder) {
    return switch (this) {
      case GEMMA -> GemmaChat.load(folder);
      case QWEN -> QwenChat.load(folder);
      case HULU -> HuluChat.load(folder);
    };
  }
}
