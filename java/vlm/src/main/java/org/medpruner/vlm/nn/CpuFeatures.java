package org.medpruner.vlm.nn;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/** What this machine's processor can do beyond what every x86-64 can. */
final class CpuFeatures {
  private static final class Holder {
    static final boolean BF16 = hasBf16Products(flags());
  }

  private CpuFeatures() {}

  /** Whether it has instructions that multiply and add bfloat16; false where Linux does not say. */
  static boolean bf16Products() {
    return Holder.BF16;
  }

  static boolean hasBf16Products(List<String> flags) {
    return flags.contains("avx512_bf16") || flags.contains("amx_bf16");
  }

  private static List<String> flags() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        if (line.startsWith("flags")) {
          return Arrays.asList(line.substring(line.indexOf(':') + 1).strip().split(" "));
        }
      }
      return List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
