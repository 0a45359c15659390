package org.medpruner.vlm.nn;

import org.bytedeco.pytorch.Tensor;
import org.medpruner.torch.TorchScope;

/**
 * A picture cut into patches that a merger takes together in blocks of merge x merge. Patches are
 * ordered block after block, blocks in raster order and patches in raster order within their block,
 * so that the {@code merge * merge} patches of one visual token are neighbours. With merge = 1 that
 * is plain raster order.
 *
 * @param height patches from top to bottom, a multiple of {@code merge}
 * @param width patches from left to right, a multiple of {@code merge}
 * @param patchSize side of a patch in pixels
 * @param merge side of a block in patches
 */
public record PatchGrid(int height, int width, int patchSize, int merge) {
  /** Checks that the blocks fill the grid. */
  public PatchGrid {
    if (height < 1 || width < 1 || patchSize < 1 || merge < 1) {
      throw new IllegalArgumentException(
          height + " x " + width + " patches of " + patchSize + ", merge " + merge + ": all >= 1");
    }
    if (height % merge != 0 || width % merge != 0) {
      throw new IllegalArgumentException(
          height + " x " + width + " patches do not divide into blocks of side " + merge);
    }
  }

  /**
   * The grid of a picture.
   *
   * @param pixelsHigh a multiple of {@code patchSize * merge}
   * @param pixelsWide as {@code pixelsHigh}
   */
  public static PatchGrid of(int pixelsHigh, int pixelsWide, int patchSize, int merge) {
    if (pixelsHigh % patchSize != 0 || pixelsWide % patchSize != 0) {
      throw new IllegalArgumentException(
          pixelsHigh + " x " + pixelsWide + " pixels do not divide into patches of " + patchSize);
    }
    return new PatchGrid(pixelsHigh / patchSize, pixelsWide / patchSize, patchSize, merge);
  }

  /** Patches of a picture. */
  public int patches() {
    return Math.multiplyExact(height, width);
  }

  /** Blocks from top to bottom. */
  public int blocksHigh() {
    return height / merge;
  }

  /** Blocks from left to right. */
  public int blocksWide() {
    return width / merge;
  }

  /** Blocks, that is, visual tokens of a picture. */
  public int blocks() {
    return blocksHigh() * blocksWide();
  }

  /** Row of every patch in the grid, in patch order. */
  public long[] rows() {
    long[] rows = new long[patches()];
    for (int p = 0; p < rows.length; p++) {
      rows[p] = (long) block(p) / blocksWide() * merge + within(p) / merge;
    }
    return rows;
  }

  /** Column of every patch in the grid, in patch order. */
  public long[] columns() {
    long[] columns = new long[patches()];
    for (int p = 0; p < columns.length; p++) {
      columns[p] = (long) block(p) % blocksWide() * merge + within(p) % merge;
    }
    return columns;
  }

  private int block(int patch) {
    return patch / (merge * merge);
  }

  private int within(int patch) {
    return patch % (merge * merge);
  }

  /**
   * Cuts pictures into patch vectors.
   *
   * @param pictures [B, height * patchSize, width * patchSize, channels], interleaved
   * @param temporal how often the frame is repeated: 2 where the tower's first layer spans two
   *     frames
   * @return [B, T, channels * temporal * patchSize * patchSize], channel-major; a temporary of the
   *     caller's scope
   */
  public Tensor patchVectors(Tensor pictures, int temporal) {
    return TorchScope.run(
        () -> {
          long p = patchSize;
          long batch = pictures.size(0);
          long channels = pictures.size(3);
          return pictures
              .reshape(batch, blocksHigh(), merge, p, blocksWide(), merge, p, channels)
              .permute(0, 1, 4, 2, 5, 7, 3, 6)
              .unsqueeze(6)
              .expand(batch, blocksHigh(), blocksWide(), merge, merge, channels, temporal, p, p)
              .reshape(batch, patches(), channels * temporal * p * p);
        });
  }
}
