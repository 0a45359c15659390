package org.medpruner.vlm.engine;

import org.medpruner.vlm.nn.PatchGrid;

/**
 * How each slice of a volume becomes patches and tokens; all slices of one volume alike.
 *
 * @param patchSize side of a patch in pixels; a rest at the right and bottom of a picture that is
 *     no whole patch is not seen
 * @param patchRows rows of the vision encoder's patch grid
 * @param patchColumns columns of it
 * @param tokenRows rows of the grid of visual tokens
 * @param tokenColumns columns of it
 */
public record SliceGrid(
    int patchSize, int patchRows, int patchColumns, int tokenRows, int tokenColumns) {
  /** Checks that whole blocks of patches make a token. */
  public SliceGrid {
    if (patchSize < 1) {
      throw new IllegalArgumentException("patchSize = " + patchSize + ", but it must be >= 1");
    }
    if (tokenRows < 1
        || tokenColumns < 1
        || patchRows % tokenRows != 0
        || patchColumns % tokenColumns != 0) {
      throw new IllegalArgumentException(
          patchRows
              + " x "
              + patchColumns
              + " patches do not make "
              + tokenRows
              + " x "
              + tokenColumns
              + " tokens");
    }
  }

  /** The grid of slices whose patches are merged block by block. */
  public static SliceGrid of(PatchGrid patches) {
    return new SliceGrid(
        patches.patchSize(),
        patches.height(),
        patches.width(),
        patches.blocksHigh(),
        patches.blocksWide());
  }

  /** What {@link #of} made this of. */
  public PatchGrid patchGrid() {
    return new PatchGrid(patchRows, patchColumns, patchSize, patchRows / tokenRows);
  }

  /** Rows of pixels that the patches cover. */
  int seenHeight() {
    return Math.multiplyExact(patchRows, patchSize);
  }

  /** Columns of pixels that the patches cover. */
  int seenWidth() {
    return Math.multiplyExact(patchColumns, patchSize);
  }

  /** Patches of a slice. */
  public int patches() {
    return Math.multiplyExact(patchRows, patchColumns);
  }

  /** Tokens of a slice. */
  public int tokens() {
    return Math.multiplyExact(tokenRows, tokenColumns);
  }
}
