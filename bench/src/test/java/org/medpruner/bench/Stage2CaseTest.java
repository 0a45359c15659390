package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.medpruner.torch.TorchRuntime;

/** What the row of stage 2 counts, at a size tests can afford. */
class Stage2CaseTest {
  private static final Pattern SHAPE =
      Pattern.compile("\\[2048, 1, 8], \\[128, 32], (\\d+) rows kept");

  @Test
  void bytesAreInputsAndOutputsOnce() {
    TorchRuntime.require();
    Ceilings ceilings = new Ceilings();
    // Known already, so that no probe is asked for it.
    ceilings.read("f32 fma", 1, new Timing(1, 1, 1, 5));
    Report.Row row =
        new Stage2Case(2, 1024, 1, 8, 32).rows(FailedCheckTest.setup(), ceilings).getFirst();
    Matcher shape = SHAPE.matcher(row.shape());
    assertTrue(shape.matches(), row.shape());
    int kept = Integer.parseInt(shape.group(1));
    assertTrue(kept >= 2 && kept <= 128, row.shape());
    assertEquals((2 * 2048 * 8 + (128 + kept) * 32) * 4, row.bytes());
  }
}
