/* SPDX-License-Identifier: Apache-2.0 */
// No include guard: one copy per value of MEDPRUNER_PLANTED, in a namespace of its own. 0 is correct; each
// other value is the same kernel with one defect.
//   1: no barrier between the writes of the tile and the reads of other threads' parts
//   2: an index one too large
//   3: the last slot is read without having been written

#define PLANTED_NAME(value) PLANTED_JOIN(planted_, value)
#define PLANTED_JOIN(prefix, value) prefix##value

namespace PLANTED_NAME(MEDPRUNER_PLANTED) {

constexpr int kWidth = 64;

/** One block of kWidth threads: out[i] = in[i] + in[i + 1], and in[kWidth - 1] last. */
__global__ void neighbours(const int32_t* in, int32_t* out) {
  __shared__ int32_t tile[kWidth];
  const int i = static_cast<int>(threadIdx.x);
#if MEDPRUNER_PLANTED == 3
  if (i != kWidth - 1)
#endif
    tile[i] = in[i];
#if MEDPRUNER_PLANTED != 1
  __syncthreads();
#endif
#if MEDPRUNER_PLANTED == 2
  const bool last = false;
#else
  const bool last = i == kWidth - 1;
#endif
  out[i] = tile[i] + (last ? 0 : tile[i + 1]);
}

}  // namespace PLANTED_NAME(MEDPRUNER_PLANTED)

#undef PLANTED_NAME
#undef PLANTED_JOIN
#undef MEDPRUNER_PLANTED
