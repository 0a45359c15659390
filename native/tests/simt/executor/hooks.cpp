/* SPDX-License-Identifier: Apache-2.0 */
// The entries that -fsanitize=thread puts before every memory access. Only the kernels are compiled with
// it and nothing is linked with it, so these are all there is to it.

#include "executor/image.hpp"
#include "executor/memory.hpp"
#include "executor/scheduler.hpp"

namespace {

inline void check(void* address, size_t size, size_t alignment, simt::Access access, void* caller) {
  if (simt::g_in_kernel) {
    const simt::Inside inside;
    simt::check_access(reinterpret_cast<uintptr_t>(address), size, alignment, access,
                       simt::place_of(reinterpret_cast<uintptr_t>(caller)));
  }
}

}  // namespace

#define CALLER __builtin_return_address(0)
#define HOOK(name, size, alignment, access) \
  void name(void* address) { check(address, size, alignment, access, CALLER); }
#define HOOKS(size)                                                \
  HOOK(__tsan_read##size, size, size, simt::Access::kRead)         \
  HOOK(__tsan_write##size, size, size, simt::Access::kWrite)       \
  HOOK(__tsan_unaligned_read##size, size, 1, simt::Access::kRead)  \
  HOOK(__tsan_unaligned_write##size, size, 1, simt::Access::kWrite) \
  HOOK(__tsan_volatile_read##size, size, size, simt::Access::kRead) \
  HOOK(__tsan_volatile_write##size, size, size, simt::Access::kWrite)

extern "C" {

HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

void __tsan_read_range(void* address, long size) {
  if (size > 0) {
    check(address, static_cast<size_t>(size), 1, simt::Access::kRead, CALLER);
  }
}
void __tsan_write_range(void* address, long size) {
  if (size > 0) {
    check(address, static_cast<size_t>(size), 1, simt::Access::kWrite, CALLER);
  }
}
// std::atomic of host code that is compiled like a kernel: the test's counters. Kernels have none; their
// atomics are the stand-ins' functions.
#define ATOMIC_HOOKS(bits, type)                                               \
  type __tsan_atomic##bits##_load(const volatile type* at, int) {              \
    return __atomic_load_n(at, __ATOMIC_SEQ_CST);                              \
  }                                                                            \
  type __tsan_atomic##bits##_fetch_add(volatile type* at, type value, int) {   \
    return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);                    \
  }
ATOMIC_HOOKS(32, int)
ATOMIC_HOOKS(64, long)

void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_init() {}

}  // extern "C"
