package org.medpruner.eval;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;
import org.apache.commons.csv.CSVFormat;
import org.apache.commons.csv.CSVParser;
import org.apache.commons.csv.CSVRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.function.Executable;
import org.medpruner.InputException;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.vlm.GenerationOptions;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.PromptLayout;

/** Benchmarks in miniature, in the layouts of the real ones. */
public final class TestData {
  private TestData() {}

  /** Writes a text file, with its folders. */
  public static Path text(Path file, String text) {
    try {
      Files.createDirectories(file.getParent());
      return Files.writeString(file, text, UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A square grey picture of one level. */
  public static void picture(Path file, int side, int level) {
    BufferedImage image = new BufferedImage(side, side, BufferedImage.TYPE_BYTE_GRAY);
    for (int i = 0; i < side * side; i++) {
      image.getRaster().setSample(i % side, i / side, 0, level);
    }
    try {
      Files.createDirectories(file.getParent());
      assertTrue(ImageIO.write(image, "png", file.toFile()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A float32 array as {@code numpy.save} writes it. */
  public static void npy(Path file, String shape, float... values) {
    String header = "{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }";
    ByteBuffer b = ByteBuffer.allocate(128 + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    b.put((byte) 0x93).put("NUMPY\1\0".getBytes(StandardCharsets.US_ASCII)).putShort((short) 118);
    b.put(header.getBytes(StandardCharsets.US_ASCII));
    while (b.position() < 127) {
      b.put((byte) ' ');
    }
    b.put((byte) '\n');
    for (float v : values) {
      b.putFloat(v);
    }
    write(file, b.array());
  }

  /** A NIfTI-1 file of int16 planes, each of one value, presented from the last to the first. */
  public static void nifti(Path file, int side, int... levels) {
    write(file, nifti(side, levels));
  }

  /** The same, packed. */
  public static void niftiGz(Path file, int side, int... levels) {
    ByteArrayOutputStream packed = new ByteArrayOutputStream();
    try (GZIPOutputStream gz = new GZIPOutputStream(packed)) {
      gz.write(nifti(side, levels));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    write(file, packed.toByteArray());
  }

  private static byte[] nifti(int side, int... levels) {
    ByteBuffer b =
        ByteBuffer.allocate(352 + 2 * side * side * levels.length).order(ByteOrder.LITTLE_ENDIAN);
    b.putInt(0, 348);
    short[] dim = {3, (short) side, (short) side, (short) levels.length, 1, 1, 1, 1};
    for (int i = 0; i < 8; i++) {
      b.putShort(40 + 2 * i, dim[i]);
      b.putFloat(76 + 4 * i, 1);
    }
    b.putShort(70, (short) 4).putShort(72, (short) 16).putFloat(108, 352).putShort(254, (short) 1);
    for (int row = 0; row < 3; row++) {
      b.putFloat(280 + 16 * row + 4 * row, 1);
    }
    b.put(344, "n+1\0".getBytes(StandardCharsets.US_ASCII));
    b.position(352);
    for (int level : levels) {
      for (int i = 0; i < side * side; i++) {
        b.putShort((short) level);
      }
    }
    return b.array();
  }

  /** An entry of the published evaluation's lists; {@code more} begins with a comma. */
  public static String entry(String video, String question, String answer, String more) {
    return "{\"video\": [\""
        + video
        + "\"], \"conversations\": [{\"from\": \"human\", \"value\": \""
        + question
        + "\"}, {\"from\": \"gpt\", \"value\": \""
        + answer
        + "\"}]"
        + more
        + "}";
  }

  /** A JSON list. */
  public static Path json(Path file, String... entries) {
    return text(file, "[" + String.join(",\n", entries) + "]");
  }

  /** The rows of a table with a head. */
  public static List<CSVRecord> csv(Path file) {
    CSVFormat format = CSVFormat.RFC4180.builder().setHeader().setSkipHeaderRecord(true).get();
    try (CSVParser rows = CSVParser.parse(file, UTF_8, format)) {
      return rows.getRecords();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The cells of a report's results.csv by "setting|kind|category|column". */
  public static Map<String, String> results(Path file) {
    Map<String, String> cells = new HashMap<>();
    for (CSVRecord r : csv(file)) {
      String key = r.get("setting") + "|" + r.get("kind") + "|" + r.get("category") + "|";
      r.toMap().forEach((column, cell) -> cells.put(key + column, cell));
    }
    return cells;
  }

  private static void write(Path file, byte[] bytes) {
    try {
      Files.createDirectories(file.getParent());
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The message of the refusal: one line. */
  public static String refusal(Executable action) {
    String message =
        String.valueOf(Assertions.assertThrows(InputException.class, action).getMessage());
    assertEquals(1, message.lines().count(), message);
    return message;
  }

  /** A plan under construction: each case sets the one thing that it is about. */
  public static final class Plan {
    private final Benchmark benchmark;
    private final Path data;
    private final Path out;
    private List<Setting> settings = List.of(Setting.OFF);
    private @Nullable Path model;
    private int limit;
    private int maxImages = 85;
    private GenerationOptions generation = new GenerationOptions(3, PromptLayout.GOOGLE);
    private String version = "test";

    /** Of all samples, with the demo model and {@code off} alone, three tokens an answer. */
    public Plan(Benchmark benchmark, Path data, Path out) {
      this.benchmark = benchmark;
      this.data = data;
      this.out = out;
    }

    /** {@code off} first. */
    public Plan settings(Setting... all) {
      settings = List.of(all);
      return this;
    }

    /** Instead of the demo model. */
    public Plan model(Path folder) {
      model = folder;
      return this;
    }

    /** Most samples. */
    public Plan limit(int samples) {
      limit = samples;
      return this;
    }

    /** Most slices. */
    public Plan maxImages(int slices) {
      maxImages = slices;
      return this;
    }

    /** How to answer. */
    public Plan generation(int maxNewTokens, PromptLayout layout) {
      generation = new GenerationOptions(maxNewTokens, layout);
      return this;
    }

    /** Of the program. */
    public Plan version(String name) {
      version = name;
      return this;
    }

    /** The plan; skips the test where there is no demo model. */
    public EvaluationPlan build() {
      return new EvaluationPlan(
          benchmark,
          data,
          model == null ? demoModel() : model,
          LoadOptions.DEFAULT,
          settings,
          limit,
          1,
          maxImages,
          generation,
          out,
          version);
    }
  }

  /** The checkpoint that comes with the sources. */
  public static Path demoModel() {
    String root = System.getenv("MEDPRUNER_ROOT");
    Path demo =
        Path.of(root == null ? "../.." : root).toAbsolutePath().normalize().resolve("models/demo");
    boolean there = Files.exists(demo.resolve("config.json"));
    if (!there) {
      System.out.println("skipped: no demo checkpoint at " + demo);
    }
    assumeTrue(there, "no demo checkpoint at " + demo);
    return demo;
  }
}
