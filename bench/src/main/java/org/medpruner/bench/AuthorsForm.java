package org.medpruner.bench;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.LongOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarOptional;
import org.bytedeco.pytorch.Slice;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorIndex;
import org.bytedeco.pytorch.TensorIndexVector;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.medpruner.torch.TorchScope;

/**
 * What the authors' released Python computes, call for call in the same LibTorch ops, and in f32
 * where they use the model's dtype. Each method frees its temporaries as Python's reference counts
 * would. What a method returns is the caller's to close.
 */
final class AuthorsForm {
  private AuthorsForm() {}

  /** Stage 1 (inter_slice_compse): one L1 and one host synchronisation per slice. */
  static boolean[] keptSlices(Tensor images, double gamma) {
    int depth = Math.toIntExact(images.size(0));
    boolean[] keep = new boolean[depth];
    keep[0] = true;
    int anchor = 0;
    for (int i = 1; i < depth; i++) {
      try (PointerScope step = new PointerScope()) {
        Tensor l1 = torch.abs(images.select(0, i).sub(images.select(0, anchor))).mean();
        if (l1.gt(new Scalar(gamma)).item_bool()) {
          keep[i] = true;
          anchor = i;
        }
      }
    }
    return keep;
  }

  /** Scores and keys of one image. */
  record Scores(Tensor mass, Tensor keys) {}

  /**
   * The attention column mass of one image: softmax(Q K^T / sqrt(d)) materialised for all heads,
   * mean over heads, sum over queries, mean over groups.
   *
   * @param query [H, T, d]
   * @param key as query
   */
  static Scores columnMass(Tensor query, Tensor key, long group) {
    long tokens = query.size(1) / group;
    Tensor mass =
        TorchScope.run(
            () -> {
              Tensor logits = torch.matmul(query, key.transpose(-1, -2));
              Tensor scaled = logits.div(new Scalar(Math.sqrt(query.size(2))));
              logits.close();
              Tensor attention = torch.softmax(scaled, -1);
              scaled.close();
              return attention.mean(0).sum(0).view(tokens, group).mean(-1);
            });
    Tensor keys =
        TorchScope.run(
            () -> key.view(key.size(0), tokens, group, key.size(2)).mean(2).mean(0).unsqueeze(0));
    return new Scores(mass, keys);
  }

  /**
   * The nucleus of one image (get_mask_entropy): softmax, sort, running sum, and the first place
   * that reaches tau, which the host reads.
   *
   * @param scores [n]
   * @return bool [n]
   */
  static Tensor nucleus(Tensor scores, double tau, double temperature) {
    return TorchScope.run(
        () -> {
          Tensor p = torch.softmax(scores.div(new Scalar(temperature)), -1);
          T_TensorTensor_T sorted = torch.sort(p, -1, true);
          Tensor reached = torch.cumsum(sorted.get0(), 0).ge(new Scalar(tau));
          long k =
              reached.any().item_bool()
                  ? reached.to(ScalarType.Long).argmax().item_long() + 1
                  : scores.size(0);
          Tensor mask = torch.zeros_like(scores).to(ScalarType.Bool);
          return mask.index_put_(at(sorted.get1().narrow(0, 0, k)), new Scalar(1));
        });
  }

  /**
   * The nuclei of equal segments in one batch, without the host reading anything: what the authors'
   * steps are when they are batched.
   *
   * @param scores [G, n]
   * @return bool [G, n]
   */
  static Tensor nuclei(Tensor scores, double tau, double temperature) {
    long n = scores.size(1);
    return TorchScope.run(
        () -> {
          Tensor p = torch.softmax(scores.div(new Scalar(temperature)), -1);
          T_TensorTensor_T sorted = torch.sort(p, -1, true);
          Tensor reached = torch.cumsum(sorted.get0(), -1).ge(new Scalar(tau));
          Tensor first =
              reached.to(ScalarType.Long).argmax(new LongOptional(-1), true).add(new Scalar(1));
          Tensor k = torch.where(reached.any(-1, true), first, new Scalar(n));
          Tensor inside = torch.arange(new Scalar(n)).lt(k);
          Tensor mask = torch.zeros_like(inside);
          return mask.scatter_(1, sorted.get1(), inside);
        });
  }

