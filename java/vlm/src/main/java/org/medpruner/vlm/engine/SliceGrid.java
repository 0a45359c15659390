package org.medpruner.vlm.engine;

/**
 * How each slice of a volume becomes patches and tokens; all slices of one volume alike.
 *
 * @param patchRows rows of the vision encoder's patch grid
 * @param patchColumns columns of it
 * @param tokenRows rows of the grid of visual tokens
 * @param tokenColumns columns of it
 */
public record SliceGrid(int patchRows, int patchColumns, int tokenRows, int tokenColumns) {
  /** Checks that whole blocks of patches make a token. */
  public SliceGrid {
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

  /** Patches of a slice. */
  public int patches() {
    return Math.multiplyExact(patchRows, patchColumns);
  }

  /** Tokens of a slice. */
  public int tokens() {
    return Math.multiplyExact(tokenRows, tokenColumns);
  }
}
