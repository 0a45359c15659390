/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.hpp"

#include <math.h>

#include <algorithm>

#include "cuda_clock.hpp"
#include "probe.h"

Seconds Seconds::of(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const size_t n = samples.size();
  const double median =
      n % 2 == 1 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
  return {median, samples.front(), samples.back(), static_cast<int>(n)};
}

Backend::Backend(medpruner_device where, int32_t on, int runs, double budget)
    : device(where), threads(on), runs_(runs), budget_(budget) {
  must(medpruner_stream_create(&device, &stream));
}

Backend::~Backend() { medpruner_stream_destroy(&device, stream); }

int Backend::runs_for(double seconds) const {
  const double fit = budget_ / std::max(seconds, 1e-9);
  return std::clamp(static_cast<int>(std::min(fit, 1e6)), std::min(5, runs_), runs_);
}

Seconds Backend::time(const std::function<void()>& call) const {
  using Clock = std::chrono::steady_clock;
  const auto once = [&] {
    const auto begin = Clock::now();
    call();
    wait();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  once();
  const int runs = runs_for(once());
  if (cuda()) {
    return Seconds::of(cuda_clock::time(call, runs, stream));
  }
  std::vector<double> samples;
  for (int i = 0; i < runs; ++i) {
    samples.push_back(once());
  }
  return Seconds::of(std::move(samples));
}

Seconds Backend::time_graph(const std::function<void()>& call, size_t* nodes) const {
  return Seconds::of(cuda_clock::time_graph(call, runs_, stream, nodes));
}

Tensors::~Tensors() {
  for (void* memory : memory_) {
    medpruner_free(&backend_.device, memory);
  }
}

medpruner_tensor* Tensors::add(std::vector<int64_t> shape, medpruner_dtype dtype, size_t width) {
  size_t bytes = width;
  for (const int64_t extent : shape) {
    bytes *= static_cast<size_t>(extent);
  }
  void* memory = workspace(bytes);
  shapes_.push_back(std::move(shape));
  tensors_.push_back({memory, backend_.device, static_cast<int32_t>(shapes_.back().size()), dtype,
                      shapes_.back().data(), nullptr, 0});
  return &tensors_.back();
}

void* Tensors::workspace(size_t bytes) {
  void* memory = nullptr;
  must(medpruner_alloc(&backend_.device, bytes, &memory));
  memory_.push_back(memory);
  return memory;
}

std::vector<int64_t> equal_segments(int64_t segments, int64_t length) {
  std::vector<int64_t> offsets;
  for (int64_t g = 0; g <= segments; ++g) {
    offsets.push_back(g * length);
  }
  return offsets;
}

namespace {

void cuda_ceilings(const Backend& backend, Results& results) {
  constexpr size_t kBytes = size_t{1} << 30;
  const Seconds copy = Seconds::of(cuda_clock::time_copy(kBytes, 20, backend.stream));
  results.ceilings.push_back({"copy", "cuda", "B/s",
                              "1 GiB copied by a kernel of 16-byte loads and stores; read and "
                              "written bytes",
                              2.0 * static_cast<double>(kBytes) / copy.median, copy});
  const Seconds launch = Seconds::of(cuda_clock::time_nothing(100, backend.stream));
  results.ceilings.push_back({"launch", "cuda", "launches/s",
                              "an empty kernel between the same two events: no figure is below it",
                              1 / launch.median, launch});
  const auto arithmetic = [&](const char* name, const cuda_clock::Rate& rate) {
    const Seconds seconds = Seconds::of(rate.seconds);
    results.ceilings.push_back(
        {name, "cuda", "FLOP/s", rate.how, rate.operations / seconds.median, seconds});
  };
  arithmetic("f32 fma", cuda_clock::time_fma(20, backend.stream));
  if (const auto products = cuda_clock::time_products(20, backend.stream)) {
    arithmetic("bf16 products", *products);
  }
}

void cpu_ceilings(const Backend& backend, Results& results) {
  constexpr size_t kBytes = size_t{256} << 20;
  Tensors memory(backend);
  void* from = memory.workspace(kBytes);
  void* to = memory.workspace(kBytes);
  memset(from, 1, kBytes);
  memset(to, 1, kBytes);
  const Seconds read = backend.time([&] { probe_read(from, kBytes, backend.threads); });
  results.ceilings.push_back({"read", "cpu", "B/s", "every byte of 256 MiB read once",
                              static_cast<double>(kBytes) / read.median, read});
  const Seconds copy = backend.time([&] { probe_copy(to, from, kBytes, backend.threads); });
  results.ceilings.push_back({"copy", "cpu", "B/s",
                              "256 MiB copied with stores past the caches; read and written bytes",
                              2.0 * static_cast<double>(kBytes) / copy.median, copy});
  constexpr int64_t kRounds = 20'000'000;
  const char* isa = medpruner_cpu_isa();
  double flops = 0;
  const Seconds fma = backend.time([&] { flops = probe_fma(isa, kRounds, backend.threads); });
  results.ceilings.push_back({"f32 fma", "cpu", "FLOP/s",
                              std::string("independent multiply-adds in registers, tier ") + isa,
                              flops / fma.median, fma});
}

}  // namespace

void measure_ceilings(const Backend& backend, Results& results) {
  if (backend.cuda()) {
    cuda_ceilings(backend, results);
  } else {
    cpu_ceilings(backend, results);
  }
}