  /** Features after merging, and which rows stay. */
  record Merged(Tensor features, Tensor mask) {}

  /**
   * The contextual merge of one image (dyn_token_compose after its nucleus): one-hot matrix, bmm,
   * and a copy of all features.
   *
   * @param features [n, C]
   * @param key [1, n, d]
   * @param nucleus bool [n]
   */
  static Merged merge(Tensor features, Tensor key, Tensor nucleus, double ratio) {
    long targets = Math.max((long) (ratio * nucleus.size(0)), 1);
    Tensor mask = nucleus.clone();
    Tensor merged =
        TorchScope.run(
            () -> {
              Tensor contextual = nucleus.bitwise_not();
              Tensor metric = key.index(new TensorIndexVector(all(), new TensorIndex(contextual)));
              Tensor normalised =
                  metric.div(metric.norm(new ScalarOptional(new Scalar(2)), new long[] {-1}, true));
              long rest = normalised.size(1);
              long step = Math.max(1, rest / targets);
              Tensor target =
                  torch
                      .arange(new Scalar(0), new Scalar(rest), new Scalar(step))
                      .slice(0, first(0), first(targets), 1);
              Tensor targetKeys =
                  normalised.index(new TensorIndexVector(all(), new TensorIndex(target)));
              Tensor others = torch.isin(torch.arange(new Scalar(rest)), target).bitwise_not();
              Tensor otherKeys =
                  normalised.index(new TensorIndexVector(all(), new TensorIndex(others)));
              Tensor similarity = torch.bmm(otherKeys, targetKeys.transpose(1, 2));
              Tensor oneHot =
                  torch
                      .zeros(1, otherKeys.size(1), targets)
                      .scatter_(
                          2,
                          similarity.argmax(new LongOptional(2), false).unsqueeze(-1),
                          new Scalar(1));
              Tensor counts = oneHot.sum(1).clamp(new ScalarOptional(new Scalar(1))).unsqueeze(-1);
              Tensor rows = torch.nonzero_numpy(contextual).get(0).index(at(target));
              mask.index_put_(at(rows), new Scalar(1));
              Tensor filtered = features.index(at(contextual));
              Tensor toMerge =
                  filtered.index(
                      at(
                          torch
                              .isin(torch.arange(new Scalar(filtered.size(0))), target)
                              .bitwise_not()));
              Tensor aggregated =
                  torch
                      .bmm(oneHot.transpose(1, 2), toMerge.unsqueeze(0))
                      .squeeze(0)
                      .div(counts.squeeze(0));
              Tensor combined = filtered.index(at(target)).add(aggregated);
              Tensor selected = features.clone();
              return selected.index_put_(at(rows), combined);
            });
    return new Merged(merged, mask);
  }

  /**
   * The merge of all images one after the other, then the rows that stay.
   *
   * @param features [G, n, C]
   * @param keys [G, n, d]
   * @param nuclei bool [G, n]
   * @return [kept, C]
   */
  static Merged mergeAndCompact(Tensor features, Tensor keys, Tensor nuclei, double ratio) {
    try (PointerScope scope = new PointerScope()) {
      int images = Math.toIntExact(features.size(0));
      Tensor[] merged = new Tensor[images];
      Tensor[] masks = new Tensor[images];
      for (int i = 0; i < images; i++) {
        Merged one =
            merge(
                features.select(0, i), keys.select(0, i).unsqueeze(0), nuclei.select(0, i), ratio);
        merged[i] = one.features;
        masks[i] = one.mask;
      }
      Tensor mask = torch.cat(new TensorVector(masks));
      Tensor packed = torch.cat(new TensorVector(merged)).index(at(mask));
      return new Merged(TorchScope.detach(packed), TorchScope.detach(mask));
    }
  }

  private static LongOptional first(long index) {
    return new LongOptional(index);
  }

  private static TensorIndex all() {
    return new TensorIndex(new Slice());
  }

  private static TensorIndexVector at(Tensor index) {
    return new TensorIndexVector(new TensorIndex(index));
  }
}
