/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"

namespace {

template <class T>
void merge_case(const Backend& backend, int64_t segments, int64_t tokens, int64_t channels,
                const Wanted& wanted, Results& results) {
  const std::string name = std::string(dtype_name<T>()) + " " + std::to_string(segments) + "x" +
                           std::to_string(tokens) + "x" + std::to_string(channels);
  const bool merge_wanted = wanted("contextual_merge+gather_rows", name);
  const bool gather_wanted = wanted("gather_rows", name);
  if (!merge_wanted && !gather_wanted) {
    return;
  }
  const int64_t n = segments * tokens;
  const int64_t dim = 72;
  const double ratio = 0.05;
  const std::vector<int64_t> bounds = equal_segments(segments, tokens);
  const NucleusResult selected =
      nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9, 2), masses(n), bounds);
  Tensor<T> features({n, channels}, normals<T>(31, static_cast<size_t>(n * channels)));
  Tensor<float> keys({n, dim}, normals<float>(32, static_cast<size_t>(n * dim)));

  Tensors t(backend);
  const medpruner_contextual_merge_params merge_params = {sizeof merge_params, 0, ratio};
  const medpruner_gather_rows_params gather_params = {sizeof gather_params, 0};
  const auto* x = t.in(features.values, features.shape);
  const auto* k = t.in(keys.values, keys.shape);
  const auto* in_nucleus = t.in(selected.mask.values, {n});
  const auto* offsets = t.in(bounds, {segments + 1});
  auto* merged = t.out<T>({n, channels});
  auto* role = t.out<uint8_t>({n});
  auto* assignment = t.out<int64_t>({n});
  auto* kept_indices = t.out<int64_t>({n});
  auto* kept_counts = t.out<int64_t>({segments});
  auto* flags = t.out<uint32_t>({segments});
  auto* packed = t.out<T>({n, channels});
  auto* packed_offsets = t.out<int64_t>({segments + 1});
  auto* gather_flags = t.out<uint32_t>({segments});
  size_t merge_bytes = 0, gather_bytes = 0;
  must(medpruner_contextual_merge_workspace(&merge_params, k, offsets, &merge_bytes));
  must(medpruner_gather_rows_workspace(&gather_params, x, offsets, &gather_bytes));
  void* merge_workspace = t.workspace(merge_bytes);
  void* gather_workspace = t.workspace(gather_bytes);
  const auto gather = [&] {
    must(medpruner_gather_rows(&gather_params, merged, kept_indices, kept_counts, offsets, packed,
                               packed_offsets, gather_flags, gather_workspace, gather_bytes,
                               backend.stream));
  };
  const auto both = [&] {
    must(medpruner_contextual_merge(&merge_params, x, k, in_nucleus, offsets, merged, role,
                                    assignment, kept_indices, kept_counts, flags, merge_workspace,
                                    merge_bytes, backend.stream));
    gather();
  };
  both();
  const MergeResult<T> expected =
      backend.cuda()
          ? contextual_merge(kCpu, ratio, &features, keys, selected.mask.values, bounds)
          : reference::contextual_merge(ratio, &features, keys, selected.mask.values, bounds);
  require_same(t.get<int64_t>(assignment), expected.assignment.values,
               "contextual_merge: assignment");
  require_same(t.get<int64_t>(kept_indices), expected.kept_indices.values,
               "contextual_merge: kept_indices");
  const int64_t kept = t.get<int64_t>(packed_offsets).back();
  std::vector<T> rows;
  for (const int64_t i : expected.kept_indices.values) {
    if (i >= 0) {
      const auto begin = expected.merged.values.begin() + i * channels;
      rows.insert(rows.end(), begin, begin + channels);
    }
  }
  std::vector<T> got = t.get<T>(packed);
  got.resize(static_cast<size_t>(kept * channels));
  require_same(got, rows, "gather_rows: packed");

  const int64_t width = static_cast<int64_t>(sizeof(T));
  Row row;
  row.op = "contextual_merge+gather_rows";
  row.name = name;
  row.shape = dimensions({n, channels}) + " in " + std::to_string(segments) + " segments, " +
              std::to_string(kept) + " rows kept";
  row.dtype = dtype_name<T>();
  row.check = std::string("assignment, lists and packed rows bit-identical to ") +
              (backend.cuda() ? "the CPU backend" : "the plain reference");
  row.bytes = (n + kept) * channels * width + n * dim * 4;
  row.workspace_bytes = static_cast<int64_t>(merge_bytes + gather_bytes);
  row.ceiling = "copy";
  if (merge_wanted) {
    add(backend, row, both, results);
  }
  row.op = "gather_rows";
  row.bytes = 2 * kept * channels * width;
  row.workspace_bytes = static_cast<int64_t>(gather_bytes);
  if (gather_wanted) {
    add(backend, row, gather, results);
  }
}

}  // namespace

void measure_merge_and_gather(const Backend& backend, const Wanted& wanted, Results& results) {
  if (backend.cuda()) {
    attempt(merge_case<BF16>, backend, wanted, results, 32, 256, 2560);
    attempt(merge_case<BF16>, backend, wanted, results, 512, 256, 2560);
    attempt(merge_case<BF16>, backend, wanted, results, 32, 1024, 3584);
  } else {
    attempt(merge_case<float>, backend, wanted, results, 32, 256, 2560);
  }
}
