/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"

namespace {

/** Pictures whose neighbours differ by less than `drift`: 8 keeps every third at gamma 0.05, 64 all. */
std::vector<uint8_t> drifting_slices(int64_t depth, int64_t values, int drift) {
  std::vector<uint8_t> x(static_cast<size_t>(depth * values));
  Noise noise(11);
  for (int64_t j = 0; j < values; ++j) {
    x[static_cast<size_t>(j)] = static_cast<uint8_t>(noise.next() >> 56);
  }
  uint64_t bits = 0;
  for (int64_t j = values; j < depth * values; ++j) {
    bits = j % 8 == 0 || j == values ? noise.next() : bits >> 8;
    const int step = static_cast<int>(bits & 255) % (2 * drift) - drift;
    x[static_cast<size_t>(j)] =
        static_cast<uint8_t>(std::clamp(x[static_cast<size_t>(j - values)] + step, 0, 255));
  }
  return x;
}

template <class T>
Tensor<T> pictures(int64_t depth, int64_t values, int drift) {
  Tensor<T> slices;
  slices.shape = {depth, values};
  std::vector<uint8_t> pixels = drifting_slices(depth, values, drift);
  if constexpr (sizeof(T) == 1) {
    slices.values = std::move(pixels);
  } else {
    slices.values.reserve(pixels.size());
    for (const uint8_t p : pixels) {
      slices.values.push_back(static_cast<T>(p / 127.5 - 1));
    }
  }
  return slices;
}

template <class T>
std::string size_name(int64_t depth, int64_t side) {
  return std::string(dtype_name<T>()) + " " + std::to_string(depth) + "x3x" + std::to_string(side) +
         "x" + std::to_string(side);
}

template <class T>
void anchor_case(const Backend& backend, int64_t depth, int64_t side, bool decide_only,
                 const Wanted& wanted, Results& results) {
  const std::string name =
      size_name<T>(depth, side) + (decide_only ? " all kept, decide only" : "");
  if (!wanted("slice_anchor", name)) {
    return;
  }
  const int64_t values = 3 * side * side;
  const double gamma = 0.05;
  const double scale = sizeof(T) == 1 ? 1 / 127.5 : 1;
  Tensor<T> slices = pictures<T>(depth, values, decide_only ? 64 : 8);
  Tensors t(backend);
  const medpruner_slice_anchor_params params = {
      sizeof params, decide_only ? uint32_t{MEDPRUNER_ANCHOR_DECIDE_ONLY} : 0, gamma, scale, 0};
  const auto* x = t.in(slices.values, slices.shape);
  const auto* offsets = t.in(std::vector<int64_t>{0, depth}, {2});
  auto* keep = t.out<uint8_t>({depth});
  auto* distance = decide_only ? nullptr : t.out<float>({depth});
  auto* representative = t.out<int32_t>({depth});
  auto* kept_indices = t.out<int32_t>({depth});
  auto* kept_counts = t.out<int32_t>({1});
  auto* flags = decide_only ? nullptr : t.out<uint32_t>({depth});
  size_t bytes = 0;
  must(medpruner_slice_anchor_workspace(&params, x, offsets, &bytes));
  void* workspace = t.workspace(bytes);
  const auto call = [&] {
    must(medpruner_slice_anchor(&params, x, offsets, keep, distance, representative, kept_indices,
                                kept_counts, flags, workspace, bytes, backend.stream));
  };
  call();
  const AnchorResult expected =
      backend.cuda() ? slice_anchor(kCpu, slices, {0, depth}, gamma, scale)
                     : reference::slice_anchor(slices, {0, depth}, gamma, scale, 0);
  require_same(t.get<uint8_t>(keep), expected.keep.values, "slice_anchor: keep");
  if (!decide_only) {
    require_same(t.get<float>(distance), expected.distance.values, "slice_anchor: distance");
  }
  require_same(t.get<int32_t>(representative), expected.representative.values,
               "slice_anchor: representative");
  Row row;
  row.op = "slice_anchor";
  row.name = name;
  row.shape = dimensions({depth, 3, side, side});
  row.dtype = dtype_name<T>();
  row.check = std::string(decide_only ? "keep and representatives bit-identical to those with "
                                        "distances of "
                                      : "keep, distances and representatives bit-identical to ") +
              (backend.cuda() ? "the CPU backend" : "the plain reference");
  row.bytes = depth * values * static_cast<int64_t>(sizeof(T));
  row.flops = 2 * (depth - 1) * values;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  if (!decide_only) {  // which may leave most bytes unread
    row.ceiling = backend.cuda() ? "copy" : "read";
  }
  add(backend, row, call, results);
}

/** The guard for small findings, measuring alone: what it costs is the difference to the case without. */
template <class T>
void patch_case(const Backend& backend, int64_t depth, int64_t side, const Wanted& wanted,
                Results& results) {
  const int64_t patch = 14;  // MedGemma's
  const std::string name = size_name<T>(depth, side) + " with patches of " + std::to_string(patch) +
                           "x" + std::to_string(patch);
  if (!wanted("slice_anchor", name)) {
    return;
  }
  const int64_t values = 3 * side * side;
  Tensor<T> slices = pictures<T>(depth, values, 8);
  const auto params = patches(0.05, sizeof(T) == 1 ? 1 / 127.5 : 1, INFINITY,
                              {3, side, side, patch, patch});
  Tensors t(backend);
  const auto* x = t.in(slices.values, slices.shape);
  const auto* offsets = t.in(std::vector<int64_t>{0, depth}, {2});
  auto* keep = t.out<uint8_t>({depth});
  auto* distance = t.out<float>({depth});
  auto* patch_distance = t.out<float>({depth});
  auto* patch_index = t.out<int32_t>({depth});
  auto* representative = t.out<int32_t>({depth});
  auto* kept_indices = t.out<int32_t>({depth});
  auto* kept_counts = t.out<int32_t>({1});
  auto* flags = t.out<uint32_t>({depth});
  size_t bytes = 0;
  must(medpruner_slice_anchor_patches_workspace(&params, x, offsets, &bytes));
  void* workspace = t.workspace(bytes);
  const auto call = [&] {
    must(medpruner_slice_anchor_patches(&params, x, offsets, keep, distance, patch_distance,
                                        patch_index, representative, kept_indices, kept_counts,
                                        flags, workspace, bytes, backend.stream));
  };
  call();
  const AnchorResult expected =
      backend.cuda() ? slice_anchor_patches(kCpu, slices, {0, depth}, params)
                     : reference::slice_anchor(slices, {0, depth}, params.anchor.gamma,
                                               params.anchor.scale, 0, &params);
  require_same(t.get<uint8_t>(keep), expected.keep.values, "slice_anchor: keep");
  require_same(t.get<float>(distance), expected.distance.values, "slice_anchor: distance");
  require_same(t.get<float>(patch_distance), expected.patch_distance.values,
               "slice_anchor: patch_distance");
  require_same(t.get<int32_t>(patch_index), expected.patch_index.values,
               "slice_anchor: patch_index");
  Row row;
  row.op = "slice_anchor";
  row.name = name;
  row.shape = dimensions({depth, 3, side, side});
  row.dtype = dtype_name<T>();
  row.check = std::string("keep, distances, patch distances and patches bit-identical to ") +
              (backend.cuda() ? "the CPU backend" : "the plain reference");
  row.bytes = depth * values * static_cast<int64_t>(sizeof(T));
  row.flops = 2 * (depth - 1) * values;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  row.ceiling = backend.cuda() ? "copy" : "read";
  add(backend, row, call, results);
}

}  // namespace

void measure_slice_anchor(const Backend& backend, const Wanted& wanted, Results& results) {
  const int64_t side = 896;
  for (const int64_t depth : backend.cuda() ? std::vector<int64_t>{32, 128, 512}
                                            : std::vector<int64_t>{32}) {
    attempt(anchor_case<float>, backend, wanted, results, depth, side, false);
    attempt(anchor_case<uint8_t>, backend, wanted, results, depth, side, false);
  }
  attempt(anchor_case<uint8_t>, backend, wanted, results, 32, side, true);
  attempt(patch_case<float>, backend, wanted, results, 32, side);
  attempt(patch_case<uint8_t>, backend, wanted, results, 32, side);
}
