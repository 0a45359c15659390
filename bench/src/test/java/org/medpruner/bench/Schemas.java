package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.networknt.schema.Error;
import com.networknt.schema.InputFormat;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The formats of results files, {@code bench/*.schema.json}, which refer to one another. */
public final class Schemas {
  private static final Path FOLDER = Path.of(System.getenv("MEDPRUNER_ROOT"), "bench");
  private static final String BASE = "https://medpruner.invalid/";

  private Schemas() {}

  /** What is wrong with a file's text by the schema of a name, "cost". */
  public static List<Error> validate(String name, String text) throws IOException {
    Map<String, String> schemas = new HashMap<>();
    try (DirectoryStream<Path> files = Files.newDirectoryStream(FOLDER, "*.schema.json")) {
      for (Path file : files) {
        schemas.put(BASE + file.getFileName(), Files.readString(file));
      }
    }
    return SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12, builder -> builder.schemas(schemas))
        .getSchema(SchemaLocation.of(BASE + name + ".schema.json"))
        .validate(text, InputFormat.JSON);
  }

  /**
   * The files in a folder of {@code bench/results}, by name. A test that wants them is skipped
   * while there is no such folder.
   */
  public static List<Path> committed(String folder) throws IOException {
    Path results = FOLDER.resolve("results").resolve(folder);
    assumeTrue(Files.isDirectory(results), "no bench/results/" + folder + " is committed yet");
    try (Stream<Path> files = Files.list(results)) {
      return files.sorted().toList();
    }
  }

  /** Checks those against the schema of a name. */
  public static void assertCommittedFollow(String name, String folder) throws IOException {
    for (Path file : committed(folder)) {
      assertEquals(List.of(), validate(name, Files.readString(file)), file.toString());
    }
  }
}
