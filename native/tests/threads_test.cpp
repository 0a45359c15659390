/* SPDX-License-Identifier: Apache-2.0 */
// The thread pool of the CPU backend: its interface through the library, its behaviour from its source.

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "cpu/pool.hpp"
#include "harness.hpp"
#include "tensors.hpp"

namespace {

using medpruner::cpu::parallel_for;

TEST(setting_and_default) {
  const int32_t by_default = medpruner_cpu_threads();
  CHECK(by_default >= 1 && by_default <= 256);
  CHECK_EQUAL(medpruner_set_cpu_threads(3), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_cpu_threads(), 3);
  CHECK_EQUAL(medpruner_set_cpu_threads(-1), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK(last_error() == "threads: is -1, expected in [0, 256]");
  CHECK_EQUAL(medpruner_set_cpu_threads(257), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_cpu_threads(), 3);
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_cpu_threads(), by_default);
}

/** Every task once, every worker number in range and never used by two threads at a time. */
void check_job(int64_t tasks, int workers) {
  std::vector<std::atomic<int>> runs(static_cast<size_t>(tasks));
  std::vector<std::atomic<bool>> busy(static_cast<size_t>(workers));
  std::atomic<bool> good{true};
  parallel_for(tasks, workers, [&](int64_t task, int worker) {
    if (worker < 0 || worker >= workers || busy[static_cast<size_t>(worker)].exchange(true)) {
      good = false;
      return;
    }
    ++runs[static_cast<size_t>(task)];
    busy[static_cast<size_t>(worker)] = false;
  });
  CHECK(good);
  for (const auto& count : runs) {
    CHECK_EQUAL(count.load(), 1);
  }
}

TEST(every_task_once) {
  for (int round = 0; round < 300; ++round) {
    for (int workers : {1, 2, 3, 9}) {
      check_job(round % 40, workers);
    }
  }
}

TEST(threads_really_share) {
  std::atomic<int> waiting{0};
  // Each of the two tasks waits for the other to have begun: only two threads can end this.
  parallel_for(2, 2, [&](int64_t, int) {
    ++waiting;
    while (waiting < 2) {
      std::this_thread::yield();
    }
  });
  CHECK_EQUAL(waiting.load(), 2);
}

/** A thread on which a fault's signal is blocked is killed by it, whatever handlers the process has, as a JVM's. */
TEST(threads_of_the_pool_block_all_signals_but_those_of_faults) {
  std::atomic<int> waiting{0};
  std::atomic<bool> as_promised{false};
  const auto is_promised = [](const sigset_t& blocked) {
    bool all = true;
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
      all = all && sigismember(&blocked, fault) == 0;
    }
    for (const int other : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGQUIT, SIGALRM, SIGPIPE}) {
      all = all && sigismember(&blocked, other) == 1;
    }
    return all;
  };
  parallel_for(2, 2, [&](int64_t, int worker) {
    ++waiting;
    while (waiting < 2) {  // so that one of the two is a thread of the pool
      std::this_thread::yield();
    }
    sigset_t blocked;
    if (worker > 0 && pthread_sigmask(SIG_BLOCK, nullptr, &blocked) == 0) {
      as_promised = is_promised(blocked);
    }
  });
  CHECK(as_promised);
}

TEST(calls_from_many_threads_do_not_wait_for_each_other) {
  std::atomic<int> inside{0};
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] {
      for (int round = 0; round < 200; ++round) {
        check_job(16, 4);
      }
      // All four callers are in a job at once: three of them run without the pool.
      parallel_for(2, 2, [&](int64_t task, int) {
        if (task == 0) {
          ++inside;
          while (inside < 4) {
            std::this_thread::yield();
          }
        }
      });
    });
  }
  for (std::thread& caller : callers) {
    caller.join();
  }
  CHECK_EQUAL(inside.load(), 4);
}

TEST(nested_use_runs_on_one_thread) {
  std::atomic<int> count{0};
  parallel_for(4, 4, [&](int64_t, int) {
    parallel_for(5, 4, [&](int64_t, int worker) { count += worker == 0 ? 1 : 100; });
  });
  CHECK_EQUAL(count.load(), 20);
}

TEST(a_forked_child_has_its_own_pool) {
  check_job(8, 4);
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(20);  // a lost wake-up must not hang the test
      std::atomic<int> waiting{0};
      parallel_for(2, 2, [&](int64_t, int) {
        ++waiting;
        while (waiting < 2) {
          std::this_thread::yield();
        }
      });
      _exit(waiting == 2 ? 0 : 1);
    }
    int status = -1;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  check_job(8, 4);
}

}  // namespace

int main() { return harness::run_tests(); }
