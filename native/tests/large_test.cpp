/* SPDX-License-Identifier: Apache-2.0 */
// A tensor of more than 2^32 elements on the CPU: an extent or an index in 32 bits would read the wrong end of it.
// But for one page its 4.5 GiB of addresses are zeros, 72 mappings of the same 64 MiB, all the memory they take.

#include <sys/mman.h>
#include <unistd.h>

#include "harness.hpp"
#include "tensors.hpp"

namespace {

constexpr int64_t kSlices = 3;
constexpr int64_t kSlice = int64_t{3} << 29;  // 1.5 * 2^30
constexpr int64_t kElements = kSlices * kSlice;
constexpr int64_t kPage = 4096;
static_assert(kElements > int64_t{1} << 32, "beyond unsigned 32 bits too");

uint8_t* zeros_with_a_last_page = nullptr;

/** All of them as rows of so many. */
struct View {
  int64_t shape[2];
  medpruner_tensor tensor;

  explicit View(int64_t columns)
      : shape{kElements / columns, columns},
        tensor{zeros_with_a_last_page, kCpu, 2, DTypeOf<uint8_t>::get(), shape, nullptr, 0} {}
};

TEST(slice_anchor_beyond_32_bits) {
  const View slices(kSlice);
  const medpruner_slice_anchor_params params = {sizeof params, 0, 1e-4, 1, 0};
  Tensor<int64_t> bounds = vector_of<int64_t>({0, kSlices});
  Tensor<uint8_t> keep = output<uint8_t>({kSlices});
  Tensor<float> distance = output<float>({kSlices});
  Tensor<int32_t> representative = output<int32_t>({kSlices});
  Tensor<int32_t> kept_indices = output<int32_t>({kSlices});
  Tensor<int32_t> kept_counts = output<int32_t>({1});
  Tensor<uint32_t> flags = output<uint32_t>({kSlices});
  Call call(kCpu);
  const medpruner_tensor* offsets = call.in(bounds);
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_slice_anchor_workspace(&params, &slices.tensor, offsets, &bytes),
              MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_slice_anchor(&params, &slices.tensor, offsets, call.out(keep),
                                     call.out(distance), call.out(representative),
                                     call.out(kept_indices), call.out(kept_counts),
                                     call.out(flags), call.workspace(bytes), bytes, call.stream()),
              MEDPRUNER_OK);
  const float last = static_cast<float>(255.0 * kPage / static_cast<double>(kSlice));  // 6.5e-4
  CHECK_SAME(keep.values, (std::vector<uint8_t>{1, 0, 1}));
  CHECK_SAME(distance.values, (std::vector<float>{0, 0, last}));
  CHECK_SAME(representative.values, (std::vector<int32_t>{0, 0, 2}));
  CHECK_SAME(kept_indices.values, (std::vector<int32_t>{0, 2, -1}));
  CHECK_SAME(kept_counts.values, (std::vector<int32_t>{2}));
  CHECK_SAME(flags.values, (std::vector<uint32_t>{0, 0, 0}));
}

TEST(gather_rows_beyond_32_bits) {
  constexpr int64_t kColumns = 1536;  // less than the page: the last row is 255 throughout
  const View source(kColumns);
  const int64_t rows = source.shape[0];
  const medpruner_gather_rows_params params = {sizeof params, 0};
  Tensor<int64_t> indices({rows}, std::vector<int64_t>(static_cast<size_t>(rows), -1));
  indices.values[0] = rows - 1;
  indices.values[1] = 0;
  Tensor<int64_t> counts = vector_of<int64_t>({2});
  Tensor<int64_t> bounds = vector_of<int64_t>({0, rows});
  Tensor<uint8_t> packed = output<uint8_t>({2, kColumns});
  Tensor<int64_t> packed_offsets = output<int64_t>({2});
  Tensor<uint32_t> flags = output<uint32_t>({1});
  Call call(kCpu);
  const medpruner_tensor* offsets = call.in(bounds);
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_gather_rows_workspace(&params, &source.tensor, offsets, &bytes),
              MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_gather_rows(&params, &source.tensor, call.in(indices), call.in(counts),
                                    offsets, call.out(packed), call.out(packed_offsets),
                                    call.out(flags), call.workspace(bytes), bytes, call.stream()),
              MEDPRUNER_OK);
  std::vector<uint8_t> expected(2 * kColumns, 0);
  std::fill(expected.begin(), expected.begin() + kColumns, uint8_t{255});
  CHECK_SAME(packed.values, expected);
  CHECK_SAME(packed_offsets.values, (std::vector<int64_t>{0, 2}));
  CHECK_SAME(flags.values, (std::vector<uint32_t>{0}));
}

/** kElements zeros: one piece of memory behind all, since not every kernel shares its zero page. */
uint8_t* map_zeros() {
  constexpr size_t kPiece = size_t{64} << 20;
  static_assert(kElements % kPiece == 0, "whole pieces");
  const int file = memfd_create("zeros", 0);
  void* const memory = mmap(nullptr, static_cast<size_t>(kElements), PROT_NONE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (file < 0 || ftruncate(file, kPiece) != 0 || memory == MAP_FAILED) {
    return nullptr;
  }
  auto* const first = static_cast<uint8_t*>(memory);
  for (size_t at = 0; at < static_cast<size_t>(kElements); at += kPiece) {
    if (mmap(first + at, kPiece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, file,
             0) == MAP_FAILED) {
      return nullptr;
    }
  }
  close(file);
  return first;
}

}  // namespace

int main() {
  zeros_with_a_last_page = map_zeros();
  if (zeros_with_a_last_page == nullptr) {
    printf("SKIP: no 4.5 GiB of addresses\n");
    return 77;
  }
  memset(zeros_with_a_last_page + kElements - kPage, 255, static_cast<size_t>(kPage));
  return harness::run_tests();
}
