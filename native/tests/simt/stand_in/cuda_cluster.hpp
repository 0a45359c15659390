/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Stands in for what src/cuda/common/cluster.cuh issues by PTX: same names, same meaning, every access checked.

#include "cuda_device.hpp"

namespace medpruner::cuda {

inline unsigned cluster_rank() { return ::simt::cluster_rank(); }
inline unsigned cluster_blocks() { return ::simt::cluster_blocks(); }
inline void announce_to_cluster(SIMT_SITE) { ::simt::announce_to_cluster({file, line}); }
inline void await_cluster(SIMT_SITE) { ::simt::await_cluster({file, line}); }

using Mailbox = uint64_t;

inline void open_mailbox(Mailbox* box, SIMT_SITE) { ::simt::open_mailbox(box, {file, line}); }
inline void expect_mail(Mailbox* box, uint32_t bytes, SIMT_SITE) {
  ::simt::expect_mail(box, bytes, {file, line});
}
template <class T>
SIMT_RAW void send(T* address, unsigned rank, T value, Mailbox* box, SIMT_SITE) {
  ::simt::send(address, rank, &value, sizeof value, box, {file, line});
}
inline void await_mail(Mailbox* box, unsigned parity, SIMT_SITE) {
  ::simt::await_mail(box, parity, {file, line});
}

}  // namespace medpruner::cuda
