/* SPDX-License-Identifier: Apache-2.0 */
// Stage 2 and stage 1 recorded once and replayed on other inputs in the same memory: as a call of its own, bit for bit.

#include "recorded.hpp"

#include <thread>

#include "cases.hpp"
#include "checks.hpp"

namespace {

using recorded::masses;
using recorded::randomise;
using recorded::Recorded;

void check_recorded(PruneCase<float> c, int rounds) {
  cases::Random random(122);
  randomise(random, c);
  Recorded call(c);
  medpruner_graph* graph = nullptr;
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, call.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, call.stream(), &graph), MEDPRUNER_OK);
  CHECK(graph != nullptr);
  for (int round = 0; round < rounds; ++round) {
    randomise(random, c);
    call.change_mass(c.mass.values);
    CHECK_EQUAL(medpruner_graph_launch(graph, call.stream()), MEDPRUNER_OK);
    // Rows past the total hold what longer results before this one left there.
    PruneResult<float> actual = call.fetch();
    PruneResult<float> expected = prune(kCpu, c);
    const int64_t total = expected.packed_offsets.values.back();
    for (PruneResult<float>* r : {&actual, &expected}) {
      r->packed.values.resize(static_cast<size_t>(total * c.features.shape[1]));
      r->packed_rows.values.resize(static_cast<size_t>(total));
    }
    check_same(actual, expected);
  }
  CHECK_EQUAL(medpruner_graph_destroy(graph), MEDPRUNER_OK);
}

TEST(a_graph_is_what_it_recorded) { check_recorded(masses(121), gpu_quick() ? 2 : 5); }

/** The selection matters here, and merging takes longer. */
void check_recorded_selection(const std::vector<int64_t>& offsets, double ratio) {
  PruneCase<float> c = masses(124, offsets, 4, 3);
  c.params.merge.ratio = ratio;
  check_recorded(c, gpu_quick() ? 2 : 3);
}

/**
 * More than the 131072 rows that a cluster of 16 blocks holds, so on every device six launches, in whose workspace lie
 * counters that a replay must find as the first call did.
 */
TEST(a_graph_of_segments_spread_over_many_blocks) {
  check_recorded_selection(gpu_cases<int64_t>({0, 17000, 17300, 140000}, {0, 17000, 131073}), 0.0002);
}

TEST(a_graph_of_segments_in_clusters) {  // where the device has them
  check_recorded_selection(gpu_cases<int64_t>({0, 17000, 17300, 50000}, {0, 17000, 17300}), 0.002);
}

/** Windows that begin before the former one has ended, in a graph too. */
TEST(a_graph_of_early_launches) {
  cases::Random random(129);
  const std::vector<int64_t> offsets = {0, 5, 5, 40};
  const auto make = [&] { return cases::matrix<float>(random, 40, 9000); };
  Tensor<float> slices = make();
  Tensor<int64_t> bounds = vector_of(offsets);
  AnchorResult r;
  r.status = MEDPRUNER_OK;
  r.keep = output<uint8_t>({40});
  r.distance = output<float>({40});
  r.representative = output<int32_t>({40});
  r.kept_indices = output<int32_t>({40});
  r.kept_counts = output<int32_t>({3});
  r.flags = output<uint32_t>({40});
  Call call(kGpu);
  const medpruner_slice_anchor_params params = {sizeof params, 0, 1.128, 1, 0};
  const auto* x = call.in(slices);
  const auto* o = call.in(bounds);
  const medpruner_tensor* const out[] = {call.out(r.keep), call.out(r.distance), call.out(r.representative),
                                         call.out(r.kept_indices), call.out(r.kept_counts), call.out(r.flags)};
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_slice_anchor_workspace(&params, x, o, &bytes), MEDPRUNER_OK);
  void* const workspace = call.workspace(bytes);
  medpruner_graph* graph = nullptr;
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, call.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_slice_anchor(&params, x, o, out[0], out[1], out[2], out[3], out[4], out[5], workspace, bytes,
                                     call.stream()),
              MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, call.stream(), &graph), MEDPRUNER_OK);
  for (int round = 0; round < gpu_rounds(20); ++round) {
    Tensor<float> next = make();
    CHECK_EQUAL(medpruner_copy(x->data, &kGpu, next.values.data(), &kCpu, next.values.size() * 4, call.stream()),
                MEDPRUNER_OK);
    CHECK_EQUAL(medpruner_graph_launch(graph, call.stream()), MEDPRUNER_OK);
    call.finish();
    check_same(r, slice_anchor(kCpu, next, offsets, 1.128, 1));
  }
  CHECK_EQUAL(medpruner_graph_destroy(graph), MEDPRUNER_OK);
}

TEST(a_graph_is_destroyed_while_another_thread_records) {
  PruneCase<float> c = masses(130);
  cases::Random random(131);
  randomise(random, c);
  Recorded first(c);
  Recorded second(c);
  medpruner_graph* graphs[2] = {};
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, first.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(first.run(), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, first.stream(), &graphs[0]), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_launch(graphs[0], first.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, second.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(second.run(), MEDPRUNER_OK);
  std::thread([&] { CHECK_EQUAL(medpruner_graph_destroy(graphs[0]), MEDPRUNER_OK); }).join();
  CHECK_EQUAL(medpruner_graph_end(&kGpu, second.stream(), &graphs[1]), MEDPRUNER_OK);
  check_same(first.fetch(), prune(kCpu, c));
  CHECK_EQUAL(medpruner_graph_launch(graphs[1], second.stream()), MEDPRUNER_OK);
  check_same(second.fetch(), prune(kCpu, c));
  CHECK_EQUAL(medpruner_graph_destroy(graphs[1]), MEDPRUNER_OK);
}

TEST(refused_calls_record_nothing) {
  PruneCase<float> c = masses(123);
  cases::Random random(124);
  randomise(random, c);
  Recorded call(c);
  medpruner_graph* graph = nullptr;
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, call.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(call.run(0), MEDPRUNER_ERR_WORKSPACE_TOO_SMALL);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, call.stream(), &graph), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_launch(graph, call.stream()), MEDPRUNER_OK);
  check_same(call.fetch(), prune(kCpu, c));
  CHECK_EQUAL(medpruner_graph_destroy(graph), MEDPRUNER_OK);
}

TEST(a_discarded_capture_leaves_the_stream_usable) {
  PruneCase<float> c = masses(125);
  cases::Random random(126);
  randomise(random, c);
  Recorded call(c);
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, nullptr), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, call.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, call.stream(), nullptr), MEDPRUNER_OK);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  check_same(call.fetch(), prune(kCpu, c));
}

}  // namespace

int main() { return run_gpu_tests(); }
