package org.medpruner.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Checkpoints that cannot be used: one line, exit code 2, nothing written. */
class BadModelTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String WEIGHTS = "model.safetensors";

  @TempDir Path folder;
  private Path model = Path.of("");

  /** A good copy to spoil. */
  @BeforeEach
  void copy() throws IOException {
    model = Files.createDirectory(folder.resolve("checkpoint"));
    try (Stream<Path> files = Files.list(TestVolumes.demoModel())) {
      for (Path f : files.filter(Files::isRegularFile).toList()) {
        Files.copy(f, model.resolve(f.getFileName()));
      }
    }
  }

  private void assertRefused(String... named) throws IOException {
    Path out = folder.resolve("out");
    CliRun.of(
            "ask",
            "--model",
            model.toString(),
            "--volume",
            TestVolumes.phantom(2).toString(),
            "--question",
            "Which organ contains the lesion?",
            "--max-slices",
            "4",
            "--json",
            out.resolve("audit.json").toString(),
            "--report",
            out.toString())
        .assertBadInput(named);
    assertEquals(List.of(), CliRun.filesUnder(out), "written although it failed");
  }

  private void spoilConfig(Consumer<ObjectNode> change) throws IOException {
    Path file = model.resolve("config.json");
    ObjectNode config = (ObjectNode) JSON.readTree(file.toFile());
    change.accept(config);
    Files.writeString(file, config.toString());
  }

  /** Rewrites the header of the weights; the data behind it stays. */
  private void spoilHeader(Consumer<ObjectNode> change) throws IOException {
    Path file = model.resolve(WEIGHTS);
    byte[] bytes = Files.readAllBytes(file);
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    ObjectNode header =
        (ObjectNode) JSON.readTree(new String(bytes, 8, length, StandardCharsets.UTF_8));
    change.accept(header);
    byte[] text = header.toString().getBytes(StandardCharsets.UTF_8);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(text.length).array());
    out.write(text);
    out.write(bytes, 8 + length, bytes.length - 8 - length);
    Files.write(file, out.toByteArray());
  }

  private void spoilWeights(long headerLength) throws IOException {
    Path file = model.resolve(WEIGHTS);
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(headerLength);
    Files.write(file, bytes);
  }

  private static ObjectNode tensor(ObjectNode header, int number) {
    List<String> names =
        header
            .propertyStream()
            .map(java.util.Map.Entry::getKey)
            .filter(n -> !n.equals("__metadata__"))
            .toList();
    return (ObjectNode) header.get(names.get(number));
  }

  @Test
  void missingFolder() throws IOException {
    model = folder.resolve("nowhere");
    assertRefused("nowhere");
    model = Files.writeString(folder.resolve("a-file"), "x");
    assertRefused("a-file");
  }

  @Test
  void missingConfig() throws IOException {
    Files.delete(model.resolve("config.json"));
    assertRefused("config.json");
  }

  @Test
  void missingTokenizer() throws IOException {
    Files.delete(model.resolve("tokenizer.json"));
    assertRefused("tokenizer.json");
  }

  @Test
  void missingWeights() throws IOException {
    Files.delete(model.resolve(WEIGHTS));
    assertRefused(WEIGHTS);
  }

  @Test
  void missingShard() throws IOException {
    Files.delete(model.resolve(WEIGHTS));
    Files.writeString(
        model.resolve(WEIGHTS + ".index.json"),
        "{\"metadata\":{},\"weight_map\":{\"a.weight\":\"model-00001-of-00002.safetensors\"}}");
    assertRefused("model-00001-of-00002.safetensors");
  }

  @Test
  void truncatedWeights() throws IOException {
    byte[] bytes = Files.readAllBytes(model.resolve(WEIGHTS));
    for (int length : new int[] {0, 5, 100, bytes.length / 2, bytes.length - 1}) {
      Files.write(model.resolve(WEIGHTS), Arrays.copyOf(bytes, length));
      assertRefused(WEIGHTS);
    }
  }

  @Test
  void absurdHeaderLength() throws IOException {
    for (long length : new long[] {-1, Long.MAX_VALUE, 1L << 40, 1, 0}) {
      spoilWeights(length);
      assertRefused(WEIGHTS);
    }
  }

  @Test
  void offsetsBeyondTheFile() throws IOException {
    spoilHeader(h -> tensor(h, 0).putArray("data_offsets").add(1L << 40).add((1L << 40) + 4));
    assertRefused(WEIGHTS);
  }

  @Test
  void overlappingTensors() throws IOException {
    spoilHeader(h -> tensor(h, 1).set("data_offsets", tensor(h, 0).get("data_offsets")));
    assertRefused(WEIGHTS);
  }

  @Test
  void shapeThatDoesNotFitTheBytes() throws IOException {
    spoilHeader(h -> tensor(h, 0).putArray("shape").add(3).add(5));
    assertRefused(WEIGHTS);
  }

  @Test
  void shapeThatDoesNotFitTheConfig() throws IOException {
    spoilConfig(c -> ((ObjectNode) c.get("text_config")).put("hidden_size", 64));
    assertRefused();
  }

  @Test
  void unknownArchitecture() throws IOException {
    spoilConfig(
        c -> {
          c.putArray("architectures").add("FourierNetForVolumes");
          c.put("model_type", "fouriernet");
        });
    assertRefused("FourierNetForVolumes");
  }

  @Test
  void configThatIsNotJson() throws IOException {
    Files.writeString(model.resolve("config.json"), "{\"architectures\": [");
    assertRefused("config.json");
  }

  @Test
  void promptLongerThanTheContext() throws IOException {
    spoilConfig(c -> ((ObjectNode) c.get("text_config")).put("max_position_embeddings", 32));
    assertRefused("context");
  }
}
