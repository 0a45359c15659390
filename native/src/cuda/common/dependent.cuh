/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The device side of MEDPRUNER_LAUNCH_DEPENDENT: such a launch may begin while the former one of its stream
// is still running, from where all blocks of that one have called admit_next_launch() or returned. Before
// await_former_launch() a kernel may read what no launch of the chain writes, and write its shared memory
// alone; every thread calls it, since the end of one launch stands for that of all before it. Calling
// admit_next_launch() only behind it keeps it at two launches at a time. On GPUs before sm_90 both do
// nothing, and the host launches as ever.

#if !defined(__CUDACC__)
#include "cuda_dependent.hpp"
#else

namespace medpruner::cuda {

/** Until the former launch of the stream has ended and what it wrote can be read. */
__device__ inline void await_former_launch() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/** Lets the next launch of the stream begin, as far as there is room for its blocks. */
__device__ inline void admit_next_launch() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

}  // namespace medpruner::cuda

#endif  // __CUDACC__
