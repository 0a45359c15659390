/* SPDX-License-Identifier: Apache-2.0 */
// The sizes that are measured, and the check in front of each: CUDA against the CPU backend, the CPU
// backend against the plain references of the tests.

#include <math.h>

#include <algorithm>

#include "measure.hpp"
#include "ops.hpp"
#include "reference.hpp"

namespace {

template <class T>
const char* dtype_name();
template <>
const char* dtype_name<uint8_t>() { return "u8"; }
template <>
const char* dtype_name<float>() { return "f32"; }
template <>
const char* dtype_name<BF16>() { return "bf16"; }

template <class T>
void require_same(const std::vector<T>& a, const std::vector<T>& b, const char* what) {
  require(a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0,
          std::string(what) + " differs");
}

std::string dimensions(std::initializer_list<int64_t> extents) {
  std::string text;
  for (const int64_t extent : extents) {
    text += (text.empty() ? "[" : ", ") + std::to_string(extent);
  }
  return text + "]";
}

/** Adds the row, and on CUDA a second one, replayed as a graph. */
void add(const Backend& backend, Row row, const std::function<void()>& call, Results& results) {
  row.backend = backend.name();
  row.seconds = backend.time(call);
  results.rows.push_back(row);
  if (backend.cuda()) {
    size_t nodes = 0;
    row.seconds = backend.time_graph(call, &nodes);
    row.name += " graph";
    row.check += "; captured as a graph of " + std::to_string(nodes) +
                 " nodes, which a host synchronisation or an allocation would have failed";
    results.rows.push_back(std::move(row));
  }
}

}  // namespace

// ---- slice_anchor ----

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
void anchor_case(const Backend& backend, int64_t depth, int64_t side, bool decide_only,
                 const Wanted& wanted, Results& results) {
  const std::string name = std::string(dtype_name<T>()) + " " + std::to_string(depth) + "x3x" +
                           std::to_string(side) + "x" + std::to_string(side) +
                           (decide_only ? " all kept, decide only" : "");
  if (!wanted("slice_anchor", name)) {
    return;
  }
  const int64_t values = 3 * side * side;
  const double gamma = 0.05;
  const double scale = sizeof(T) == 1 ? 1 / 127.5 : 1;
  Tensor<T> slices;
  slices.shape = {depth, values};
  {
    std::vector<uint8_t> pixels = drifting_slices(depth, values, decide_only ? 64 : 8);
    if constexpr (sizeof(T) == 1) {
      slices.values = std::move(pixels);
    } else {
      slices.values.reserve(pixels.size());
      for (const uint8_t p : pixels) {
        slices.values.push_back(static_cast<T>(p / 127.5 - 1));
      }
    }
  }
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

}  // namespace

void measure_slice_anchor(const Backend& backend, const Wanted& wanted, Results& results) {
  const int64_t side = 896;
  for (const int64_t depth : backend.cuda() ? std::vector<int64_t>{32, 128, 512}
                                            : std::vector<int64_t>{32}) {
    anchor_case<float>(backend, depth, side, false, wanted, results);
    anchor_case<uint8_t>(backend, depth, side, false, wanted, results);
  }
  anchor_case<uint8_t>(backend, 32, side, true, wanted, results);
}

// ---- attention_mass ----

