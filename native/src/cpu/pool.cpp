/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/pool.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <atomic>

#include "cpu/quota.hpp"

namespace medpruner::cpu {
namespace {

/** Never destroyed: its threads may outlive the static destructors of the process. */
struct Pool {
  std::atomic<bool> taken{false};  // by a call
  std::atomic<int64_t> next{0};    // task to draw
  pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t posted = PTHREAD_COND_INITIALIZER;
  pthread_cond_t left = PTHREAD_COND_INITIALIZER;
  // Below: under the mutex. A thread joins a job while it is open and has places; the caller closes it
  // when no task is left to draw, and then waits only for those that joined.
  int spawned = 0;
  bool open = false;
  int places = 0;
  int joined = 0;
  int active = 0;
  int64_t tasks = 0;
  PoolTask run = nullptr;
  void* context = nullptr;
};

Pool& pool() {
  static Pool* const made = [] {
    Pool* p = new Pool;
    pthread_atfork([] { pthread_mutex_lock(&pool().mutex); },
                   [] { pthread_mutex_unlock(&pool().mutex); },
                   [] {
                     // The child has this thread alone, whatever the others were doing.
                     Pool& child = pool();
                     pthread_mutex_init(&child.mutex, nullptr);
                     pthread_cond_init(&child.posted, nullptr);
                     pthread_cond_init(&child.left, nullptr);
                     child.spawned = child.places = child.joined = child.active = 0;
                     child.open = false;
                     child.taken = false;
                   });
    return p;
  }();
  return *made;
}

void draw(Pool& p, int64_t tasks, PoolTask run, void* context, int worker) {
  for (int64_t task = p.next++; task < tasks; task = p.next++) {
    run(context, task, worker);
  }
}

void* thread_main(void*) {
  Pool& p = pool();
  pthread_mutex_lock(&p.mutex);
  for (;;) {
    while (!p.open || p.joined == p.places) {
      pthread_cond_wait(&p.posted, &p.mutex);
    }
    const int worker = ++p.joined;
    ++p.active;
    const int64_t tasks = p.tasks;
    const PoolTask run = p.run;
    void* const context = p.context;
    pthread_mutex_unlock(&p.mutex);
    draw(p, tasks, run, context, worker);
    pthread_mutex_lock(&p.mutex);
    if (--p.active == 0) {
      pthread_cond_signal(&p.left);
    }
    // All tasks are drawn: stay out of this job, or its last place would be joined in a loop.
    p.open = false;
  }
  return nullptr;
}

/** Under the mutex. What cannot be made is done without. */
void spawn_up_to(Pool& p, int count) {
  // A fault is delivered to the thread that makes it, and where it is blocked the kernel ends the process without
  // asking the handlers: a JVM would leave no hs_err file.
  sigset_t blocked;
  sigset_t former;
  sigfillset(&blocked);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    sigdelset(&blocked, fault);
  }
  pthread_attr_t attributes;
  if (p.spawned >= count || pthread_attr_init(&attributes) != 0) {
    return;
  }
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_sigmask(SIG_SETMASK, &blocked, &former);
  pthread_t thread;
  while (p.spawned < count && pthread_create(&thread, &attributes, thread_main, nullptr) == 0) {
    ++p.spawned;
  }
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
  pthread_attr_destroy(&attributes);
}

int usable_processors() {
  cpu_set_t sets[16] = {};  // of 1024 processors each; with room for fewer than the kernel has it gives an error
  const int allowed =
      sched_getaffinity(0, sizeof sets, sets) == 0 ? CPU_COUNT_S(sizeof sets, sets) : 1;
  const int quota = quota_processors("");
  return std::clamp(quota > 0 ? std::min(allowed, quota) : allowed, 1, kMaxThreads);
}

int default_threads() {
  const char* text = getenv("MEDPRUNER_THREADS");
  if (text != nullptr && *text >= '1' && *text <= '9') {
    char* end = nullptr;
    const long count = strtol(text, &end, 10);
    if (*end == '\0' && count <= kMaxThreads) {
      return static_cast<int>(count);
    }
  }
  return usable_processors();
}

std::atomic<int> configured{0};

}  // namespace

int threads() noexcept {
  int count = configured.load(std::memory_order_relaxed);
  if (count == 0) {
    static const int by_default = default_threads();
    count = by_default;
  }
  return count;
}

void set_threads(int count) noexcept { configured.store(count, std::memory_order_relaxed); }

void run_tasks(int64_t tasks, int workers, PoolTask run, void* context) noexcept {
  workers = workers < tasks ? workers : static_cast<int>(tasks);
  bool shared = workers > 1;
  if (shared) {
    bool expected = false;
    shared = pool().taken.compare_exchange_strong(expected, true);
  }
  if (!shared) {
    for (int64_t task = 0; task < tasks; ++task) {
      run(context, task, 0);
    }
    return;
  }
  Pool& p = pool();
  pthread_mutex_lock(&p.mutex);
  spawn_up_to(p, workers - 1);
  p.next = 0;
  p.tasks = tasks;
  p.run = run;
  p.context = context;
  p.places = workers - 1;
  p.joined = 0;
  p.open = true;
  pthread_cond_broadcast(&p.posted);
  pthread_mutex_unlock(&p.mutex);

  draw(p, tasks, run, context, 0);

  pthread_mutex_lock(&p.mutex);
  p.open = false;
  while (p.active > 0) {
    pthread_cond_wait(&p.left, &p.mutex);
  }
  pthread_mutex_unlock(&p.mutex);
  p.taken = false;
}

}  // namespace medpruner::cpu
