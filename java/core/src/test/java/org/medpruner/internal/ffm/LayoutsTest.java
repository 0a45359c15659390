package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.StructLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.MedPruner;
import org.medpruner.MedPrunerCudaException;
import org.medpruner.MedPrunerException;
import org.medpruner.MedPrunerOutOfMemoryException;
import org.medpruner.MedPrunerUnavailableException;

/** The binding against the C headers. */
class LayoutsTest {
  @TempDir Path folder;

  private static Path include() {
    String root = System.getenv("MEDPRUNER_ROOT");
    return Path.of(root == null ? "../.." : root).resolve("native/include").toAbsolutePath();
  }

  private static String cName(StructLayout struct) {
    return struct.name().orElseThrow();
  }

  /** Every size and offset as Java has it, asserted by the C compiler. */
  @Test
  void structsAreLaidOutAsInTheHeaders() throws Exception {
    StringBuilder c = new StringBuilder("#include <stddef.h>\n#include <medpruner/medpruner.h>\n");
    for (StructLayout s : Layouts.all()) {
      c.append(same("sizeof(" + cName(s) + ")", s.byteSize()));
      for (MemoryLayout member : s.memberLayouts()) {
        String field = member.name().orElseThrow();
        String of = "(" + cName(s) + ", " + field + ")";
        c.append(same("offsetof" + of, Layouts.offset(s, field)));
        c.append(same("sizeof(((" + cName(s) + "*)0)->" + field + ")", member.byteSize()));
      }
    }
    c.append("int main(void) { return 0; }\n");
    Path source = Files.writeString(folder.resolve("layouts.c"), c.toString());
    assumeTrue(
        ChildJvm.compile(
            source, folder.resolve("layouts"), "-std=c11", "-Wall", "-Werror", "-I" + include()),
        "no C compiler");
  }

  private static String same(String expression, long value) {
    return "_Static_assert(" + expression + " == " + value + ", \"" + expression + "\");\n";
  }

  private static int constant(String name) throws IOException {
    try (var files = Files.walk(include())) {
      for (Path header : files.filter(Files::isRegularFile).toList()) {
        Matcher m =
            Pattern.compile("\\b" + name + "\\s*=?\\s*(\\d+)").matcher(Files.readString(header));
        if (m.find()) {
          return Integer.parseInt(m.group(1));
        }
      }
    }
    throw new AssertionError("no constant " + name);
  }

  @Test
  void constantsAreThoseOfTheHeaders() throws IOException {
    assertEquals(constant("MEDPRUNER_ABI_MAJOR"), NativeLibrary.ABI_MAJOR);
    assertEquals(constant("MEDPRUNER_ANCHOR_DECIDE_ONLY"), NativeOps.ANCHOR_DECIDE_ONLY);
    assertEquals(constant("MEDPRUNER_ERR_INVALID_ARGUMENT"), Status.INVALID_ARGUMENT);
    assertEquals(constant("MEDPRUNER_ERR_UNSUPPORTED"), Status.UNSUPPORTED);
    assertEquals(constant("MEDPRUNER_ERR_OUT_OF_MEMORY"), Status.OUT_OF_MEMORY);
    assertEquals(constant("MEDPRUNER_ERR_BACKEND_UNAVAILABLE"), Status.BACKEND_UNAVAILABLE);
    assertEquals(constant("MEDPRUNER_ERR_CUDA"), Status.CUDA);
    assertEquals(constant("MEDPRUNER_ERR_WORKSPACE_TOO_SMALL"), Status.WORKSPACE_TOO_SMALL);
    assertEquals(constant("MEDPRUNER_SEGMENT_NON_FINITE"), org.medpruner.SegmentFlags.NON_FINITE);
    assertEquals(
        constant("MEDPRUNER_SEGMENT_NEGATIVE_MASS"), org.medpruner.SegmentFlags.NEGATIVE_MASS);
    assertEquals(constant("MEDPRUNER_SEGMENT_ZERO_KEY"), org.medpruner.SegmentFlags.ZERO_KEY);
    assertEquals(constant("MEDPRUNER_SEGMENT_BAD_OFFSETS"), org.medpruner.SegmentFlags.BAD_OFFSETS);
    assertEquals(constant("MEDPRUNER_SEGMENT_CAPACITY"), org.medpruner.SegmentFlags.CAPACITY);
    assertEquals(constant("MEDPRUNER_ROLE_TARGET"), org.medpruner.ContextualMerge.ROLE_TARGET);
  }