namespace {

template <class T>
std::vector<T> normals(uint64_t seed, size_t count) {
  Noise noise(seed);
  std::vector<T> values(count);
  for (T& v : values) {
    if constexpr (std::is_same_v<T, BF16>) {
      const float f = noise.normal();
      uint32_t bits;
      memcpy(&bits, &f, 4);
      v.bits = static_cast<uint16_t>(bits >> 16);
    } else {
      v = noise.normal();
    }
  }
  return values;
}

void require_close(const std::vector<float>& a, const float* b, double tolerance, const char* what,
                   double* worst) {
  for (size_t i = 0; i < a.size(); ++i) {
    const double expected = static_cast<double>(b[i]);
    const double difference =
        fabs(static_cast<double>(a[i]) - expected) / std::max(1.0, fabs(expected));
    require(difference <= tolerance, std::string(what) + " differs");
    *worst = std::max(*worst, difference);
  }
}

/** The plain reference, in f64, is for small sizes: the same code at T 384. */
double check_mass_small(const medpruner_device& device, int64_t heads, int64_t dim, int64_t group) {
  const int64_t n = 384;
  Tensor<float> q({n, heads, dim}, normals<float>(21, static_cast<size_t>(n * heads * dim)));
  Tensor<float> k({n, heads, dim}, normals<float>(22, static_cast<size_t>(n * heads * dim)));
  const MassResult ours = attention_mass(device, contiguous(group), q, k, nullptr, {0, n});
  require(ours.status == MEDPRUNER_OK, last_error());
  const std::vector<double> column = reference::column_mass(
      q.values, k.values, n, heads, dim, 1 / sqrt(static_cast<double>(dim)));
  std::vector<float> pooled;
  for (int64_t j = 0; j < n; j += group) {
    double sum = 0;
    for (int64_t i = j; i < j + group; ++i) {
      sum += column[static_cast<size_t>(i)];
    }
    pooled.push_back(static_cast<float>(sum / static_cast<double>(group)));
  }
  double worst = 0;
  require_close(ours.mass.values, pooled.data(), 1e-4, "attention_mass at T 384", &worst);
  return worst;
}

template <class T>
void mass_case(const Backend& backend, int64_t segments, int64_t patches, int64_t heads,
               int64_t dim, bool with_lse, const Wanted& wanted, Results& results) {
  const std::string name = std::string(dtype_name<T>()) + " " + std::to_string(segments) + "x" +
                           std::to_string(patches) + "x" + std::to_string(heads) + "x" +
                           std::to_string(dim) + (with_lse ? " lse given" : "");
  if (!wanted("attention_mass", name)) {
    return;
  }
  const int64_t group = 16;
  const int64_t rows = segments * patches;
  const int64_t tokens = rows / group;
  const auto params = contiguous(group);
  const size_t count = static_cast<size_t>(rows * heads * dim);
  const std::vector<T> query = normals<T>(21, count);
  const std::vector<T> key = normals<T>(22, count);
  Tensors t(backend);
  const auto* q = t.in(query, {rows, heads, dim});
  const auto* k = t.in(key, {rows, heads, dim});
  // log(T) + 1/2 is what scores of variance 1 give; any finite value costs the same.
  const float level = static_cast<float>(log(static_cast<double>(patches)) + 0.5);
  const std::vector<float> sums(static_cast<size_t>(heads * rows), level);
  const auto* lse = with_lse ? t.in(sums, {heads, rows}) : nullptr;
  const auto* offsets = t.in(equal_segments(segments, patches), {segments + 1});
  auto* mass = t.out<float>({tokens});
  auto* keys = t.out<float>({tokens, dim});
  auto* flags = t.out<uint32_t>({segments});
  size_t bytes = 0;
  must(medpruner_attention_mass_workspace(&params, q, k, offsets, &bytes));
  void* workspace = t.workspace(bytes);
  const auto call = [&] {
    must(medpruner_attention_mass(&params, q, k, lse, offsets, mass, keys, flags, workspace, bytes,
                                  backend.stream));
  };
  call();
  const std::vector<float> ours = t.get<float>(mass);
  double worst = 0;
  std::string check;
  if (backend.cuda()) {
    // Segments are independent, so one of them stands for the batch; the last, where offsets are largest.
    const size_t part = static_cast<size_t>(patches * heads * dim);
    Tensor<T> one_q({patches, heads, dim}, {query.end() - static_cast<int64_t>(part), query.end()});
    Tensor<T> one_k({patches, heads, dim}, {key.end() - static_cast<int64_t>(part), key.end()});
    Tensor<float> one_lse({heads, patches},
                          std::vector<float>(static_cast<size_t>(heads * patches), level));
    const MassResult cpu = attention_mass(kCpu, params, one_q, one_k, with_lse ? &one_lse : nullptr,
                                          {0, patches});
    const std::vector<float> last(ours.end() - patches / group, ours.end());
    require_close(last, cpu.mass.values.data(), 1e-5, "attention_mass: mass of the last segment",
                  &worst);
    check = "the last segment's masses within 1e-5 relative of the CPU backend's";
  } else {
    worst = check_mass_small(backend.device, heads, dim, group);
    check = "masses within 1e-4 relative of the plain f64 reference at T 384";
  }
  if (!with_lse) {
    double sum = 0;
    for (const float m : ours) {
      sum += static_cast<double>(m);
    }
    const double mean = sum / static_cast<double>(tokens);
    require(fabs(mean - 1) < 1e-4, "attention_mass: the mean mass is " + std::to_string(mean));
    check += "; mean mass of all 1 within 1e-4";
  }
  char measured[64];
  snprintf(measured, sizeof measured, " (worst %.1e)", worst);
  Row row;
  row.op = "attention_mass";
  row.name = name;
  row.shape = dimensions({rows, heads, dim}) + " in " + std::to_string(segments) + " segments";
  row.dtype = dtype_name<T>();
  row.check = check + measured;
  row.bytes = static_cast<int64_t>(2 * count * sizeof(T));
  row.flops = (with_lse ? 2 : 4) * segments * heads * patches * patches * dim;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  row.ceiling = backend.cuda() ? "" : "f32 fma";
  add(backend, row, call, results);
}

}  // namespace

