/* SPDX-License-Identifier: Apache-2.0 */
// An op on the second of two devices, by a thread that is at the first one: where the thread is afterwards.

#include <cuda_runtime.h>

#include "checks.hpp"
#include "schedules.hpp"

namespace {

/** Two devices, of which those have a context; the first one is current. */
void begin(const std::set<int>& contexts) {
  simt::options() = {};
  simt::options().devices = 2;
  CHECK_EQUAL(cudaSetDevice(0), cudaSuccess);
  simt::contexts() = contexts;
}

void call_on_the_second() {
  Tensor<float> source({3, 1}, {1, 2, 3});
  const auto r = gather_rows({MEDPRUNER_DEVICE_CUDA, 1}, source, {2, 0, 0}, {2}, {0, 3}, 2);
  CHECK_EQUAL(r.status, MEDPRUNER_OK);
  CHECK_SAME(r.packed.values, (std::vector<float>{3, 1}));
}

int current() {
  int device = -1;
  CHECK_EQUAL(cudaGetDevice(&device), cudaSuccess);
  return device;
}

TEST(a_device_that_the_process_uses_is_current_again) {
  begin({0});
  call_on_the_second();
  CHECK_EQUAL(current(), 0);
  CHECK_EQUAL(cudaGetLastError(), cudaSuccess);
}

/** Each thread that has never used CUDA is at device 0. */
TEST(no_context_is_made_on_a_device_that_the_process_does_not_use) {
  begin({});
  call_on_the_second();
  CHECK(simt::contexts() == std::set<int>{1});
  CHECK_EQUAL(current(), 1);
}

TEST(a_device_that_cannot_be_current_again_leaves_no_error) {
  begin({0});
  simt::options().taken_device = 0;
  call_on_the_second();
  CHECK_EQUAL(current(), 1);
  CHECK_EQUAL(cudaGetLastError(), cudaSuccess);
}

}  // namespace

int main() { return schedules::run(); }
