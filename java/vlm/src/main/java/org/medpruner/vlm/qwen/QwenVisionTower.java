package org.medpruner.vlm.qwen;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.jspecify.annotations.Nullable;
import org.medpruner.torch.TorchScope;
import org.medpruner.vlm.nn.Activation;
import org.medpruner.vlm.nn.LayerNorm;
import org.medpruner.vlm.nn.Linear;
import org.medpruner.vlm.nn.Ops;
import org.medpruner.vlm.nn.Param;
import org.medpruner.vlm.nn.PatchGrid;
import org.medpruner.vlm.nn.QueryAndKey;
import org.medpruner.vlm.nn.RotaryEmbedding;
import org.medpruner.vlm.nn.VisionRotary;
import org.medpruner.vlm.nn.Weights;

/**
 * Qwen3-VL's vision tower: patch vectors in merge blocks, learned positions interpolated to the
 * grid, pre-norm blocks with 2-D rotary attention, and a merger that makes one token of each block
 * of patches; some blocks' outputs go through mergers of their own (DeepStack).
 */
final class QwenVisionTower {
  /** Epsilon of the layer norms; not in any configuration. */
  private static final double EPS = 1e-6;

  /**
   * What the tower computes for B pictures of T patches and n tokens.
   *
   * @param features [B, n, outputSize]
   * @param planes [B, n, outputSize] each, one per DeepStack block
   * @param hidden [B, T, hidden] of the last block; for tests alone
   * @param query [B, T, heads, headDim] of the last block, after rotary embedding
   * @param key as query
   */
  record Output(Tensor features, List<Tensor> planes, Tensor hidden, Tensor query, Tensor key) {}

  private record Block(
      LayerNorm norm1, Linear qkv, Linear proj, LayerNorm norm2, Linear fc1, Linear fc2) {}

  private final QwenVisionConfig config;
  private final Param patchWeight;
  private final Param patchBias;
  private final Param positions;
  private final List<Block> blocks = new ArrayList<>();
  private final Merger merger;
  private final List<Merger> deepStack = new ArrayList<>();
  private final VisionRotary rotary;

  QwenVisionTower(Weights weights, String prefix, QwenVisionConfig c) {
    config = c;
    int h = c.hiddenSize();
    patchWeight =
        weights.param(
            prefix + "patch_embed.proj.weight",
            h,
            c.channels(),
            c.temporalPatchSize(),
            c.patchSize(),
            c.patchSize());
    patchBias = weights.param(prefix + "patch_embed.proj.bias", h);
    positions =
        weights.param(prefix + "pos_embed.weight", (long) c.positionSide() * c.positionSide(), h);
    for (int i = 0; i < c.layers(); i++) {
      String p = prefix + "blocks." + i + ".";
      blocks.add(
          new Block(
              LayerNorm.load(weights, p + "norm1", h, EPS),
              Linear.load(weights, p + "attn.qkv", 3L * h, h, true),
              Linear.load(weights, p + "attn.proj", h, h, true),
              LayerNorm.load(weights, p + "norm2", h, EPS),
              Linear.load(weights, p + "mlp.linear_fc1", c.intermediateSize(), h, true),
              Linear.load(weights, p + "mlp.linear_fc2", h, c.intermediateSize(), true)));
    }
    merger = Merger.load(weights, prefix + "merger.", c, false);
    for (int i = 0; i < c.deepStack().size(); i++) {
      deepStack.add(Merger.load(weights, prefix + "deepstack_merger_list." + i + ".", c, true));
    }
    rotary = new VisionRotary(c.headDim(), c.ropeTheta());
  }

  /**
   * Turns blocks of patches into tokens.
   *
   * @param afterJoin whether the norm spans a whole block instead of one patch (DeepStack)
   */
  private record Merger(LayerNorm norm, boolean afterJoin, long joined, Linear fc1, Linear fc2) {
    static Merger load(Weights w, String prefix, QwenVisionConfig c, boolean afterJoin) {
      long joined = (long) c.hiddenSize() * c.patchesPerToken();
      return new Merger(
          LayerNorm.load(w, prefix + "norm", afterJoin ? joined : c.hiddenSize(), EPS),
          afterJoin,
          joined,
          Linear.load(w, prefix + "linear_fc1", joined, joined, true),
          Linear.load(w, prefix + "linear_fc2", c.outputSize(), joined, true));
    }

    /** [B, T, hidden] to [B, n, outputSize]. */
    Tensor apply(Tensor x) {
      return TorchScope.run(
          () -> {
            Tensor normed = afterJoin ? x : norm.apply(x);
            Tensor blocks = normed.view(x.size(0), -1, joined);
            Tensor input = afterJoin ? norm.apply(blocks) : blocks;
            return fc2.apply(Activation.GELU.apply(fc1.apply(input)));
          });
    }
  }

  /**
   * Bytes of activations per picture at the widest point, for sizing batches: in a block the input,
   * the norm, q, k, v joined and apart, both rotated, the attention output (11 x hidden) or the
   * feed-forward part (2 x intermediate + 2 x hidden) live at once, the patch vectors and the
   * DeepStack tokens beside them.
   */
  static long activationBytes(QwenVisionConfig c, long patches, int elementBytes) {
    long wide = Math.max(11L * c.hiddenSize(), 2L * c.hiddenSize() + 2L * c.intermediateSize());
    long tokens = patches / c.patchesPerToken() * c.outputSize() * (1 + c.deepStack().size());
    long rotaryTables = 4L * c.headDim();
    return elementBytes * (patches * (wide + rotaryTables + 2L * c.patchValues()) + tokens);
  }

