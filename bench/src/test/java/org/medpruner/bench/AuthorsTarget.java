package org.medpruner.bench;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.DType;
import org.medpruner.NucleusSelect;
import org.medpruner.SliceAnchor;
import org.medpruner.testkit.AttentionMassInput;
import org.medpruner.testkit.AttentionMassOutput;
import org.medpruner.testkit.ConformanceTarget;
import org.medpruner.testkit.ContextualMergeInput;
import org.medpruner.testkit.ContextualMergeOutput;
import org.medpruner.testkit.HostTensor;
import org.medpruner.testkit.NucleusSelectInput;
import org.medpruner.testkit.NucleusSelectOutput;
import org.medpruner.testkit.Op;
import org.medpruner.testkit.SliceAnchorInput;
import org.medpruner.testkit.SliceAnchorOutput;
import org.medpruner.testkit.UnsupportedCaseException;
import org.medpruner.torch.TorchTensors;

/**
 * The authors' form as a target of the conformance kit, segment by segment. Pixels are in the dtype
 * of the case, as the released code has them in the model's; scores are cast to {@code scores}.
 */
final class AuthorsTarget implements ConformanceTarget {
  private final ScalarType scores;

  /**
   * A target.
   *
   * @param scores dtype in which masses reach the nucleus: Float, or BFloat16 as in the released
   *     code
   */
  AuthorsTarget(ScalarType scores) {
    this.scores = scores;
  }

  @Override
  public String name() {
    return "the authors' form, scores in " + scores;
  }

  @Override
  public boolean supports(Op op, DType dtype) {
    return switch (op) {
      case SLICE_ANCHOR -> dtype == DType.F32 || dtype == DType.BF16;
      case ATTENTION_MASS, NUCLEUS_SELECT, CONTEXTUAL_MERGE -> dtype == DType.F32;
      case GATHER_ROWS, PRUNE -> false;
    };
  }

  private static Tensor tensor(HostTensor t) {
    long[] shape = Arrays.stream(t.shape()).asLongStream().toArray();
    Tensor values = torch.tensor(t.values()).view(shape);
    return t.dtype() == DType.BF16 ? values.to(ScalarType.BFloat16) : values;
  }

  @Override
  public SliceAnchorOutput sliceAnchor(SliceAnchorInput in) {
    SliceAnchor.Params p = in.params();
    if (p.scale() != 1 || p.maxGap() != 0 || p.patches() != null) {
      throw new UnsupportedCaseException("scales, gaps and patches are not there");
    }
    byte[] keep = new byte[in.slices().rows()];
    try (PointerScope scope = new PointerScope()) {
      Tensor all = tensor(in.slices());
      for (int g = 0; g + 1 < in.offsets().length; g++) {
        int from = (int) in.offsets()[g];
        int count = (int) in.offsets()[g + 1] - from;
        if (count > 0) {
          boolean[] kept = AuthorsForm.keptSlices(all.narrow(0, from, count), p.gamma());
          for (int i = 0; i < count; i++) {
            keep[from + i] = (byte) (kept[i] ? 1 : 0);
          }
        }
      }
    }
    return SliceAnchorOutput.ofKeep(keep);
  }

  @Override
  public AttentionMassOutput attentionMass(AttentionMassInput in) {
    if (in.params().scale() != 0) {
      throw new UnsupportedCaseException("the scale is 1/sqrt(d)");
    }
    // Of a grid, too, as many consecutive patches as a token has: strips instead of blocks.
    long group = in.params().pooling().patchesPerToken();
    int d = in.query().size(2);
    float[] mass = new float[(int) (in.query().rows() / group)];
    float[] keys = new float[mass.length * d];
    try (PointerScope scope = new PointerScope()) {
      Tensor query = tensor(in.query()).transpose(0, 1);
      Tensor key = tensor(in.key()).transpose(0, 1);
      for (int g = 0; g + 1 < in.offsets().length; g++) {
        long from = in.offsets()[g];
        long count = in.offsets()[g + 1] - from;
        if (count > 0) {
          AuthorsForm.Scores s =
              AuthorsForm.columnMass(
                  query.narrow(1, from, count), key.narrow(1, from, count).contiguous(), group);
          copy(s.mass(), mass, (int) (from / group));
          copy(s.keys(), keys, (int) (from / group) * d);
        }
      }
    }
    return new AttentionMassOutput(mass, keys, null);
  }

  private static void copy(Tensor t, float[] values, int at) {
    float[] part = TorchTensors.floats(t);
    System.arraycopy(part, 0, values, at, part.length);
  }

  @Override
  public NucleusSelectOutput nucleusSelect(NucleusSelectInput in) {
    NucleusSelect.Params p = in.params();
    boolean bounded = p.minTokens() + p.maxTokens() + p.volumeMinTokens() + p.volumeMaxTokens() > 0;
    if (p.score() == NucleusSelect.Score.MASS || bounded) {
      throw new UnsupportedCaseException("the mass score, floors and caps are not there");
    }
    byte[] mask = new byte[in.scores().length];
    try (PointerScope scope = new PointerScope()) {
      for (int g = 0; g + 1 < in.offsets().length; g++) {
        int from = (int) in.offsets()[g];
        int to = (int) in.offsets()[g + 1];
        if (to > from) {
          Tensor one = torch.tensor(Arrays.copyOfRange(in.scores(), from, to)).to(scores);
          byte[] own = TorchTensors.bytes(AuthorsForm.nucleus(one, p.tau(), p.temperature()));
          System.arraycopy(own, 0, mask, from, own.length);
        }
      }
    }
    return NucleusSelectOutput.ofMask(mask);
  }

  @Override
  public ContextualMergeOutput contextualMerge(ContextualMergeInput in) {
    int columns = in.features().columns();
    float[] merged = in.features().floats();
    byte[] role = new byte[in.nucleus().length];
    try (PointerScope scope = new PointerScope()) {
      Tensor features = tensor(in.features());
      Tensor keys = tensor(in.keys());
      for (int g = 0; g + 1 < in.offsets().length; g++) {
        int from = (int) in.offsets()[g];
        int count = (int) in.offsets()[g + 1] - from;
        if (count > 0) {
          float[] nucleus = new float[count];
          for (int i = 0; i < count; i++) {
            nucleus[i] = in.nucleus()[from + i] == 0 ? 0 : 1;
          }
          AuthorsForm.Merged m =
              AuthorsForm.merge(
                  features.narrow(0, from, count),
                  keys.narrow(0, from, count).unsqueeze(0),
                  torch.tensor(nucleus).to(ScalarType.Bool),
                  in.params().ratio());
          copy(m.features(), merged, from * columns);
          byte[] mask = TorchTensors.bytes(m.mask());
          for (int i = 0; i < count; i++) {
            role[from + i] = (byte) (nucleus[i] != 0 ? 1 : mask[i] != 0 ? 2 : 0);
          }
        }
      }
    }
    return ContextualMergeOutput.of(HostTensor.of(merged, in.features().rows(), columns), role);
  }
}
