package org.medpruner.bench;

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
}
