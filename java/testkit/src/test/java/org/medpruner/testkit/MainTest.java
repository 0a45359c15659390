package org.medpruner.testkit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.medpruner.DType;
import org.medpruner.MedPruner;
import org.medpruner.testkit.targets.CpuTarget;
import org.medpruner.testkit.targets.CudaTarget;
import org.medpruner.testkit.targets.OracleTarget;

/** The command line: arguments, exit codes, files. */
class MainTest {
  /** A target with a defect, for exit code 1. */
  public static final class WrongTarget implements ConformanceTarget {
    /** Found by name. */
    public WrongTarget() {}

    @Override
    public boolean supports(Op op, DType dtype) {
      return op == Op.NUCLEUS_SELECT;
    }

    @Override
    public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
      return NucleusSelectOutput.ofMask(new byte[in.scores().length]);
    }
  }

  /** Hangs in one case. */
  public static final class HangingTarget implements ConformanceTarget {
    /** Found by name. */
    public HangingTarget() {}

    @Override
    public boolean supports(Op op, DType dtype) {
      return dtype == DType.I32;
    }

    @Override
    public GatherRowsOutput gatherRows(GatherRowsInput in) {
      if (in.source().columns() == 17) {
        new CompletableFuture<Void>().join();
      }
      return new OracleTarget().gatherRows(in);
    }
  }

  /** Has a fault in what is no op. */
  public abstract static class FaultyTarget implements ConformanceTarget {
    @Override
    public boolean supports(Op op, DType dtype) {
      return true;
    }

    @Override
    public GatherRowsOutput gatherRows(GatherRowsInput in) {
      return new OracleTarget().gatherRows(in);
    }

    /** Does not know what it supports. */
    public static final class Supports extends FaultyTarget {
      /** Found by name. */
      public Supports() {}

      @Override
      public boolean supports(Op op, DType dtype) {
        throw new IllegalStateException("no device");
      }
    }

    /** Has no name. */
    public static final class Name extends FaultyTarget {
      /** Found by name. */
      public Name() {}

      @Override
      @SuppressWarnings("NullAway") // what no target may do
      public String name() {
        return null;
      }
    }

    /** Cannot be closed. */
    public static final class Close extends FaultyTarget {
      /** Found by name. */
      public Close() {}

      @Override
      public void close() {
        throw new IllegalStateException("a leak");
      }
    }
  }

  private record Run(int code, String out, String err) {}

  private static Run run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            args,
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Run(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static final String MASK_ONLY = MaskOnlyTarget.class.getName();

  @Test
  void aTargetWithoutADefectGivesZero(@TempDir Path folder) throws Exception {
    Path md = folder.resolve("report.md");
    Run r =
        run(
            "--target",
            MASK_ONLY,
            "--op",
            "nucleus_select",
            "--cases",
            "2",
            "--seed",
            "9",
            "--report",
            md.toString());
    assertEquals(0, r.code, r.out + r.err);
    assertTrue(r.out.startsWith("# Conformance of MaskOnlyTarget\n"), r.out);
    assertTrue(r.out.contains("Seed 9, 2 random cases"), r.out);
    assertEquals(r.out, Files.readString(md));
    Path json = folder.resolve("report.json");
    run("--target", MASK_ONLY, "--op", "nucleus_select", "--cases", "0", "--report", "" + json);
    assertTrue(Files.readString(json).startsWith("{\n  \"target\": \"MaskOnlyTarget\""));
  }

  @Test
  void whatIsUnsupportedFailsWhenAskedTo() {
    Run r = run("--target", MASK_ONLY, "--op", "nucleus_select", "--cases", "0", "--strict");
    assertEquals(1, r.code);
    assertEquals(1, run("--target", MASK_ONLY, "--op", "gather_rows", "--cases", "0").code);
  }

  @Test
  void aDefectGivesOneAndSaysWhere() {
    Run r = run("--target", WrongTarget.class.getName(), "--op", "nucleus_select", "--cases", "1");
    assertEquals(1, r.code);
    assertTrue(r.out.contains("### nucleus_select/mask"), r.out);
    assertTrue(r.out.contains("smallest input found"), r.out);
    Run one =
        run("--target", WrongTarget.class.getName(), "--case", "nucleus_select/F32/mass-sink");
    assertEquals(1, one.code);
    assertTrue(one.out.contains("| nucleus_select/mask | bits | 1 | 0 | **1** | 0 |"), one.out);
  }

  /** A kernel that hangs leaves the name of its case, and a run that ends. */
  @Test
  void aCallThatTakesTooLongGivesOneAndSaysWhichCase() {
    Run r =
        run(
            "--target",
            HangingTarget.class.getName(),
            "--op",
            "gather_rows",
            "--cases",
            "0",
            "--progress",
            "--timeout",
            "1");
    assertEquals(1, r.code, r.out);
    List<String> lines = r.err.lines().toList();
    assertEquals("gather_rows/I32/columns-17", lines.get(lines.size() - 2));
    assertEquals(
        "medpruner-testkit: gather_rows/I32/columns-17: no answer within 1 s", lines.getLast());
    assertEquals("gather_rows/I32/everything", lines.getFirst());
  }

  @Test
  void callsThatAreInTimeGiveWhatTheyGiveWithoutABound() {
    String[] args = {"--target", MASK_ONLY, "--case", "nucleus_select/F32/softmax-sink"};
    Run unbounded = run(args);
    String[] bounded = Arrays.copyOf(args, args.length + 2);
    bounded[args.length] = "--timeout";
    bounded[args.length + 1] = "600";
    assertEquals(unbounded, run(bounded));
    assertEquals(0, unbounded.code);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Supports | target: supports(GATHER_ROWS, U8) threw IllegalStateException: no device",
        "Name | target: name() returned null",
        "Close | --target: close() threw java.lang.IllegalStateException: a leak"
      })
  void aFaultOfTheTargetGivesTwoAndOneLine(String fault, String message) {
    Run r =
        run(
            "--target",
            FaultyTarget.class.getName() + "$" + fault,
            "--op",
            "gather_rows",
            "--cases",
            "0");
    assertEquals(2, r.code, r.err);
    assertEquals("medpruner-testkit: " + message + System.lineSeparator(), r.err);
    // What it did until then is not lost.
    assertEquals(fault.equals("Close"), r.out.contains("# Conformance of Close"), r.out);
  }

  @Test
  void rulesAndHelpAreListed() {
    assertTrue(run("--help").out.contains("--target CLASS"));
    Run rules = run("--rules");
    assertEquals(0, rules.code);
    assertTrue(rules.out.contains("nucleus_select/mask (bits, nucleus_select.h): "), rules.out);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--target none.such.Target | --target: no class none.such.Target",
        "--target java.lang.Object | --target: java.lang.Object does not implement",
        "--target org.medpruner.testkit.Main | --target: no instance of",
        "--op sort | op: is \"sort\", expected one of slice_anchor",
        "--seed x | --seed: \"x\" is no whole number",
        "--cases -1 | cases: is -1",
        "--cases -3 | cases: is -3",
        "--cases 99999999999 | cases: is 99999999999, expected 0 to 1000000",
        "--timeout 0 | timeout: is 0",
        "--target a.B --target c.D | --target: is given twice",
        "--case a --case b | --case: is given twice",
        "--examples 0 | examples: is 0",
        "--cases | --cases: has no value",
        "--fast | --fast: is no option",
        "--report out.txt | --report: out.txt ends in neither",
        "--seed 1 | --target: is missing"
      })
  void mistakesGiveTwoAndOneLine(String args, String message) {
    Run r = run(args.split(" ", -1));
    assertEquals(2, r.code, r.out);
    assertTrue(r.err.startsWith("medpruner-testkit: " + message), r.err);
    assertEquals(1, r.err.lines().count(), r.err);
  }

  /** Else every case would fail, and every refusal pass. */
  @Test
  void aTargetWhoseDeviceIsNotThereGivesTwoAndOneLine() {
    assumeTrue(
        MedPruner.cudaStatus() instanceof MedPruner.CudaStatus.Unavailable, "there is a device");
    Run r = run("--target", CudaTarget.class.getName(), "--cases", "0");
    assertEquals(2, r.code, r.out);
    assertTrue(r.err.startsWith("medpruner-testkit: --target: CUDA is unavailable: "), r.err);
    assertEquals(1, r.err.lines().count(), r.err);
  }

  /**
   * The natives jar's library is used instead, with a warning: what it passes is not what was
   * asked.
   */
  @Test
  void anotherLibraryThanTheOneNamedGivesTwo(@TempDir Path folder) {
    String former = System.getProperty("medpruner.library.path");
    Path missing = folder.resolve("mine.so");
    System.setProperty("medpruner.library.path", missing.toString());
    try {
      Run r = run("--target", CpuTarget.class.getName(), "--cases", "0");
      assertEquals(2, r.code, r.out);
      String said = "medpruner-testkit: --target: medpruner.library.path: " + missing;
      assertTrue(r.err.startsWith(said + " was not loaded but "), r.err);
    } finally {
      if (former == null) {
        System.clearProperty("medpruner.library.path");
      } else {
        System.setProperty("medpruner.library.path", former);
      }
    }
  }

  @Test
  void aReportThatCannotBeWrittenGivesTwo(@TempDir Path folder) {
    Run r =
        run(
            "--target",
            MASK_ONLY,
            "--op",
            "gather_rows",
            "--cases",
            "0",
            "--report",
            folder.resolve("no/such/report.md").toString());
    assertEquals(2, r.code);
    assertTrue(r.err.contains("the report cannot be written"), r.err);
  }
}
