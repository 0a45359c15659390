/* SPDX-License-Identifier: Apache-2.0 */
// prune, from given masses and as the whole of stage 2 from queries and keys.

#include "cases.hpp"

namespace {

constexpr int64_t kPool = 16;
constexpr double kRatio = 0.05;

struct Size {
  int64_t segments, tokens, channels;
};

/** medpruner_prune with its tensors on the backend. */
template <class T>
struct PruneCall {
  PruneCall(Tensors& t, const Size& size, int64_t dim)
      : n(size.segments * size.tokens),
        packed(t.out<T>({n, size.channels})),
        packed_rows(t.out<int64_t>({n})),
        packed_offsets(t.out<int64_t>({size.segments + 1})),
        role(t.out<uint8_t>({n})),
        assignment(t.out<int64_t>({n})),
        kept_mass(t.out<double>({size.segments})),
        flags(t.out<uint32_t>({size.segments})),
        features(normals<T>(31, static_cast<size_t>(n * size.channels))),
        bounds(equal_segments(size.segments, size.tokens)),
        x(t.in(features, {n, size.channels})),
        offsets(t.in(bounds, {size.segments + 1})),
        head_dim(dim) {}

  void plan(Tensors& t) {
    must(medpruner_prune_workspace(&params, query, key, keys, x, offsets, nullptr, &bytes));
    workspace = t.workspace(bytes);
  }

  void run(void* stream) const {
    must(medpruner_prune(&params, query, key, nullptr, mass, keys, x, offsets, nullptr, nullptr,
                         packed, packed_rows, packed_offsets, role, assignment, kept_mass, flags,
                         workspace, bytes, stream));
  }

  /** Everything after the masses against the plain references or, for CUDA, the CPU backend. */
  int64_t check(const Backend& backend, const Tensors& t, const Size& size) const {
    const std::vector<float> scores = t.get<float>(mass);
    Tensor<float> pooled({n, head_dim}, t.get<float>(keys));
    Tensor<T> rows({n, size.channels}, features);
    const auto selected = backend.cuda() ? nucleus_select(kCpu, params.nucleus, scores, bounds)
                                         : reference::nucleus_select(params.nucleus, scores, bounds);
    const auto merged =
        backend.cuda()
            ? contextual_merge(kCpu, kRatio, &rows, pooled, selected.mask.values, bounds)
            : reference::contextual_merge(kRatio, &rows, pooled, selected.mask.values, bounds);
    require_same(t.get<uint8_t>(role), merged.role.values, "prune: role");
    require_same(t.get<int64_t>(assignment), merged.assignment.values, "prune: assignment");
    require_same(t.get<double>(kept_mass), selected.kept_mass.values, "prune: kept_mass");
    const int64_t kept = t.get<int64_t>(packed_offsets).back();
    std::vector<int64_t> expected_rows;
    std::vector<T> expected;
    for (int64_t i = 0; i < n; ++i) {
      if (merged.role.values[static_cast<size_t>(i)] != MEDPRUNER_ROLE_MERGED) {
        const auto begin = merged.merged.values.begin() + i * size.channels;
        expected_rows.push_back(i);
        expected.insert(expected.end(), begin, begin + size.channels);
      }
    }
    std::vector<int64_t> numbers = t.get<int64_t>(packed_rows);
    std::vector<T> got = t.get<T>(packed);
    require(kept >= 0 && kept <= n, "prune: the total differs");
    numbers.resize(static_cast<size_t>(kept));
    got.resize(static_cast<size_t>(kept * size.channels));
    require_same(numbers, expected_rows, "prune: packed_rows");
    require_same(got, expected, "prune: packed");
    return kept;
  }

  int64_t n;
  const medpruner_tensor *query = nullptr, *key = nullptr, *mass = nullptr, *keys = nullptr;
  const medpruner_tensor *packed, *packed_rows, *packed_offsets, *role, *assignment, *kept_mass,
      *flags;
  std::vector<T> features;
  std::vector<int64_t> bounds;
  const medpruner_tensor *x, *offsets;
  int64_t head_dim;
  medpruner_prune_params params = {sizeof(medpruner_prune_params),
                                   0,
                                   contiguous(kPool),
                                   nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9, 2),
                                   {sizeof(medpruner_contextual_merge_params), 0, kRatio},
                                   0};
  size_t bytes = 0;
  void* workspace = nullptr;
};

const char* checked_against(const Backend& backend) {
  return backend.cuda() ? "the CPU backend's" : "the plain references'";
}

template <class T>
void prune_case(const Backend& backend, const Size& size, const Wanted& wanted, Results& results) {
  const std::string name = std::string(dtype_name<T>()) + " " + std::to_string(size.segments) +
                           "x" + std::to_string(size.tokens) + "x" + std::to_string(size.channels);
  if (!wanted("prune", name)) {
    return;
  }
  const int64_t dim = 72;
  Tensors t(backend);
  PruneCall<T> prune(t, size, dim);
  prune.mass = t.in(masses(prune.n), {prune.n});
  prune.keys = t.in(normals<float>(32, static_cast<size_t>(prune.n * dim)), {prune.n, dim});
  prune.plan(t);
  const auto call = [&] { prune.run(backend.stream); };
  call();
  const int64_t kept = prune.check(backend, t, size);
  Row row;
  row.op = "prune";
  row.name = name;
  row.shape = dimensions({prune.n, size.channels}) + " in " + std::to_string(size.segments) +
              " segments, " + std::to_string(kept) + " rows kept";
  row.dtype = dtype_name<T>();
  row.check = std::string("roles, assignment and packed rows bit-identical to ") +
              checked_against(backend);
  // Scores, keys and every feature row once in, kept rows once out.
  row.bytes = (prune.n + kept) * size.channels * static_cast<int64_t>(sizeof(T)) +
              prune.n * (dim + 1) * 4;
  row.workspace_bytes = static_cast<int64_t>(prune.bytes);
  row.ceiling = "copy";
  add(backend, row, call, results);
}

