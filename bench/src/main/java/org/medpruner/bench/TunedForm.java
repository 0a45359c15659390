package org.medpruner.bench;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.torch.TorchScope;

/**
 * The fastest forms of the same results that were found in LibTorch's ops, so that a ratio over the
 * authors' form shows how much of it is the form's and how much LibTorch's. Scratch tensors are the
 * caller's and kept: the page faults of large temporaries would otherwise dominate.
 */
final class TunedForm {
  private TunedForm() {}

  /**
   * Stage 1 in one scratch slice: the difference and its L1 norm, two passes instead of three.
   *
   * @param scratch as one slice
   */
  static boolean[] keptSlices(Tensor images, Tensor scratch, double gamma) {
    int depth = Math.toIntExact(images.size(0));
    double limit = gamma * images.size(1);
    boolean[] keep = new boolean[depth];
    keep[0] = true;
    int anchor = 0;
    for (int i = 1; i < depth; i++) {
      try (PointerScope step = new PointerScope()) {
        torch.sub_out(scratch, images.select(0, i), images.select(0, anchor));
        if (scratch.abs_().sum().item_float() > limit) {
          keep[i] = true;
          anchor = i;
        }
      }
    }
    return keep;
  }

  /**
   * The column mass head by head in one [T, T] scratch matrix and its softmax.
   *
   * @param query [H, T, d], compact
   * @param logits scratch [T, T]
   * @param attention scratch [T, T]
   */
  static AuthorsForm.Scores columnMass(
      Tensor query, Tensor key, long group, Tensor logits, Tensor attention) {
    long heads = query.size(0);
    long tokens = query.size(1) / group;
    Tensor mass =
        TorchScope.run(
            () -> {
              Tensor scaled = query.mul(new Scalar(1 / Math.sqrt(query.size(2))));
              Tensor columns = torch.zeros(query.size(1));
              for (long h = 0; h < heads; h++) {
                try (PointerScope step = new PointerScope()) {
                  torch.mm_out(logits, scaled.select(0, h), key.select(0, h).transpose(0, 1));
                  torch.softmax_out(attention, logits, -1);
                  columns.add_(attention.sum(0));
                }
              }
              return columns.div_(new Scalar(heads)).view(tokens, group).mean(-1);
            });
    Tensor keys =
        TorchScope.run(() -> key.view(heads, tokens, group, key.size(2)).mean(0, 2).unsqueeze(0));
    return new AuthorsForm.Scores(mass, keys);
  }

  /**
   * The merge without the one-hot matrix: sums by index_add, and only the rows that stay are
   * copied.
   *
   * @param features [G, n, C]
   * @param keys [G, n, d]
   * @param nuclei bool [G, n]
   */
  static AuthorsForm.Merged mergeAndCompact(
      Tensor features, Tensor keys, Tensor nuclei, double ratio) {
    try (PointerScope scope = new PointerScope()) {
      int images = Math.toIntExact(features.size(0));
      long n = features.size(1);
      long targets = Math.max((long) (ratio * n), 1);
      Tensor unit = keys.div(keys.norm(new ScalarOptional(new Scalar(2)), new long[] {-1}, true));
      Tensor mask = nuclei.clone();
      Tensor[] rows = new Tensor[images];
      Tensor[] sums = new Tensor[images];
      for (int i = 0; i < images; i++) {
        try (PointerScope step = new PointerScope()) {
          Tensor rest = nuclei.select(0, i).logical_not().nonzero().view(-1);
          long count = rest.size(0);
          long stride = Math.max(1, count / targets);
          Tensor chosen =
              torch.arange(
                  new Scalar(0), new Scalar(Math.min(count, targets * stride)), new Scalar(stride));
          Tensor target = rest.index_select(0, chosen);
          mask.select(0, i).index_fill_(0, target, new Scalar(1));
          Tensor others =
              rest.index_select(
                  0,
                  torch
                      .ones(count)
                      .to(ScalarType.Bool)
                      .index_fill_(0, chosen, new Scalar(0))
                      .nonzero()
                      .view(-1));
          Tensor k = unit.select(0, i);
          Tensor assigned =
              torch
                  .mm(k.index_select(0, others), k.index_select(0, target).transpose(0, 1))
                  .argmax(new LongOptional(1), false);
          Tensor x = features.select(0, i);
          Tensor sum =
              torch
                  .zeros(target.size(0), x.size(1))
                  .index_add_(0, assigned, x.index_select(0, others));
          Tensor counted =
              torch
                  .bincount(assigned, new org.bytedeco.pytorch.TensorOptional(), target.size(0))
                  .clamp(new ScalarOptional(new Scalar(1)))
                  .unsqueeze(1);
          sums[i] = TorchScope.detach(sum.div_(counted).add_(x.index_select(0, target)));
          rows[i] = TorchScope.detach(target.add_(new Scalar(i * n)));
        }
        TorchScope.attach(sums[i]);
        TorchScope.attach(rows[i]);
      }
      Tensor flat = mask.view(-1);
      Tensor kept = flat.nonzero().view(-1);
      Tensor packed = features.view(images * n, -1).index_select(0, kept);
      Tensor place = flat.to(ScalarType.Long).cumsum(0).sub_(new Scalar(1));
      packed.index_copy_(
          0,
          place.index_select(0, torch.cat(new TensorVector(rows))),
          torch.cat(new TensorVector(sums)));
      return new AuthorsForm.Merged(TorchScope.detach(packed), TorchScope.detach(flat));
    }
  }
}
