/* SPDX-License-Identifier: Apache-2.0 */
// What CUDA itself refuses. Apart from the other tests, because memcheck counts every CUDA call that returns
// an error, and here one has to.

#include "recorded.hpp"

namespace {

using recorded::Recorded;

/** Waiting for what only records is an error, and breaks the capture. */
TEST(a_broken_capture_leaves_the_stream_usable) {
  PruneCase<float> c = recorded::masses(127);
  cases::Random random(128);
  recorded::randomise(random, c);
  Recorded call(c);
  medpruner_graph* graph = nullptr;
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, call.stream()), MEDPRUNER_OK);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_stream_synchronize(&kGpu, call.stream()), MEDPRUNER_ERR_CUDA);
  CHECK_EQUAL(medpruner_graph_end(&kGpu, call.stream(), &graph), MEDPRUNER_ERR_CUDA);
  CHECK(graph == nullptr);
  CHECK_EQUAL(call.run(), MEDPRUNER_OK);
  check_same(call.fetch(), prune(kCpu, c));
}

}  // namespace

int main() { return run_gpu_tests(); }
