package org.medpruner.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.csv.CSVRecord;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.medpruner.PruningPolicy;
import org.medpruner.eval.Sample.Kind;
import org.medpruner.eval.benchmark.Benchmark;
import org.medpruner.eval.benchmark.SampleVolume;
import org.medpruner.eval.report.EvaluationReport;
import org.medpruner.vlm.Progress;

/**
 * Every layout of the published benchmarks, from generated files over pixels and answers to scores.
 */
class LayoutsTest {
  /** First grey levels of the slices as presented. */
  private static final List<Integer> LEVELS = List.of(0, 128, 255);

  @TempDir Path folder;

  /** Layouts, each with the kinds of questions that it holds. */
  enum Layout {
    AMOS_JSON(Benchmark.AMOS, Kind.REPORT) {
      @Override
      void write(Path data) {
        pictures(data.resolve("Amos/amos_test_crop_32/amos_0034"));
        String report = "Findings: The liver is normal. Impression: No disease.";
        TestData.json(
            data.resolve("Amos/amos_val_mrg_sft.json"),
            TestData.entry("amos_test_crop_32/amos_0034", "<video>\\nWrite.", report, ""));
      }
    },
    AMOS_REGIONS_NIFTI(Benchmark.AMOS, Kind.REPORT) {
      @Override
      void write(Path data) {
        nifti(data.resolve("imagesVa/amos_5001.nii.gz"));
        TestData.text(
            data.resolve("report_generation_train_val.json"),
            """
            {"licence": "any", "training": [], "validation": [{"image": "./imagesVa/amos_5001.nii.gz",
              "meta": {"spacing": [1, 1, 5]}, "labels": {"report": {
                "findings": {"abdomen": "A cyst of the liver.", "chest": "", "pelvis": ""},
                "impression": {"abdomen": ["Hepatic cyst."], "chest": [], "pelvis": []}}}}]}
            """);
      }
    },
    M3D_JSON(Benchmark.M3D, Kind.CLOSED, Kind.OPEN) {
      @Override
      void write(Path data) {
        String volume = "M3D/ct_quizze/008799/Axial_C__arterial_phase";
        pictures(data.resolve(volume));
        TestData.json(
            data.resolve("M3D/M3D_test.json"),
            TestData.entry(
                volume + "/",
                "<image>\\nWhich plane?\\nA.axial\\nB.coronal",
                "A",
                ", \"Question_Type\": \"CLOSED\", \"type\": 1"),
            TestData.entry(
                volume + "/",
                "<video>\\nWhich organ is enlarged?",
                "the liver",
                ", \"Question_Type\": \"OPEN\", \"type\": \"3\""));
      }
    },
    M3D_CSV_NPY(Benchmark.M3D, Kind.CLOSED, Kind.OPEN) {
      @Override
      void write(Path data) {
        array(data.resolve("M3D_Cap_npy/ct_quizze/000005/Axial_C.npy"));
        TestData.text(
            data.resolve("M3D_VQA_test.csv"),
            "Image Path,Question,Answer,Question Type,Answer Choice,Choice A,Choice B,Choice"
                + " C,Choice D\n"
                + "ct_quizze/000005/Axial_C.npy,Which phase?,arterial,2,C,plain,venous,arterial,"
                + "late\n");
      }
    },
    RAD3D_JSON(Benchmark.RAD3D, Kind.CLOSED, Kind.OPEN) {
      @Override
      void write(Path data) {
        pictures(data.resolve("3DRad/valid_crop/valid_1000_a_1"));
        TestData.json(
            data.resolve("3DRad/Rad3D_test.json"),
            TestData.entry(
                "valid_crop/valid_1000_a_1",
                "Is there material?\\nA.Yes\\nB.No",
                "B.No",
                ", \"Question_Type\": \"close\", \"type\": \"Image_Quality\""),
            TestData.entry(
                "valid_crop/valid_1000_a_1",
                "How large is it?",
                "4 mm",
                ", \"Question_Type\": \"open\", \"type\": \"Size\""));
      }
    },
    RAD3D_CSV_NIFTI_NPY(Benchmark.RAD3D, Kind.CLOSED, Kind.OPEN) {
      @Override
      void write(Path data) {
        // As CT-RATE names, nests and packs them, and as the copy on the Hub has them.
        nifti(data.resolve("dataset/valid/valid_1000/valid_1000_a/valid_1000_a_1.nii.gz"));
        array(data.resolve("npy/test_2_b_1.npy"));
        String header =
            "Task,Subtask,VolumeName,Question,Answer,QuestionType,AnswerChoice,Choice A,Choice"
                + " B,Choice C,Choice D\n";
        TestData.text(
            data.resolve("3DRAD/test/Task4_Existence_Detection/Lung nodule.csv"),
            header + "4,2,test_1000_a_1.nii.gz,Is there a nodule?,No,Close,B,Yes,No,-,-\n");
        TestData.text(
            data.resolve("3DRAD/test/Task3_Medical_Computation/Size.csv"),
            header + "3,1,test_2_b_1.nii.gz,How large is it?,4 mm,Open,,-,-,-,-\n");
      }
    };

