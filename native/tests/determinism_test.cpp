/* SPDX-License-Identifier: Apache-2.0 */
// The CPU backend gives the same bits whatever surrounds a call: threads, instruction set, the other
// segments of the batch, the floating-point environment of the calling thread.

#include <fenv.h>
#include <unistd.h>

#include <string>

#include "harness.hpp"
#include "jobs.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace {

const char* program = nullptr;

/** Large enough that every op shares its work among threads. */
constexpr jobs::Size kSize = {12, 30011, 700, 37, 60000, 1500, 37, 300};

/** All outputs, made once on one thread in the environment this process began with. */
const std::vector<jobs::Bytes>& expected() {
  static const std::vector<jobs::Bytes> made = [] {
    medpruner_set_cpu_threads(1);
    std::vector<jobs::Bytes> all;
    for (const jobs::Job& job : jobs::all(kCpu, kSize)) {
      all.push_back(job.run());
      medpruner_status status = -1;
      memcpy(&status, all.back().data(), sizeof status);
      CHECK_EQUAL(status, MEDPRUNER_OK);
    }
    medpruner_set_cpu_threads(0);
    return all;
  }();
  return made;
}

template <class Around>
void check_all(const char* what, const Around& around) {
  const std::vector<jobs::Job> all = jobs::all(kCpu, kSize);
  for (size_t i = 0; i < all.size(); ++i) {
    const std::vector<unsigned char>& alone = expected()[i];
    const int before = harness::failures();
    CHECK_SAME(around(all[i]), alone);
    if (harness::failures() != before) {
      fprintf(stderr, "  %s, %s\n", all[i].name.c_str(), what);
      return;  // one is enough to fail, and under the sanitizers each takes seconds
    }
  }
}

uint64_t digest() {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const jobs::Job& job : jobs::all(kCpu, kSize)) {
    for (unsigned char byte : job.run()) {  // FNV-1a
      hash = (hash ^ byte) * 0x100000001b3ull;
    }
  }
  return hash;
}

TEST(any_number_of_threads) {
  for (const int32_t threads : {2, 3, 7}) {  // against one
    CHECK_EQUAL(medpruner_set_cpu_threads(threads), MEDPRUNER_OK);
    check_all(("threads: " + std::to_string(threads)).c_str(),
              [](const jobs::Job& job) { return job.run(); });
  }
  medpruner_set_cpu_threads(0);
}

/** What a process of its own prints, which chooses its tier once: that one, and the digest. */
struct Child {
  std::string isa, hash;

  /** `environment`: arguments of env. */
  explicit Child(const std::string& environment) {
    const std::string command = "env " + environment + " '" + program + "' digest";
    FILE* child = popen(command.c_str(), "r");
    CHECK(child != nullptr);
    char name[16] = "";
    char digits[32] = "";
    CHECK(child != nullptr && fscanf(child, "%15s %31s", name, digits) == 2);
    CHECK(child != nullptr && pclose(child) == 0);
    isa = name;
    hash = digits;
  }
};

TEST(any_instruction_set) {
  const std::string own = std::to_string(digest());
  const Child best("-u MEDPRUNER_MAX_ISA");
  CHECK(best.hash == own);
  bool beyond = false;  // what this processor has
  for (const std::string isa : {"x86-64", "avx2+fma", "avx512"}) {
    const Child child("MEDPRUNER_MAX_ISA=" + isa);
    CHECK(child.hash == own);
    // Else the comparison is of one tier with itself.
    CHECK(child.isa == (beyond || best.isa == "neon" ? best.isa : isa));
    if (beyond) {
      printf("SKIP: no %s on this CPU, whose best tier is %s\n", isa.c_str(), best.isa.c_str());
    }
    beyond = beyond || isa == best.isa;
  }
  CHECK(beyond || best.isa == "neon");
}

// ---- the floating-point environment -----------------------------------------------------------

#if defined(__x86_64__)
using Control = unsigned;
const std::vector<Control> kEnvironments = {
    0x9fc0,  // FTZ and DAZ, as LibTorch's set_flush_denormal leaves it
    0x5f80,  // towards plus infinity
    0xbfc0,  // towards minus infinity, FTZ and DAZ
    0x7f80,  // towards zero
    0x1c00,  // invalid, denormal and division by zero trap
};
Control control() { return _mm_getcsr(); }
void set_control(Control value) { _mm_setcsr(value); }
constexpr Control kSticky = 0x3f;
#elif defined(__aarch64__)
using Control = uint64_t;
const std::vector<Control> kEnvironments = {
    uint64_t{1} << 24,                      // FZ
    uint64_t{1} << 22,                      // towards plus infinity
    uint64_t{2} << 22 | uint64_t{1} << 24,  // towards minus infinity, FZ
    uint64_t{3} << 22,                      // towards zero
};
Control control() {
  uint64_t value;
  asm volatile("mrs %0, fpcr" : "=r"(value));
  return value;
}
void set_control(Control value) { asm volatile("msr fpcr, %0" : : "r"(value)); }
constexpr Control kSticky = 0;
#endif

volatile float tiny = 1e-30f;

