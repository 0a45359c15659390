package org.medpruner.vlm.qwen;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.fixtures.TinyQwen;
import org.medpruner.vlm.nn.PatchGrid;

class QwenVisionTowerTest {
  private static final String PLANES = "\"deepstack_visual_indexes\": [0, 1]";

  /** With it no merger runs before the last block has. */
  private static final String LAST = "\"deepstack_visual_indexes\": [2]";

  @TempDir Path folder;

  /** Three patches make no block: the mergers throw, as they would without memory. */
  @Test
  void whatTheLastBlockMadeIsFreedWhereAMergerThrows() throws IOException {
    TinyQwen.write(folder, c -> c.replace(PLANES, LAST), UnaryOperator.identity());
    try (QwenFamily family = QwenFamily.load(folder, LoadOptions.DEFAULT, Progress.NONE)) {
      assertEquals(1, family.planes());
      PatchGrid grid = new PatchGrid(1, 3, family.config().vision().patchSize(), 1);
      int rounds = 40;
      long before = 0;
      // What LibTorch and this library make once is made in the first round.
      for (int round = 0; round <= rounds; round++) {
        try (PointerScope call = new PointerScope()) {
          Tensor patches = torch.randn(2, 3, family.config().vision().patchValues());
          assertThrows(RuntimeException.class, () -> family.tower().encode(patches, grid));
        }
        before = round == 0 ? Pointer.totalCount() : before;
      }
      long left = Pointer.totalCount() - before;
      assertTrue(left < rounds, left + " objects of LibTorch's are left of " + rounds + " calls");
    }
  }
}
