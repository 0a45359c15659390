package org.medpruner.bench;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.medpruner.AttentionMass;
import org.medpruner.NucleusSelect;
import org.medpruner.SliceAnchor;
import org.medpruner.torch.TorchRuntime;
import org.medpruner.torch.TorchTensors;

/** The baselines compute what the library does; a faster wrong one would prove nothing. */
class FormsTest {
  private PointerScope scope;

  @BeforeEach
  void open() {
    TorchRuntime.require();
    scope = new PointerScope();
  }

  @AfterEach
  void close() {
    scope.close();
  }

  private static Tensor tensor(float[] values, long... shape) {
    return torch.tensor(values).view(shape);
  }

  @Test
  void slices() {
    byte[] pixels = Inputs.slices(9, 300);
    float[] shown = new float[pixels.length];
    for (int i = 0; i < shown.length; i++) {
      shown[i] = (float) ((pixels[i] & 0xff) / 127.5 - 1);
    }
    boolean[] kept = SliceAnchor.apply(shown, 9, 0.05).kept();
    Tensor images = tensor(shown, 9, 300);
    assertArrayEquals(kept, AuthorsForm.keptSlices(images, 0.05));
    assertArrayEquals(kept, TunedForm.keptSlices(images, torch.empty(300), 0.05));
    assertTrue(String.valueOf(Arrays.toString(kept)).contains("false"), "nothing dropped");
  }

  @Test
  void columnMass() {
    int patches = 48;
    int heads = 3;
    int dim = 8;
    float[] q = Inputs.normal(patches * heads * dim, 1);
    float[] k = Inputs.normal(patches * heads * dim, 2);
    AttentionMass.Result ours =
        AttentionMass.apply(
            q, k, heads, dim, AttentionMass.Params.of(new AttentionMass.Contiguous(4)));
    Tensor query = tensor(q, patches, heads, dim).transpose(0, 1);
    Tensor key = tensor(k, patches, heads, dim).transpose(0, 1);
    AuthorsForm.Scores authors = AuthorsForm.columnMass(query, key, 4);
    AuthorsForm.Scores tuned =
        TunedForm.columnMass(
            query.contiguous(),
            key.contiguous(),
            4,
            torch.empty(patches, patches),
            torch.empty(patches, patches));
    assertArrayEquals(ours.mass(), TorchTensors.floats(authors.mass()), 1e-5f);
    assertArrayEquals(ours.mass(), TorchTensors.floats(tuned.mass()), 1e-5f);
    assertArrayEquals(ours.pooledKeys(), TorchTensors.floats(authors.keys()), 1e-5f);
    assertArrayEquals(ours.pooledKeys(), TorchTensors.floats(tuned.keys()), 1e-5f);
  }

  @Test
  void nuclei() {
    float[] masses = Inputs.masses(5, 40);
    byte[] batched = TorchTensors.bytes(AuthorsForm.nuclei(tensor(masses, 5, 40), 0.9, 2));
    for (int s = 0; s < 5; s++) {
      float[] one = Arrays.copyOfRange(masses, s * 40, (s + 1) * 40);
      byte[] expected = new byte[40];
      for (int i : NucleusSelect.apply(one, NucleusSelect.Params.softmax(0.9, 2)).keptIndices()) {
        expected[i] = 1;
      }
      assertArrayEquals(expected, Arrays.copyOfRange(batched, s * 40, (s + 1) * 40));
      assertArrayEquals(expected, TorchTensors.bytes(AuthorsForm.nucleus(tensor(one, 40), 0.9, 2)));
    }
  }

  @Test
  void mergeFormsAgree() {
    Tensor features = tensor(Inputs.normal(3 * 40 * 10, 3), 3, 40, 10);
    Tensor keys = tensor(Inputs.normal(3 * 40 * 6, 4), 3, 40, 6);
    Tensor nuclei = tensor(Inputs.normal(3 * 40, 5), 3, 40).gt(new org.bytedeco.pytorch.Scalar(0));
    AuthorsForm.Merged authors = AuthorsForm.mergeAndCompact(features, keys, nuclei, 0.1);
    AuthorsForm.Merged tuned = TunedForm.mergeAndCompact(features, keys, nuclei, 0.1);
    assertArrayEquals(TorchTensors.bytes(authors.mask()), TorchTensors.bytes(tuned.mask()));
    assertArrayEquals(
        TorchTensors.floats(authors.features()), TorchTensors.floats(tuned.features()), 1e-5f);
    long kept = nuclei.to(ScalarType.Long).sum().item_long() + 3 * 4;
    assertEquals(kept, authors.features().size(0));
  }
}
