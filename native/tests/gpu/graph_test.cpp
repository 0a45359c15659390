/* SPDX-License-Identifier: Apache-2.0 */
// Stage 2 recorded once and replayed on other inputs in the same memory: as a call of its own, bit for bit.

#include "recorded.hpp"

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

/** Whose workspace holds counters that a replay must find as the first call did. */
TEST(a_graph_of_segments_spread_over_many_blocks) {
  PruneCase<float> c =
      masses(124, gpu_cases<int64_t>({0, 17000, 17300, 50000}, {0, 17000, 17300}), 4, 3);
  c.params.merge.ratio = 0.002;  // the selection matters here, and merging takes longer
  check_recorded(c, gpu_quick() ? 2 : 3);
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
