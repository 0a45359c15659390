/* SPDX-License-Identifier: Apache-2.0 */
#include "cases.hpp"

namespace {

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
  // f32 scores in; u8 mask and i64 list out, all of it: past the counts it is -1.
  row.bytes = (4 + 1 + 8) * n;
  row.workspace_bytes = static_cast<int64_t>(bytes);
  row.ceiling = "copy";
  add(backend, row, call, results);
}

}  // namespace

void measure_nucleus_select(const Backend& backend, const Wanted& wanted, Results& results) {
  attempt(nucleus_case, backend, wanted, results, 32, 256);
  attempt(nucleus_case, backend, wanted, results, 512, 256);
  attempt(nucleus_case, backend, wanted, results, 512, 4096);
  attempt(nucleus_case, backend, wanted, results, 1, 131072);
}
