package org.medpruner.vlm;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.medpruner.vlm.checkpoint.Architecture;
import org.medpruner.vlm.engine.ChatModel;
import org.medpruner.vlm.engine.ModelFamily;
import org.medpruner.vlm.engine.Pipeline;
import org.medpruner.vlm.gemma.GemmaChat;
import org.medpruner.vlm.gemma.GemmaConfig;
import org.medpruner.vlm.gemma.GemmaFamily;
import org.medpruner.vlm.hulu.HuluChat;
import org.medpruner.vlm.hulu.HuluConfig;
import org.medpruner.vlm.hulu.HuluFamily;
import org.medpruner.vlm.prompt.ChatFormat;
import org.medpruner.vlm.qwen.QwenChat;
import org.medpruner.vlm.qwen.QwenConfig;
import org.medpruner.vlm.qwen.QwenFamily;

/** Picks the model family from a checkpoint's {@code config.json}. */
final class ModelLoader {
  @FunctionalInterface
  private interface FamilyLoader {
    ModelFamily load(Path folder, LoadOptions options, Progress progress);
  }

  @FunctionalInterface
  private interface ChatLoader {
    ChatFormat load(Path folder);
  }

  /** A family: how its configurations call it, its networks and its text side. */
  private record Entry(List<String> modelTypes, FamilyLoader family, ChatLoader chat) {}

  private static final Map<String, Entry> FAMILIES =
      Map.of(
          GemmaConfig.ARCHITECTURE,
          new Entry(List.of("gemma3"), GemmaFamily::load, GemmaChat::load),
          QwenConfig.ARCHITECTURE,
          new Entry(List.of("qwen3_vl"), QwenFamily::load, QwenChat::load),
          HuluConfig.QWEN2,
          new Entry(List.of("hulumed_qwen2"), HuluFamily::load, HuluChat::load),
          HuluConfig.QWEN3,
          new Entry(List.of("hulumed_qwen3"), HuluFamily::load, HuluChat::load));

  private ModelLoader() {}

  private static Entry entry(Path folder) {
    Map<String, List<String>> known = new LinkedHashMap<>();
    FAMILIES.forEach((name, entry) -> known.put(name, entry.modelTypes()));
    Entry entry = FAMILIES.get(Architecture.of(folder, known));
    if (entry == null) {
      throw new IllegalStateException("a family without a loader");
    }
    return entry;
  }

  static VisionLanguageModel load(Path folder, LoadOptions options, Progress progress) {
    // Says what is wrong with an unknown architecture before anything else is looked for; and with
    // a tokenizer before gigabytes of weights are.
    Entry entry = entry(folder);
    ChatFormat chat = entry.chat().load(folder);
    boolean ok = false;
    try {
      ChatModel model =
          new ChatModel(
              new Pipeline(entry.family().load(folder, options, progress), options), chat);
      ok = true;
      return model;
    } finally {
      if (!ok) {
        chat.close();
      }
    }
  }

  static TokenModel loadTokenModel(Path folder, LoadOptions options, Progress progress) {
    return new Pipeline(entry(folder).family().load(folder, options, progress), options);
  }
}