void measure_attention_mass(const Backend& backend, const Wanted& wanted, Results& results) {
  if (backend.cuda()) {
    for (const bool lse : {false, true}) {
      mass_case<BF16>(backend, 32, 4096, 16, 72, lse, wanted, results);
      mass_case<BF16>(backend, 32, 1024, 16, 72, lse, wanted, results);
      mass_case<BF16>(backend, 512, 256, 16, 72, lse, wanted, results);
    }
    mass_case<float>(backend, 1, 4096, 16, 72, false, wanted, results);
  } else {
    mass_case<float>(backend, 1, 4096, 16, 72, false, wanted, results);
    mass_case<float>(backend, 1, 4096, 16, 72, true, wanted, results);
    mass_case<float>(backend, 1, 1024, 16, 72, false, wanted, results);
  }
}

// ---- nucleus_select ----

namespace {

/** Attention masses: log-normal, mean near 1. */
std::vector<float> masses(int64_t count) {
  Noise noise(12);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) {
    v = expf(noise.normal() - 0.5f);
  }
  return values;
}

void nucleus_case(const Backend& backend, int64_t segments, int64_t tokens, const Wanted& wanted,
                  Results& results) {
  const std::string name = std::to_string(segments) + "x" + std::to_string(tokens);
  if (!wanted("nucleus_select", name)) {
    return;
  }
  const int64_t n = segments * tokens;
  const auto params = nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9, 2);
  const std::vector<float> values = masses(n);
  const std::vector<int64_t> bounds = equal_segments(segments, tokens);
  Tensors t(backend);
  const auto* scores = t.in(values, {n});
  const auto* offsets = t.in(bounds, {segments + 1});
  auto* mask = t.out<uint8_t>({n});
  auto* kept_indices = t.out<int64_t>({n});
  auto* kept_counts = t.out<int64_t>({segments});
  auto* kept_mass = t.out<double>({segments});
  auto* flags = t.out<uint32_t>({segments});
  size_t bytes = 0;
  must(medpruner_nucleus_select_workspace(&params, scores, offsets, nullptr, &bytes));
  void* workspace = t.workspace(bytes);
  const auto call = [&] {
    must(medpruner_nucleus_select(&params, scores, offsets, nullptr, mask, kept_indices,
                                  kept_counts, kept_mass, flags, workspace, bytes,
                                  backend.stream));
  };
  call();
  const NucleusResult expected = backend.cuda()
                                     ? nucleus_select(kCpu, params, values, bounds)
                                     : reference::nucleus_select(params, values, bounds);
  require_same(t.get<uint8_t>(mask), expected.mask.values, "nucleus_select: mask");
  require_same(t.get<int64_t>(kept_indices), expected.kept_indices.values,
               "nucleus_select: kept_indices");
  require_same(t.get<double>(kept_mass), expected.kept_mass.values, "nucleus_select: kept_mass");
  Row row;
  row.op = "nucleus_select";
  row.name = name;
  row.shape = dimensions({n}) + " in " + std::to_string(segments) + " segments";
  row.dtype = "f32";
  row.check = std::string("masks, lists and kept masses bit-identical to ") +
              (backend.cuda() ? "the CPU backend" : "the plain reference");
  row.bytes = 9 * n;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  add(backend, row, call, results);
}

}  // namespace

void measure_nucleus_select(const Backend& backend, const Wanted& wanted, Results& results) {
  nucleus_case(backend, 32, 256, wanted, results);
  nucleus_case(backend, 512, 256, wanted, results);
  nucleus_case(backend, 512, 4096, wanted, results);
  nucleus_case(backend, 1, 131072, wanted, results);
}

// ---- contextual_merge and gather_rows ----

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
    merge_case<BF16>(backend, 32, 256, 2560, wanted, results);
    merge_case<BF16>(backend, 512, 256, 2560, wanted, results);
    merge_case<BF16>(backend, 32, 1024, 3584, wanted, results);
  } else {
    merge_case<float>(backend, 32, 256, 2560, wanted, results);
  }
}
