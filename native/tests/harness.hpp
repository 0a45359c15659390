/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// A test is a function registered by TEST(name); CHECK reports and goes on. run_tests() is main's body.

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace harness {

struct Test {
  const char* name;
  void (*body)();
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

/** Tests may check from many threads. */
inline std::atomic<int>& failures() {
  static std::atomic<int> count{0};
  return count;
}

inline std::atomic<long>& checks() {
  static std::atomic<long> count{0};
  return count;
}

struct Registration {
  Registration(const char* name, void (*body)()) { tests().push_back({name, body}); }
};

/** With MEDPRUNER_STOP_AT_FAILURE set the first one ends the program: to the tests of the tests it says it all. */
inline void report(const char* file, int line, const std::string& text) {
  if (++failures() <= 20) {
    fprintf(stderr, "%s:%d: %s\n", file, line, text.c_str());
  }
  if (getenv("MEDPRUNER_STOP_AT_FAILURE") != nullptr) {
    fflush(stdout);
    _exit(1);
  }
}

template <class A, class B>
void equal(const char* file, int line, const char* what, const A& actual, const B& expected) {
  ++checks();
  if (!(actual == expected)) {
    std::ostringstream text;
    text << what << " is " << +actual << ", expected " << +expected;
    report(file, line, text.str());
  }
}

/** Bytes, so that NaN patterns and signed zeros count. */
inline void same_bytes(const char* file, int line, const char* what, const void* actual,
                       const void* expected, size_t size, size_t element) {
  ++checks();
  const auto* a = static_cast<const unsigned char*>(actual);
  const auto* b = static_cast<const unsigned char*>(expected);
  for (size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      std::ostringstream text;
      text << what << " differs at element " << i / element << " of " << size / element;
      report(file, line, text.str());
      return;
    }
  }
}

/** A number from `least` on that `name` in the environment sets; unset, `otherwise`. Anything else ends the program. */
inline int64_t number_from(const char* name, int64_t otherwise, int64_t least, int64_t most = INT64_MAX) {
  const char* text = getenv(name);
  if (text == nullptr) {
    return otherwise;
  }
  char* end = nullptr;
  errno = 0;
  const long long value = strtoll(text, &end, 10);
  if (end == text || *end != '\0' || errno != 0 || value < least || value > most) {
    fprintf(stderr, "%s is \"%s\", expected a number from %lld", name, text, static_cast<long long>(least));
    if (most < INT64_MAX) {
      fprintf(stderr, " to %lld", static_cast<long long>(most));
    }
    fprintf(stderr, "%s\n", most < INT64_MAX ? "" : " on");
    exit(EXIT_FAILURE);
  }
  return value;
}

/** MEDPRUNER_TESTS names the tests to run, with commas between; unset, all. */
inline bool chosen(const Test& test) {
  const char* names = getenv("MEDPRUNER_TESTS");
  return names == nullptr ||
         ("," + std::string(names) + ",").find("," + std::string(test.name) + ",") !=
             std::string::npos;
}

/** MEDPRUNER_SHARD=2/4 runs every fourth test from the second on; unset, all. */
struct Shard {
  size_t number = 1;
  size_t count = 1;

  static Shard given() {
    Shard shard;
    const char* text = getenv("MEDPRUNER_SHARD");
    if (text != nullptr && (sscanf(text, "%zu/%zu", &shard.number, &shard.count) != 2 ||
                            shard.number < 1 || shard.number > shard.count)) {
      fprintf(stderr, "MEDPRUNER_SHARD is \"%s\", expected a number, / and how many\n", text);
      exit(EXIT_FAILURE);
    }
    return shard;
  }
};

/** Names every test that took a second or more with its seconds. */
inline int run_tests() {
  using Clock = std::chrono::steady_clock;
  const Shard shard = Shard::given();
  size_t run = 0;
  for (size_t i = shard.number - 1; i < tests().size(); i += shard.count) {
    const Test& test = tests()[i];
    if (!chosen(test)) {
      continue;
    }
    ++run;
    const int before = failures();
    const Clock::time_point begin = Clock::now();
    test.body();
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    printf("%s %s", failures() == before ? "ok  " : "FAIL", test.name);
    if (seconds >= 1) {
      printf(" (%.1f s)", seconds);
    }
    printf("\n");
    fflush(stdout);
  }
  const std::string names = getenv("MEDPRUNER_TESTS") != nullptr ? getenv("MEDPRUNER_TESTS") : "";
  const auto named = static_cast<size_t>(std::count(names.begin(), names.end(), ',')) + 1;
  if (!names.empty() && shard.count == 1 && run != named) {
    report(__FILE__, __LINE__, "MEDPRUNER_TESTS=" + names + " names a test that is not here");
  }
  printf("%zu of %zu tests, %ld checks, %d failures\n", run, tests().size(), checks().load(),
         failures().load());
  // A test executable without a single check proves nothing.
  return failures() == 0 && checks() > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace harness

#define TEST(name)                                                       \
  static void test_##name();                                             \
  static const harness::Registration registration_##name(#name, test_##name); \
  static void test_##name()

#define CHECK(condition)                                                                \
  do {                                                                                  \
    ++harness::checks();                                                                \
    if (!(condition)) harness::report(__FILE__, __LINE__, "not true: " #condition);     \
  } while (false)

#define CHECK_EQUAL(actual, expected) \
  harness::equal(__FILE__, __LINE__, #actual, (actual), (expected))

#define CHECK_SAME(actual, expected)                                                      \
  do {                                                                                    \
    const auto& actual_ = (actual);                                                       \
    const auto& expected_ = (expected);                                                   \
    CHECK_EQUAL(actual_.size(), expected_.size());                                        \
    if (actual_.size() == expected_.size()) {                                             \
      harness::same_bytes(__FILE__, __LINE__, #actual, actual_.data(), expected_.data(),  \
                          actual_.size() * sizeof(actual_[0]), sizeof(actual_[0]));       \
    }                                                                                     \
  } while (false)
