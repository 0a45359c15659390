/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// What every case needs: tensors that stay on a device, clocks, rows.

#include <stdint.h>

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "medpruner/medpruner.h"
#include "tensors.hpp"

/** Times in seconds. */
struct Seconds {
  double median = 0, min = 0, max = 0;
  int runs = 0;

  static Seconds of(std::vector<double> samples);
};

/**
 * What a plain loop was seen to do, by the median of its runs: no maximum where it is a bandwidth.
 * Value per second of `unit`'s numerator.
 */
struct Ceiling {
  std::string name, backend, unit, how;
  double value;
  Seconds seconds;
};

struct Row {
  std::string op, name, shape, dtype, backend, check;
  int64_t bytes = 0, flops = 0;
  Seconds seconds;
  std::optional<int64_t> workspace_bytes;
  /** Ceiling that bytes (or flops) are held against; empty: none. */
  std::string ceiling;
};

/** The check in front of a figure failed: the figure is not taken. */
struct CheckFailed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void require(bool passed, const std::string& what) {
  if (!passed) {
    throw CheckFailed(what);
  }
}

inline void must(medpruner_status status) {
  if (status != MEDPRUNER_OK) {
    throw std::runtime_error(last_error());
  }
}

/** Where ops run, and how they are timed there. */
class Backend {
 public:
  Backend(medpruner_device device, int32_t threads, int runs, double budget);
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  ~Backend();

  bool cuda() const { return device.device_type == MEDPRUNER_DEVICE_CUDA; }
  const char* name() const { return cuda() ? "cuda" : "cpu"; }

  /** Warm-up, then `runs` calls, fewer (at least 5) where they would take longer than the budget. */
  Seconds time(const std::function<void()>& call) const;
  /** The same replayed as one CUDA graph. */
  Seconds time_graph(const std::function<void()>& call, size_t* nodes) const;
  void wait() const { must(medpruner_stream_synchronize(&device, stream)); }
  /** How many runs a call of so many seconds gets. */
  int runs_for(double seconds) const;

  const medpruner_device device;
  const int32_t threads;
  void* stream = nullptr;
  /** What cases read back has one bit changed, so every check must fail: a test of the checks. */
  bool damage = false;

 private:
  const int runs_;
  const double budget_;
};

/** Tensors on a backend, freed together. */
class Tensors {
 public:
  explicit Tensors(const Backend& backend) : backend_(backend) {}
  Tensors(const Tensors&) = delete;
  Tensors& operator=(const Tensors&) = delete;
  ~Tensors();

  template <class T>
  medpruner_tensor* in(const std::vector<T>& values, std::vector<int64_t> shape) {
    medpruner_tensor* t = out<T>(std::move(shape));
    must(medpruner_copy(t->data, &backend_.device, values.data(), &kCpu, values.size() * sizeof(T),
                        backend_.stream));
    backend_.wait();
    return t;
  }

  template <class T>
  medpruner_tensor* out(std::vector<int64_t> shape) {
    return add(std::move(shape), DTypeOf<T>::get(), sizeof(T));
  }

  void* workspace(size_t bytes);

  template <class T>
  std::vector<T> get(const medpruner_tensor* t) const {
    std::vector<T> values(count(t));
    must(medpruner_copy(values.data(), &kCpu, t->data, &backend_.device, values.size() * sizeof(T),
                        backend_.stream));
    backend_.wait();
    if (backend_.damage && !values.empty()) {
      reinterpret_cast<unsigned char*>(values.data())[sizeof(T) - 1] ^= 0x40;
    }
    return values;
  }

  /** Zeroes. */
  void clear(const medpruner_tensor* t) const {
    const std::vector<char> zeros(count(t) * (t->dtype.bits / 8u));
    must(medpruner_copy(t->data, &backend_.device, zeros.data(), &kCpu, zeros.size(),
                        backend_.stream));
    backend_.wait();
  }

 private:
  static size_t count(const medpruner_tensor* t) {
    size_t product = 1;
    for (int32_t i = 0; i < t->ndim; ++i) {
      product *= static_cast<size_t>(t->shape[i]);
    }
    return product;
  }

  medpruner_tensor* add(std::vector<int64_t> shape, medpruner_dtype dtype, size_t width);

  const Backend& backend_;
  std::vector<void*> memory_;
  std::deque<std::vector<int64_t>> shapes_;
  std::deque<medpruner_tensor> tensors_;
};

/** What cases add to. */
struct Results {
  std::vector<Ceiling> ceilings;
  std::vector<Row> rows;
  /** Called with each row as it comes, so that a run that is cut short has shown what it measured. */
  std::function<void(const Row&)> seen;
  /** Called with what a failed check says. */
  std::function<void(const std::string&)> failed;

  /** Runs a case, or takes a figure; a failed check costs that alone. */
  void attempt(const std::function<void()>& body) const;

  /**
   * Takes a row. What moves may lie in a cache and exceed the bandwidth of memory; nothing calculates faster than the
   * device does, so more than all of a rate of arithmetic is a failed check.
   */
  void push(Row row);

  /** Of the row's ceiling; none without one. */
  std::optional<double> percent(const Row& row) const;
};

/** Fast seeded numbers: one stream per index, so that any part can be made alone. */
class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /** In [0, 1). */
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  /** Sum of four uniforms, scaled to variance 1: near enough to normal for what is timed here. */
  float normal() {
    const double sum = uniform() + uniform() + uniform() + uniform();
    return static_cast<float>((sum - 2) * 1.7320508);
  }

 private:
  uint64_t state_;
};

/** Offsets of equal segments. */
std::vector<int64_t> equal_segments(int64_t segments, int64_t length);

// Each adds its rows; `wanted` says which of its case names to run.
using Wanted = std::function<bool(const std::string& op, const std::string& name)>;
void measure_ceilings(const Backend& backend, Results& results);
void measure_slice_anchor(const Backend& backend, const Wanted& wanted, Results& results);
void measure_attention_mass(const Backend& backend, const Wanted& wanted, Results& results);
void measure_nucleus_select(const Backend& backend, const Wanted& wanted, Results& results);
void measure_merge_and_gather(const Backend& backend, const Wanted& wanted, Results& results);
void measure_prune(const Backend& backend, const Wanted& wanted, Results& results);
void measure_stage2(const Backend& backend, const Wanted& wanted, Results& results);
