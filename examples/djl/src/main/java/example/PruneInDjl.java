package example;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.training.ParameterStore;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;
import org.medpruner.SliceAnchor;
import org.medpruner.djl.PruneBlock;
import org.medpruner.djl.SliceAnchorBlock;

/** A volume through slice anchoring, a toy encoder and token pruning, all as DJL blocks. */
public final class PruneInDjl {
  private static final int PATCH = 8;

  private PruneInDjl() {}

  /** The bright patch of a slice has the attention; the others are merged. */
  private static NDList encode(NDList slices) {
    NDArray x = slices.head().toType(DataType.FLOAT32, false); // [K, 32, 32]
    long k = x.getShape().get(0);
    NDArray patches =
        x.reshape(k, 32 / PATCH, PATCH, 32 / PATCH, PATCH)
            .transpose(0, 1, 3, 2, 4)
            .reshape(k, -1, PATCH * PATCH);
    NDArray mass = patches.mean(new int[] {2});
    return new NDList(patches, mass, patches);
  }

  /** Takes nothing. */
  public static void main(String[] args) {
    try (NDManager manager = NDManager.newBaseManager()) {
      NDArray volume = manager.ones(new Shape(24, 32, 32), DataType.UINT8);
      volume.get("8:16, 0:8, 0:8").addi(200); // eight equal slices with a bright patch
      var anchor = SliceAnchor.Params.of(0.01).withScale(SliceAnchor.U8_SCALE);
      var nucleus = Prune.Params.of(NucleusSelect.Params.mass(0.9), 0.05);
      var model =
          new SequentialBlock()
              .add(new SliceAnchorBlock(anchor))
              .add(new LambdaBlock(PruneInDjl::encode))
              .add(PruneBlock.byMass(nucleus));
      NDList out = model.forward(new ParameterStore(manager, false), new NDList(volume), false);
      long[] offsets = out.get("offsets").toLongArray();
      System.out.printf("%d slices, tokens %s%n", offsets.length - 1, out.get("packed").getShape());
      if (offsets.length != 4 || offsets[2] - offsets[1] != 2) {
        throw new IllegalStateException("3 slices, the bright one with 2 tokens, were expected");
      }
    }
  }
}