/** One stretch of calls recorded by the library itself, as a caller without a CUDA runtime would. */
class Recorded {
 public:
  Recorded(const Backend& backend, const std::function<void()>& calls) {
    must(medpruner_graph_begin(&backend.device, backend.stream));
    calls();
    must(medpruner_graph_end(&backend.device, backend.stream, &graph_));
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;
  ~Recorded() { medpruner_graph_destroy(graph_); }
  void launch(void* stream) const { must(medpruner_graph_launch(graph_, stream)); }

 private:
  medpruner_graph* graph_ = nullptr;
};

template <class T>
void stage2_case(const Backend& backend, const Size& size, int64_t heads, int64_t dim,
                 const Wanted& wanted, Results& results) {
  const int64_t patches = size.tokens * kPool;
  const std::string name = std::string(dtype_name<T>()) + " " + std::to_string(size.segments) +
                           "x" + std::to_string(patches) + "x" + std::to_string(heads) + "x" +
                           std::to_string(dim) + " to " + std::to_string(size.tokens) + "x" +
                           std::to_string(size.channels);
  if (!wanted("stage 2", name)) {
    return;
  }
  const int64_t rows = size.segments * patches;
  const size_t count = static_cast<size_t>(rows * heads * dim);
  const std::vector<T> query = normals<T>(21, count);
  const std::vector<T> key = normals<T>(22, count);
  Tensors t(backend);
  PruneCall<T> prune(t, size, dim);
  prune.query = t.in(query, {rows, heads, dim});
  prune.key = t.in(key, {rows, heads, dim});
  prune.mass = t.out<float>({prune.n});
  prune.keys = t.out<float>({prune.n, dim});
  prune.plan(t);
  const auto call = [&] { prune.run(backend.stream); };
  double worst = 0;
  const auto check = [&] {
    const std::vector<float> mass = t.get<float>(prune.mass);
    const int64_t part = patches * heads * dim;
    Tensor<T> q({patches, heads, dim}, {query.end() - part, query.end()});
    Tensor<T> k({patches, heads, dim}, {key.end() - part, key.end()});
    const MassResult one =
        attention_mass(kCpu, prune.params.attention, q, k, nullptr, {0, patches});
    require(one.status == MEDPRUNER_OK, last_error());
    const std::vector<float> last(mass.end() - size.tokens, mass.end());
    require_close(last, one.mass.values.data(), 1e-5, "stage 2: mass of the last segment", &worst);
    return prune.check(backend, t, size);
  };
  call();
  const int64_t kept = check();
  char measured[64];
  snprintf(measured, sizeof measured, " (worst %.1e)", worst);
  Row row;
  row.op = "stage 2";
  row.name = name;
  row.shape = dimensions({rows, heads, dim}) + " in " + std::to_string(size.segments) +
              " segments, " + dimensions({prune.n, size.channels}) + ", " + std::to_string(kept) +
              " rows kept";
  row.dtype = dtype_name<T>();
  row.check = std::string("the last segment's masses within 1e-5 relative of attention_mass's on "
                          "the CPU") +
              measured + "; given all masses, roles, assignment and packed rows bit-identical to " +
              checked_against(backend);
  row.bytes = static_cast<int64_t>(2 * count * sizeof(T)) +
              (prune.n + kept) * size.channels * static_cast<int64_t>(sizeof(T));
  row.flops = 2 * size.segments * heads * patches * patches * dim;  // Q K^T
  row.workspace_bytes = static_cast<int64_t>(prune.bytes);
  row.ceiling = ceiling_of_products<T>(backend);
  row.backend = backend.name();
  row.seconds = backend.time(call);
  results.attempt([&] { results.push(row); });
  if (backend.cuda()) {
    const Recorded graph(backend, call);
    const auto launch = [&] { graph.launch(backend.stream); };
    for (const medpruner_tensor* written : {prune.role, prune.mass}) {
      t.clear(written);  // so that the check sees what the launch wrote
    }
    launch();
    check();
    row.seconds = backend.time(launch);
    row.name += " graph";
    row.check += "; all of it as one graph recorded with medpruner_graph_begin, checked again after "
                 "a launch";
    results.push(std::move(row));
  }
}

}  // namespace

void measure_prune(const Backend& backend, const Wanted& wanted, Results& results) {
  if (backend.cuda()) {
    attempt(prune_case<BF16>, backend, wanted, results, Size{32, 256, 2560});
    attempt(prune_case<BF16>, backend, wanted, results, Size{512, 256, 2560});
  } else {
    attempt(prune_case<float>, backend, wanted, results, Size{32, 256, 2560});
  }
}

void measure_stage2(const Backend& backend, const Wanted& wanted, Results& results) {
  if (backend.cuda()) {
    attempt(stage2_case<BF16>, backend, wanted, results, Size{32, 256, 2560}, 16, 72);
    attempt(stage2_case<BF16>, backend, wanted, results, Size{32, 64, 2560}, 16, 72);
  } else {
    attempt(stage2_case<float>, backend, wanted, results, Size{4, 64, 2560}, 16, 72);
  }
}