    final Benchmark benchmark;

    @SuppressWarnings("ImmutableEnumChecker") // List.of's
    final List<Kind> kinds;

    Layout(Benchmark benchmark, Kind... kinds) {
      this.benchmark = benchmark;
      this.kinds = List.of(kinds);
    }

    abstract void write(Path data);

    /** By bytes of their names, as the benchmarks have them: 10 comes before 2. */
    private static void pictures(Path volume) {
      TestData.picture(volume.resolve("1.png"), 16, LEVELS.get(0));
      TestData.picture(volume.resolve("10.png"), 16, LEVELS.get(1));
      TestData.picture(volume.resolve("2.png"), 16, LEVELS.get(2));
    }

    private static void array(Path file) {
      float[] values = new float[3 * 16 * 16];
      for (int i = 0; i < values.length; i++) {
        int slice = i / 256;
        values[i] = slice / 2f;
      }
      TestData.npy(file, "(1, 3, 16, 16)", values);
    }

    /** Planes from below upwards, in HU, whose first window is -1024 to 1024. */
    private static void nifti(Path file) {
      TestData.niftiGz(file, 16, 1024, 0, -1024);
    }
  }

  @ParameterizedTest
  @EnumSource
  void aLayoutIsReadAskedAndScored(Layout layout) {
    Path data = folder.resolve("data");
    layout.write(data);
    Path out = folder.resolve("out");
    Run run =
        Evaluation.run(
            new TestData.Plan(layout.benchmark, data, out)
                .settings(Setting.OFF, Setting.of(PruningPolicy.PAPER))
                .build(),
            Progress.NONE,
            Evaluation.Listener.NONE);
    assertTrue(run.complete());
    assertEquals(
        layout.kinds, run.samples().stream().map(Sample::kind).distinct().sorted().toList());
    for (Sample s : run.samples()) {
      SampleVolume volume = SampleVolume.read(data, s, 85);
      assertEquals(
          LEVELS, volume.images().pixels().stream().map(p -> p[0] & 0xff).toList(), s.volume());
      for (Setting setting : run.settings()) {
        SampleResult r = run.result(setting, s.id());
        assertNotNull(r);
        assertFalse(r.failed(), () -> String.valueOf(r.error()));
        assertEquals(LEVELS.size(), r.slices());
        assertEquals(volume.sha256(), r.volumeSha256());
      }
    }
    assertScored(run, layout.kinds, out);
  }

  /** Each kind has its own first metric, by the reference's definition also of an empty answer. */
  private static void assertScored(Run run, List<Kind> kinds, Path out) {
    EvaluationReport.of(run).write(out);
    Map<String, CSVRecord> rows = new HashMap<>();
    List<String> found = new ArrayList<>();
    for (CSVRecord r : TestData.csv(out.resolve(EvaluationReport.CSV))) {
      if (r.get("category").equals("(all)")) {
        rows.put(r.get("setting") + " " + r.get("kind"), r);
        found.add(r.get("kind"));
      }
    }
    for (Kind kind : kinds) {
      String word = kind.name().toLowerCase(Locale.ROOT);
      String metric =
          switch (kind) {
            case CLOSED -> "reference_accuracy";
            case OPEN -> "reference_f1";
            case REPORT -> "reference_rouge_l";
          };
      for (Setting s : run.settings()) {
        CSVRecord r = rows.get(s.name() + " " + word);
        assertNotNull(r, s.name() + " " + word);
        assertEquals(r.get("samples"), r.get("answered"));
        double score = Double.parseDouble(r.get(metric));
        assertTrue(score >= 0 && score <= 1, metric + " " + score);
      }
    }
    assertEquals(kinds.size() + 1, found.stream().distinct().count(), found.toString());
  }
}
