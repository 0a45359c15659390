package org.medpruner.internal.ffm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodType;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * What GraalVM's native-image must be told holds every downcall of the binding and no other: a
 * missing one would fail in the image alone, where no test of this project runs.
 */
class ReachabilityMetadataTest {
  private static final String FILE =
      "META-INF/native-image/org.medpruner/medpruner-core/reachability-metadata.json";

  @Test
  void listsEveryDowncall() throws Exception {
    TreeSet<String> calls = new TreeSet<>();
    // The ABI version, asked before the classes below may load.
    calls.add(line(MethodType.methodType(int.class)));
    for (Class<?> holder :
        List.of(
            NativeCalls.class,
            OpHandles.class,
            Class.forName(ProcessExit.class.getName() + "$Exit"))) {
      for (Field field : holder.getDeclaredFields()) {
        if (field.getType() == MethodHandle.class) {
          field.setAccessible(true);
          MethodHandle handle = (MethodHandle) field.get(null);
          assertNotNull(handle, field.toString());
          calls.add(line(handle.type()));
        }
      }
    }
    String expected =
        """
        {
          "resources": [
            { "glob": "META-INF/native/*/*" },
            { "glob": "org/medpruner/version.properties" }
          ],
          "foreign": {
            "downcalls": [
        %s
            ]
          }
        }
        """
            .formatted(String.join(",\n", calls));
    assertEquals(expected, committed());
  }

  private static String committed() throws IOException {
    try (InputStream in = NativeCalls.class.getClassLoader().getResourceAsStream(FILE)) {
      assertNotNull(in, FILE);
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static String line(MethodType type) {
    return "      { \"returnType\": \"%s\", \"parameterTypes\": [%s] }"
        .formatted(
            name(type.returnType()),
            type.parameterList().stream()
                .map(t -> "\"" + name(t) + "\"")
                .collect(Collectors.joining(", ")));
  }

  /** GraalVM's name of the layout behind a carrier. */
  private static String name(Class<?> carrier) {
    if (carrier == MemorySegment.class) {
      return "void*";
    }
    return carrier == void.class ? "void" : "j" + carrier.getName();
  }
}