TEST(the_environments_of_this_test_do_show) {
  const Control former = control();
  set_control(kEnvironments[0]);
  volatile float flushed = tiny * 1e-10f;  // volatile: stays before the next setting
  set_control(kEnvironments[1]);
  volatile float up = 1.0f + tiny;
  set_control(former);
  CHECK(flushed == 0);
  CHECK(up > 1.0f);
}

/** On the calling thread and on those of the pool. */
TEST(any_floating_point_environment) {
  for (const Control odd : kEnvironments) {
    for (const int32_t threads : {1, 3}) {
      medpruner_set_cpu_threads(threads);
      check_all(("control register " + std::to_string(odd)).c_str(), [&](const jobs::Job& job) {
        const Control former = control();
        set_control(odd);
        jobs::Bytes bytes = job.run();
        const Control after = control();
        set_control(former);
        CHECK_EQUAL(after & ~kSticky, odd & ~kSticky);
        return bytes;
      });
    }
  }
  medpruner_set_cpu_threads(0);
}

/** A refused call restores it too. */
TEST(a_refusal_restores_the_environment) {
  const Control former = control();
  set_control(kEnvironments[0]);
  size_t bytes = 0;
  const medpruner_status status =
      medpruner_nucleus_select_workspace(nullptr, nullptr, nullptr, nullptr, &bytes);
  const Control after = control();
  set_control(former);
  CHECK_EQUAL(status, MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(after & ~kSticky, kEnvironments[0] & ~kSticky);
}

// ---- the rest of the batch ---------------------------------------------------------------------

/** Lengths of the segments, an empty one among them. */
const std::vector<int64_t> kLengths = {97, 1, 0, 400, 33};

std::vector<int64_t> starts() {
  std::vector<int64_t> result = {0};
  for (int64_t length : kLengths) {
    result.push_back(result.back() + length);
  }
  return result;
}

/** The rows of the segments in `order`, one after the other, of a tensor of `width` values a row. */
template <class T>
std::vector<T> rows_of(const std::vector<T>& values, int64_t width, const std::vector<size_t>& order) {
  std::vector<T> result;
  for (size_t g : order) {
    const auto first = values.begin() + starts()[g] * width;
    result.insert(result.end(), first, first + kLengths[g] * width);
  }
  return result;
}

std::vector<int64_t> offsets_of(const std::vector<size_t>& order) {
  std::vector<int64_t> result = {0};
  for (size_t g : order) {
    result.push_back(result.back() + kLengths[g]);
  }
  return result;
}

/** Row numbers made relative to their segment; -1 and what is not written stay. */
template <class T>
void make_relative(std::vector<T>& values, const std::vector<int64_t>& offsets) {
  for (size_t g = 0; g + 1 < offsets.size(); ++g) {
    for (int64_t i = offsets[g]; i < offsets[g + 1]; ++i) {
      T& value = values[static_cast<size_t>(i)];
      value = value < 0 ? value : static_cast<T>(value - offsets[g]);
    }
  }
}

/** prune is told that stage 1 dropped this segment, of which so many leading rows may stay. */
bool dropped(size_t segment) { return segment == 0; }
constexpr int64_t kDroppedTokens = 9;

/** For each segment of `order`, everything any op says of it. */
std::vector<jobs::Bytes> run_batch(const std::vector<size_t>& order) {
  cases::Random random(21);
  const int64_t total = starts().back();
  const int64_t width = 19;
  const Tensor<float> matrix = cases::matrix<float>(random, total, width);
  const Tensor<BF16> features = cases::matrix<BF16>(random, total, 2 * width);
  const std::vector<float> masses = jobs::masses(random, total);
  const std::vector<int64_t> offsets = offsets_of(order);
  const int64_t rows = offsets.back();

  Tensor<float> x({rows, width}, rows_of(matrix.values, width, order));
  AnchorResult anchors = slice_anchor(kCpu, x, offsets, 1.12, 1);
  make_relative(anchors.representative.values, offsets);
  make_relative(anchors.kept_indices.values, offsets);
  AnchorResult patched =
      slice_anchor_patches(kCpu, x, offsets, patches(1.12, 1, 2.5, {1, 1, width, 1, 4}));
  make_relative(patched.representative.values, offsets);
  make_relative(patched.kept_indices.values, offsets);
  Tensor<float> query({rows, 1, width}, x.values);
  const MassResult mass = attention_mass(kCpu, contiguous(1), query, query, nullptr, offsets);
  NucleusResult nuclei =
      nucleus_select(kCpu, nucleus(MEDPRUNER_SCORE_MASS, 0.7), rows_of(masses, 1, order), offsets);
  Tensor<BF16> f({rows, 2 * width}, rows_of(features.values, 2 * width, order));
  const GatherResult<BF16> gathered = gather_rows(kCpu, f, nuclei.kept_indices.values,
                                                  nuclei.kept_counts.values, offsets, rows);
  make_relative(nuclei.kept_indices.values, offsets);
  MergeResult<BF16> merge = contextual_merge(kCpu, 0.2, &f, x, nuclei.mask.values, offsets);
  make_relative(merge.assignment.values, offsets);
  make_relative(merge.kept_indices.values, offsets);
  PruneCase<BF16> prune_case;
  prune_case.params.nucleus.tau = 0.7;
  prune_case.params.dropped_tokens = kDroppedTokens;
  prune_case.mass = vector_of(rows_of(masses, 1, order));
  prune_case.keys = x;
  prune_case.features = f;
  prune_case.offsets = offsets;
  prune_case.capacity = rows;
  for (size_t segment : order) {
    prune_case.segments.push_back(dropped(segment) ? 0 : 1);
  }
  PruneResult<BF16> pruned = prune(kCpu, prune_case);
  make_relative(pruned.assignment.values, offsets);
  for (const medpruner_status status : {anchors.status, patched.status, mass.status, nuclei.status,
                                        gathered.status, merge.status, pruned.status}) {
    CHECK_EQUAL(status, MEDPRUNER_OK);
  }

  std::vector<jobs::Bytes> result(order.size());
  for (size_t g = 0; g < order.size(); ++g) {
    const auto rows_part = [&](const auto& values, int64_t columns) {
      jobs::append(result[g], std::vector(values.begin() + offsets[g] * columns,
                                          values.begin() + offsets[g + 1] * columns));
    };
    // How many rows a segment packs is its own; where they begin depends on the batch.
    const auto packed_part = [&](const auto& values, const Tensor<int64_t>& bounds, int64_t columns) {
      const int64_t begin = bounds.values[g];
      const int64_t end = bounds.values[g + 1];
      jobs::append(result[g], std::vector<int64_t>{end - begin});
      jobs::append(result[g],
                   std::vector(values.begin() + begin * columns, values.begin() + end * columns));
    };
    const auto segment_part = [&](const auto& values) {
      jobs::append(result[g], std::vector(values.begin() + static_cast<int64_t>(g),
                                          values.begin() + static_cast<int64_t>(g) + 1));
    };
    rows_part(anchors.keep.values, 1);
    rows_part(anchors.distance.values, 1);
    rows_part(anchors.representative.values, 1);
    rows_part(anchors.kept_indices.values, 1);
    rows_part(anchors.flags.values, 1);
    segment_part(anchors.kept_counts.values);
    rows_part(patched.keep.values, 1);
    rows_part(patched.distance.values, 1);
    rows_part(patched.patch_distance.values, 1);
    rows_part(patched.patch_index.values, 1);
    rows_part(patched.representative.values, 1);
    rows_part(patched.kept_indices.values, 1);
    rows_part(patched.flags.values, 1);
    segment_part(patched.kept_counts.values);
    rows_part(mass.mass.values, 1);
    rows_part(mass.pooled_keys.values, width);
    segment_part(mass.flags.values);
    rows_part(nuclei.mask.values, 1);
    rows_part(nuclei.kept_indices.values, 1);
    segment_part(nuclei.kept_counts.values);
    segment_part(nuclei.kept_mass.values);
    rows_part(merge.merged.values, 2 * width);
    rows_part(merge.role.values, 1);
    rows_part(merge.assignment.values, 1);
    rows_part(merge.kept_indices.values, 1);
    segment_part(merge.kept_counts.values);
    segment_part(merge.flags.values);
    packed_part(gathered.packed.values, gathered.packed_offsets, 2 * width);
    segment_part(gathered.flags.values);
    for (int64_t i = pruned.packed_offsets.values[g]; i < pruned.packed_offsets.values[g + 1]; ++i) {
      pruned.packed_rows.values[static_cast<size_t>(i)] -= offsets[g];
    }
    packed_part(pruned.packed.values, pruned.packed_offsets, 2 * width);
    packed_part(pruned.packed_rows.values, pruned.packed_offsets, 1);
    rows_part(pruned.role.values, 1);
    rows_part(pruned.assignment.values, 1);
    segment_part(pruned.kept_mass.values);
    segment_part(pruned.flags.values);
  }
  return result;
}

TEST(any_batch_composition) {
  std::vector<size_t> order = {0, 1, 2, 3, 4};
  const std::vector<jobs::Bytes> together = run_batch(order);
  for (size_t g = 0; g < order.size(); ++g) {
    const std::vector<jobs::Bytes> alone = run_batch({g});
    CHECK_SAME(alone[0], together[g]);
  }
  cases::Random random(22);
  for (int round = 0; round < 10; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<size_t> some(order.begin(), order.begin() + 2 + round % 4);
    const std::vector<jobs::Bytes> permuted = run_batch(some);
    for (size_t i = 0; i < some.size(); ++i) {
      CHECK_SAME(permuted[i], together[some[i]]);
    }
  }
}

TEST(any_time) {
  for (int round = 0; round < 3; ++round) {
    check_all("again", [](const jobs::Job& job) { return job.run(); });
  }
}

}  // namespace

int main(int count, char** arguments) {
  if (count > 1 && strcmp(arguments[1], "digest") == 0) {
    printf("%s %s\n", medpruner_cpu_isa(), std::to_string(digest()).c_str());
    return 0;
  }
  program = arguments[0];
  return harness::run_tests();
}
