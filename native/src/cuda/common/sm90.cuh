/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#if defined(__CUDACC__)

/** An instruction of sm_90, by asm volatile; on devices before it a trap: the host launches no kernel that comes here. */
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define MEDPRUNER_SM90(...) __trap()
#else
#define MEDPRUNER_SM90(...) asm volatile(__VA_ARGS__)
#endif

#endif  // __CUDACC__
