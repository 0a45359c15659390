/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// The one thread pool of the CPU backend; what it promises is said in threads.h.

#include <stdint.h>

namespace medpruner::cpu {

constexpr int kMaxThreads = 256;

/** Threads one call may use, the caller's included; 1 to kMaxThreads. */
int threads() noexcept;

/** 0 restores the default. */
void set_threads(int count) noexcept;

using PoolTask = void (*)(void* context, int64_t task, int worker);

/** As parallel_for(). */
void run_tasks(int64_t tasks, int workers, PoolTask run, void* context) noexcept;

/**
 * Calls body(task, worker) once for every task in [0, tasks), on at most `workers` threads, in any
 * order; returns when all are done. `worker` is in [0, workers) and no two calls at the same time share
 * it, so it may pick a scratch area. The body must not throw, nor call parallel_for (it would run on
 * one thread). A task should be worth some 20 us: waking a thread costs 5 to 10.
 */
template <class Body>
void parallel_for(int64_t tasks, int workers, const Body& body) noexcept {
  run_tasks(
      tasks, workers,
      [](void* context, int64_t task, int worker) {
        (*static_cast<const Body*>(context))(task, worker);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace medpruner::cpu
