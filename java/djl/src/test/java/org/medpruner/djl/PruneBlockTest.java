package org.medpruner.djl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.Model;
import ai.djl.inference.Predictor;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Block;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.core.Linear;
import ai.djl.training.ParameterStore;
import ai.djl.translate.NoopTranslator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.medpruner.AttentionMass;
import org.medpruner.NucleusSelect;
import org.medpruner.Prune;

/** The block in the company of DJL's own. */
class PruneBlockTest extends PyTorchTest {
  private static final int SLICES = 3;
  private static final int TOKENS = 16;
  private static final int CHANNELS = 12;
  private static final int WIDTH = 5;
  private static final Prune.Params PARAMS =
      Prune.Params.of(NucleusSelect.Params.softmax(0.6, 0.5), 0.1);
  private static final AttentionMass.Params ATTENTION =
      AttentionMass.Params.of(new AttentionMass.Contiguous(1));

  /** An encoder that hands on its queries and keys, the pruning, and a decoder. */
  private static SequentialBlock model() {
    return new SequentialBlock()
        .add(
            new LambdaBlock(
                in -> {
                  NDArray x = in.head();
                  NDArray heads = x.reshape(SLICES, TOKENS, 2, CHANNELS / 2);
                  return new NDList(x, heads, heads.mul(0.5f));
                }))
        .add(PruneBlock.byAttention(PARAMS, ATTENTION))
        .add(new LambdaBlock(in -> new NDList(in.head())))
        .add(Linear.builder().setUnits(WIDTH).build());
  }

  private NDArray input() {
    return PyTorch.array(
        manager,
        PyTorch.normal(new Random(5), SLICES * TOKENS * CHANNELS),
        DataType.FLOAT32,
        SLICES,
        TOKENS,
        CHANNELS);
  }

  private static NdPrune.Result direct(NDArray x) {
    NDArray heads = x.reshape(SLICES, TOKENS, 2, CHANNELS / 2);
    return NdPrune.byAttention(PARAMS, ATTENTION, x, heads, heads.mul(0.5f));
  }

  @Test
  void anEncoderPrunesForADecoder() {
    NDArray x = input();
    SequentialBlock model = model();
    model.initialize(manager, DataType.FLOAT32, x.getShape());
    NDArray out = model.forward(new ParameterStore(manager, false), new NDList(x), false).head();
    NDArray kept = direct(x).packed();
    assertTrue(kept.getShape().get(0) < SLICES * TOKENS, kept.getShape().toString());
    assertEquals(new Shape(kept.getShape().get(0), WIDTH), out.getShape());
    Block linear = model.getChildren().get(3).getValue();
    NDArray expected =
        linear.forward(new ParameterStore(manager, false), new NDList(kept), false).head();
    assertArrayEquals(expected.toFloatArray(), out.toFloatArray());
  }

  @Test
  void aPredictorRunsIt() throws Exception {
    NDArray x = input();
    try (Model model = Model.newInstance("pruned", "PyTorch")) {
      SequentialBlock block =
          new SequentialBlock()
              .add(model().getChildren().get(0).getValue())
              .add(PruneBlock.byAttention(PARAMS, ATTENTION));
      block.initialize(model.getNDManager(), DataType.FLOAT32, x.getShape());
      model.setBlock(block);
      try (Predictor<NDList, NDList> predictor = model.newPredictor(new NoopTranslator(null))) {
        NDList out = predictor.predict(new NDList(x));
        NdPrune.Result expected = direct(x);
        assertArrayEquals(expected.packed().toFloatArray(), out.get(0).toFloatArray());
        assertArrayEquals(expected.rows().toLongArray(), out.get(1).toLongArray());
        assertArrayEquals(expected.offsets().toLongArray(), out.get(2).toLongArray());
        assertArrayEquals(PyTorch.bytes(expected.role()), PyTorch.bytes(out.get(3)));
        assertArrayEquals(expected.assignment().toLongArray(), out.get(4).toLongArray());
      }
    }
  }

  @Test
  void shapesAreTheLargestThatCanBe() {
    PruneBlock block = PruneBlock.byMass(PARAMS);
    assertArrayEquals(
        new Shape[] {
          new Shape(21, 8), new Shape(21), new Shape(4), new Shape(3, 7), new Shape(3, 7)
        },
        block.getOutputShapes(new Shape[] {new Shape(3, 7, 8)}));
    assertArrayEquals(
        new Shape[] {new Shape(7, 8), new Shape(7), new Shape(2), new Shape(1, 7), new Shape(1, 7)},
        block.getOutputShapes(new Shape[] {new Shape(7, 8)}));
    assertEquals(new Shape(-1, 8), block.getOutputShapes(new Shape[] {new Shape(-1, 7, 8)})[0]);
    assertThrows(
        IllegalArgumentException.class, () -> block.getOutputShapes(new Shape[] {new Shape(8)}));
  }

  @Test
  void itSavesAndLoadsAsABlockWithoutParameters() throws Exception {
    PruneBlock block = PruneBlock.byMass(PARAMS);
    block.initialize(
        manager, DataType.FLOAT32, new Shape(1, 4, 3), new Shape(1, 4), new Shape(1, 4, 2));
    assertEquals(0, block.getParameters().size());
    ByteArrayOutputStream saved = new ByteArrayOutputStream();
    block.saveParameters(new DataOutputStream(saved));
    PruneBlock loaded = PruneBlock.byMass(PARAMS);
    loaded.loadParameters(
        manager, new DataInputStream(new ByteArrayInputStream(saved.toByteArray())));
    assertTrue(loaded.isInitialized());
  }

  @Test
  void otherInputsAreRefused() {
    PruneBlock block = PruneBlock.byMass(PARAMS);
    NDList two = new NDList(manager.ones(new Shape(1, 4, 3)), manager.ones(new Shape(1, 4)));
    IllegalArgumentException e =
        assertThrows(
            IllegalArgumentException.class,
            () -> block.forward(new ParameterStore(manager, false), two, false));
    assertEquals("inputs: 2 arrays, but must be features, mass, keys", e.getMessage());
  }
}