  /**
   * Encodes pictures.
   *
   * @param patches [B, T, patchValues] in the compute type, in the grid's order
   * @return temporaries of the caller's scope
   */
  Output encode(Tensor patches, PatchGrid grid) {
    RotaryEmbedding.Table table = rotary.table(grid, patches);
    Tensor x = TorchScope.run(() -> embed(patches).add(positions(grid)));
    List<Tensor> planes = new ArrayList<>();
    try (QueryAndKey queryAndKey = new QueryAndKey()) {
      for (int i = 0; i < blocks.size(); i++) {
        Block block = blocks.get(i);
        Tensor input = x;
        boolean last = i == blocks.size() - 1;
        x = TorchScope.run(() -> forward(block, input, table, last ? queryAndKey : null));
        // The input is dead now; waiting for the caller's scope would hold every block's.
        input.close();
        int plane = config.deepStack().indexOf(i);
        if (plane >= 0) {
          planes.add(deepStack.get(plane).apply(x));
        }
      }
      return new Output(merger.apply(x), planes, x, queryAndKey.query(), queryAndKey.key());
    }
  }

  /** The patch vectors' embedding without positions: a product, for a patch is seen whole. */
  Tensor embed(Tensor patches) {
    return TorchScope.run(
        () ->
            Ops.linear(
                patches,
                patchWeight.value().view(config.hiddenSize(), config.patchValues()),
                patchBias.value()));
  }

  /** The rotary angles of a grid; see {@link VisionRotary#angles}. */
  Tensor angles(PatchGrid grid) {
    return rotary.angles(grid);
  }

  /**
   * The learned positions, interpolated bilinearly from their square grid to a picture's, corners
   * upon corners.
   *
   * @return [T, hidden] in the grid's order, in the compute type; a temporary of the caller's scope
   */
  Tensor positions(PatchGrid grid) {
    return TorchScope.run(
        () -> {
          Tensor table = positions.value();
          int side = config.positionSide();
          Axis rows = Axis.of(side, grid.height(), grid.rows());
          Axis columns = Axis.of(side, grid.width(), grid.columns());
          Tensor sum = null;
          for (int corner = 0; corner < 4; corner++) {
            boolean below = corner >= 2;
            boolean right = corner % 2 == 1;
            Tensor index =
                (below ? rows.next : rows.floor)
                    .mul(new Scalar((long) side))
                    .add(right ? columns.next : columns.floor);
            Tensor weight = rows.weight(below).mul(columns.weight(right)).unsqueeze(1);
            Tensor part =
                table
                    .index_select(0, index.to(table.device(), ScalarType.Long))
                    .mul(weight.to(table.device(), table.scalar_type().intern()));
            sum = sum == null ? part : sum.add(part);
          }
          return java.util.Objects.requireNonNull(sum);
        });
  }

  /**
   * Where the patches of a picture lie along one axis of the learned grid.
   *
   * @param floor int64 [T], the learned position at or before each patch
   * @param next int64 [T], the one behind it, or the last
   * @param share F32 [T], how far towards the next
   */
  private record Axis(Tensor floor, Tensor next, Tensor share) {
    static Axis of(int side, int patches, long[] order) {
      Tensor exact =
          torch
              .linspace(new Scalar(0.0), new Scalar(side - 1.0), patches)
              .index_select(0, torch.tensor(order));
      Tensor floor = exact.to(ScalarType.Long);
      return new Axis(
          floor,
          floor.add(new Scalar(1L)).clamp_max(new Scalar(side - 1L)),
          exact.sub(floor.to(ScalarType.Float)));
    }

    Tensor weight(boolean ofNext) {
      return ofNext ? share : share.neg().add(new Scalar(1.0));
    }
  }

  /**
   * One block.
   *
   * @param queryAndKey receives the block's rotated q and k [B, T, heads, headDim]; or null
   */
  private Tensor forward(
      Block block, Tensor x, RotaryEmbedding.Table table, @Nullable QueryAndKey queryAndKey) {
    long batch = x.size(0);
    long patches = x.size(1);
    long dim = config.headDim();
    Tensor y;
    try (PointerScope scope = new PointerScope()) {
      Tensor qkv =
          block.qkv.apply(block.norm1.apply(x)).view(batch, patches, 3, config.heads(), dim);
      Tensor q = VisionRotary.apply(qkv.select(2, 0), table);
      Tensor k = VisionRotary.apply(qkv.select(2, 1), table);
      Tensor attended =
          Ops.attention(
              q.transpose(1, 2),
              k.transpose(1, 2),
              qkv.select(2, 2).transpose(1, 2),
              null,
              false,
              1 / Math.sqrt(dim));
      y =
          TorchScope.detach(
              x.add(
                  block.proj.apply(
                      attended.transpose(1, 2).reshape(batch, patches, config.hiddenSize()))));
      if (queryAndKey != null) {
        queryAndKey.take(q, k);
      }
    }
    TorchScope.attach(y);
    return y.add(block.fc2.apply(config.activation().apply(block.fc1.apply(block.norm2.apply(y)))));
  }
}