  /** What the headers declare is what is bound; the status name is for C callers alone. */
  @Test
  void everyFunctionOfTheHeadersIsBound() throws IOException {
    Set<String> declared = new TreeSet<>();
    try (var files = Files.walk(include())) {
      for (Path header : files.filter(Files::isRegularFile).toList()) {
        Matcher m =
            Pattern.compile("MEDPRUNER_API [a-z0-9_ *]+[ *](medpruner_\\w+)\\(")
                .matcher(Files.readString(header));
        while (m.find()) {
          declared.add(m.group(1));
        }
      }
    }
    assertTrue(declared.remove("medpruner_status_name"));
    assertEquals(new TreeSet<>(NativeLibrary.FUNCTIONS), declared);
  }

  @Test
  void theThreadsOfTheCpuAreSetAndReset() {
    int before = MedPruner.cpuThreads();
    assertTrue(before >= 1 && before <= 256, "" + before);
    try {
      MedPruner.setCpuThreads(3);
      assertEquals(3, MedPruner.cpuThreads());
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> MedPruner.setCpuThreads(257));
      assertTrue(String.valueOf(e.getMessage()).startsWith("threads: "), e.getMessage());
      assertEquals(3, MedPruner.cpuThreads());
    } finally {
      MedPruner.setCpuThreads(0);
    }
    assertEquals(before, MedPruner.cpuThreads());
  }

  @Test
  void everyStatusHasItsException() {
    assertTrue(Status.exception(1, "x", 0) instanceof IllegalArgumentException);
    assertTrue(Status.exception(6, "x", 0) instanceof IllegalArgumentException);
    assertTrue(Status.exception(3, "x", 0) instanceof MedPrunerOutOfMemoryException);
    assertTrue(Status.exception(4, "x", 0) instanceof MedPrunerUnavailableException);
    RuntimeException cuda = Status.exception(5, "boom", 700);
    assertEquals(700, ((MedPrunerCudaException) cuda).code());
    assertEquals("boom", cuda.getMessage());
    for (int status : new int[] {2, 7, 99}) {
      assertTrue(Status.exception(status, "x", 0) instanceof MedPrunerException);
    }
  }

  @Test
  void theLibraryDescribesItself() {
    MedPruner.BuildInfo info = MedPruner.buildInfo();
    assertTrue(info.abi().matches(NativeLibrary.ABI_MAJOR + "\\.\\d+"), info.abi());
    assertTrue(info.version().matches("\\d+\\.\\d+\\.\\d+.*"), info.version());
    assertTrue(MedPruner.version().startsWith(info.version()), MedPruner.version());
    assertTrue(Files.isRegularFile(info.path()));
    assertTrue(!info.compiler().isEmpty());
    assertEquals(info.hasCuda(), info.cudaVersion() > 0);
    assertTrue(MedPruner.cpuIsa().matches("x86-64|avx2\\+fma|avx512|neon"), MedPruner.cpuIsa());
    if (MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable u) {
      assertTrue(!u.reason().isEmpty());
      MedPrunerUnavailableException e =
          assertThrows(
              MedPrunerUnavailableException.class,
              () -> org.medpruner.NativeBuffer.allocate(org.medpruner.Device.cuda(0), 16));
      assertTrue(!String.valueOf(e.getMessage()).isEmpty());
    }
  }
}
