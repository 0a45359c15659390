/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for what src/cuda/common/cluster.cuh issues by PTX: same names, same meaning, every access checked.

#include "cuda_device.hpp"

namespace medpruner::cuda {

inline unsigned cluster_rank() { return ::simt::cluster_rank(); }
inline unsigned cluster_blocks() { return ::simt::cluster_blocks(); }
inline void announce_to_cluster(SIMT_SITE) { ::simt::announce_to_cluster({file, line}); }
inline void await_cluster(SIMT_SITE) { ::simt::await_cluster({file, line}); }
inline void cluster_sync(SIMT_SITE) { ::simt::cluster_barrier({file, line}); }

template <class T>
SIMT_RAW void store_remote(T* address, unsigned rank, T value, SIMT_SITE) {
  ::simt::store_remote(address, rank, &value, sizeof value, {file, line});
}

}  // namespace medpruner::cuda
