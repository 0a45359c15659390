/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"

namespace {

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

/** The first token's mass in f64, where `level` is the log-sum-exp of every row. */
double first_mass(const std::vector<float>& query, const std::vector<float>& key, int64_t patches,
                  int64_t heads, int64_t dim, int64_t group, double level) {
  double sum = 0;
  for (int64_t i = 0; i < patches; ++i) {
    for (int64_t h = 0; h < heads; ++h) {
      const float* q = query.data() + (i * heads + h) * dim;
      for (int64_t j = 0; j < group; ++j) {
        const float* k = key.data() + (j * heads + h) * dim;
        double dot = 0;
        for (int64_t c = 0; c < dim; ++c) {
          dot += static_cast<double>(q[c]) * static_cast<double>(k[c]);
        }
        sum += exp(dot / sqrt(static_cast<double>(dim)) - level);
      }
    }
  }
  return sum / static_cast<double>(heads * group);
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
    if constexpr (std::is_same_v<T, float>) {
      if (with_lse) {
        const float first = static_cast<float>(
            first_mass(query, key, patches, heads, dim, group, static_cast<double>(level)));
        require_close({ours.front()}, &first, 1e-4, "attention_mass: mass of the first token",
                      &worst);
        check += ", which has no given sums; with them the first token's mass within 1e-4 of f64";
      }
    }
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
  // Q K^T once: two passes over it are one way to the masses, not what they need.
  row.flops = 2 * segments * heads * patches * patches * dim;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  row.ceiling = ceiling_of_products<T>(backend);
  add(backend, row, call, results);
}

}  // namespace

void measure_attention_mass(const Backend& backend, const Wanted& wanted, Results& results) {
  if (backend.cuda()) {
    for (const bool lse : {false, true}) {
      attempt(mass_case<BF16>, backend, wanted, results, 32, 4096, 16, 72, lse);
      attempt(mass_case<BF16>, backend, wanted, results, 32, 1024, 16, 72, lse);
      attempt(mass_case<BF16>, backend, wanted, results, 512, 256, 16, 72, lse);
    }
    attempt(mass_case<float>, backend, wanted, results, 1, 4096, 16, 72, false);
  } else {
    attempt(mass_case<float>, backend, wanted, results, 1, 4096, 16, 72, false);
    attempt(mass_case<float>, backend, wanted, results, 1, 4096, 16, 72, true);
    attempt(mass_case<float>, backend, wanted, results, 1, 1024, 16, 72, false);
  }
}
