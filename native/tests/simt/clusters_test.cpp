/* SPDX-License-Identifier: Apache-2.0 */
// Clusters on the executor: that blocks reach one another, and that each misuse is reported. Compiled as the kernels
// are, with every access checked.

#include <string>
#include <vector>

#include "cuda/common/cluster.cuh"
#include "launches.hpp"

namespace {

constexpr int kSeeds = 20;

enum class Meeting {
  kRight,
  kStoresFirst,      // before the others are known to have begun
  kNeverAwaits,
  kReadsFirst,       // before the barrier
  kReadsItsOwn,      // what another block writes in the same phase
  kEndsFirst,        // before the barrier behind the last store
  kTwoBarriers,
  kStatic,
  kTooFar,           // a block that the cluster does not have
};

/** out[block] = what the other block of two says, which is its number in the grid. */
__global__ void tells_the_other(int32_t* out, Meeting how) {
  SIMT_DYNAMIC_SHARED(uint64_t, slots);
  __shared__ int32_t fixed;
  using namespace medpruner::cuda;
  const unsigned rank = cluster_rank();
  announce_to_cluster();
  if (how == Meeting::kStatic) {
    atomicExch(&fixed, 1);
  }
  if (how != Meeting::kStoresFirst && how != Meeting::kNeverAwaits) {
    await_cluster();
  }
  if (threadIdx.x == 5) {
    if (how == Meeting::kReadsItsOwn) {
      slots[1 - rank] = 7;
    }
    if (how != Meeting::kNeverAwaits) {
      store_remote(&slots[rank], how == Meeting::kTooFar ? 2 : 1 - rank, uint64_t{blockIdx.x});
    }
  }
  if (how == Meeting::kTwoBarriers && rank == 1) {
    cluster_sync();
  } else if (how != Meeting::kReadsFirst && how != Meeting::kNeverAwaits && how != Meeting::kEndsFirst) {
    cluster_sync();
  }
  if (threadIdx.x == 40 && how != Meeting::kEndsFirst && how != Meeting::kNeverAwaits) {
    out[blockIdx.x] = static_cast<int32_t>(slots[1 - rank]);
  }
}

std::string run_clusters(int32_t* out, Meeting how, unsigned blocks) {
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim = {blocks, 1, 1};
  const cudaLaunchConfig_t config = {6, 64, 16, nullptr, &cluster, 1};
  simt::clear_fault();
  const cudaError_t code = cudaLaunchKernelEx(&config, tells_the_other, out, how);
  return code == cudaErrorInvalidValue ? "refused" : simt::fault_text();
}

TEST(blocks_of_a_cluster_meet) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    set_seed(seed);
    Device<int32_t> out(6);
    CHECK(run_clusters(out.data, Meeting::kRight, 2).empty());
    CHECK_SAME(out.host(), (std::vector<int32_t>{1, 0, 3, 2, 5, 4}));
    const auto fails = [&](Meeting how, const std::vector<std::string>& parts) {
      check_contains(run_clusters(out.data, how, 2), parts);
    };
    const std::string first = run_clusters(out.data, Meeting::kStoresFirst, 2);
    CHECK(first.find("which may not have begun") != std::string::npos ||
          first.find("cluster_sync at clusters_test.cpp:") != std::string::npos);
    fails(Meeting::kNeverAwaits, {"the thread ends between announce_to_cluster and await_cluster"});
    const std::string early = run_clusters(out.data, Meeting::kReadsFirst, 2);
    CHECK(early.find("race: ") != std::string::npos || early.find("uninitialised: ") != std::string::npos ||
          early.find("cluster: ") != std::string::npos);
    fails(Meeting::kReadsItsOwn, {"race: writes shared dynamic shared memory of block ", "of another block"});
    const std::string ended = run_clusters(out.data, Meeting::kEndsFirst, 2);
    CHECK(ended.find("the block ends, and no barrier of the cluster is behind") != std::string::npos ||
          ended.find("which has ended") != std::string::npos);
    fails(Meeting::kTwoBarriers, {"divergent barrier of the cluster: "});
    fails(Meeting::kStatic, {"a static shared variable in a cluster"});
    fails(Meeting::kTooFar, {"store to block 2 of 2"});
  }
  Device<int32_t> out(6);
  check_contains(run_clusters(out.data, Meeting::kRight, 4), {"invalid configuration"});  // of 6 blocks
  check_contains(run_clusters(out.data, Meeting::kRight, 9), {"refused"});                // nobody asked
  simt::options().compute_capability = 80;
  check_contains(run_clusters(out.data, Meeting::kRight, 2), {"refused"});
  simt::options() = {};
}

}  // namespace

int main() { return harness::run_tests(); }
