/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// Marks the arithmetic that host and device code share.
#if defined(__CUDACC__)
#define MEDPRUNER_HD __host__ __device__
#else
#define MEDPRUNER_HD
#endif
