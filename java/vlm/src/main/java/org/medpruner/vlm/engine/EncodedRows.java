package org.medpruner.vlm.engine;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.Tensor;
import org.medpruner.Workspace;
import org.medpruner.vlm.nn.Decoder;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.pruning.TokenStage;

/**
 * What the encoder makes of slices, one row per token. Planes that are to be merged like the
 * features lie beside them in one matrix: merging adds rows column by column, so one call does all.
 * Planes that are only indexed have matrices of their own. Temporaries of the scope it was made in.
 */
final class EncodedRows {
  private final long hidden;
  private final int planeCount;
  private final boolean merged;
  private final Tensor rows;
  private final List<Tensor> planes = new ArrayList<>();

  /**
   * No tokens yet.
   *
   * @param planeCount planes of every token
   * @param merged whether they are merged like the features
   * @param rows memory for all tokens, of {@link #width} columns
   */
  EncodedRows(Decoder decoder, int planeCount, boolean merged, Tensor rows) {
    this.hidden = decoder.config().hiddenSize();
    this.planeCount = planeCount;
    this.merged = merged;
    this.rows = rows;
    for (int i = merged ? planeCount : 0; i < planeCount; i++) {
      planes.add(Ops.empty(decoder.compute(), decoder.cuda(), rows.size(0), hidden));
    }
  }

  /** Columns of the rows that stage 2 merges: the features, and planes that lie beside them. */
  static long width(Decoder decoder, int planeCount, boolean merged) {
    return Math.multiplyExact(decoder.config().hiddenSize(), 1L + (merged ? planeCount : 0));
  }

  /** Everything that stage 2 merges: [count, width]. */
  Tensor rows() {
    return rows;
  }

  /** Takes the tokens of a batch of slices, which begin at row {@code first}. */
  void put(long first, VisionEncoder.Tokens seen) {
    Tensor features = seen.features().flatten(0, 1);
    Tensor here = rows.narrow(0, first, features.size(0));
    here.narrow(1, 0, hidden).copy_(features);
    for (int i = 0; i < seen.planes().size(); i++) {
      Tensor plane = seen.planes().get(i).flatten(0, 1);
      (merged
              ? here.narrow(1, hidden * (1 + i), hidden)
              : planes.get(i).narrow(0, first, plane.size(0)))
          .copy_(plane);
    }
  }

  /**
   * The tokens of one volume, in memory of their own; temporaries of the caller's scope.
   *
   * @param left what is left of its rows
   * @param kept the rows they are
   * @param shared whether others use the memory of {@code left}
   */
  PackedTokens packed(Tensor left, int[] kept, boolean shared, Workspace workspace) {
    if (planeCount == 0) {
      return new PackedTokens(shared ? left.clone() : left);
    }
    List<Tensor> own = new ArrayList<>();
    for (int i = 0; i < planeCount; i++) {
      // A clone, also of one row, which LibTorch counts as contiguous where it lies: stage 2 uses
      // that memory again for the next volume.
      own.add(
          merged
              ? left.narrow(1, hidden * (1 + i), hidden).clone()
              : TokenStage.pack(planes.get(i), kept, workspace));
    }
    return new PackedTokens(left.narrow(1, 0, hidden).clone(), own);
  }
}
