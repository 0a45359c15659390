package org.medpruner.vlm.engine;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.medpruner.PruningPolicy;
import org.medpruner.vlm.LoadOptions;
import org.medpruner.vlm.Progress;
import org.medpruner.vlm.TokenModel;
import org.medpruner.vlm.fixtures.TinyHulu;
import org.medpruner.volume.SliceImages;
import org.medpruner.volume.SliceInfo;

class PrunedVolumeTest {
  private static final int SIDE = 112;

  private static SliceImages noise() {
    byte[] picture = new byte[3 * SIDE * SIDE];
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < picture.length; i++) {
      picture[i] = (byte) random.nextInt(256);
    }
    return new SliceImages(
        SIDE, SIDE, List.of(picture), List.of(new SliceInfo(0, 0, 0)), 1, "noise");
  }

  /** Freed under LibTorch's feet, the features would take the process with them. */
  @Test
  void aVolumeClosedWhileItIsReadIsFreedAfterwards(@TempDir Path folder)
      throws IOException, InterruptedException {
    TinyHulu.write(folder);
    try (Pipeline model =
        (Pipeline) TokenModel.load(folder, LoadOptions.DEFAULT, Progress.NONE)) {
      PrunedVolume volume = model.encode(noise(), PruningPolicy.PAPER, Progress.NONE);
      PackedTokens first = volume.acquire();
      PackedTokens second = volume.acquire();
      Thread.ofPlatform().start(volume::close).join();
      assertThrows(IllegalStateException.class, volume::tokens);
      assertThrows(IllegalStateException.class, volume::acquire);
      volume.release();
      assertFalse(first.features().isNull(), "the second reader is not done");
      volume.release();
      assertTrue(second.features().isNull());
      volume.close();
    }
  }
}
