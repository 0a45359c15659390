/* SPDX-License-Identifier: Apache-2.0 */
// Every __syncthreads of the library's kernels, every wait for asynchronous copies, for the former launch and for the
// other blocks of a cluster is taken out in turn, without a change to their source: the executor must report a fault,
// or the result must differ. That it is every one, the sources say.

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>

#include "cuda/attention_mass/limits.hpp"
#include "cuda/nucleus_select/limits.hpp"
#include "prune_cases.hpp"
#include "schedules.hpp"

namespace {

template <class T>
bool same(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

/** As Options::omitted_barrier has them. */
using Places = std::set<std::pair<std::string, int>>;

/** The calls in the sources of the kernels, but for the headers that define them and have stand-ins here. */
Places barriers_written() {
  const std::set<std::string> define = {"common/cluster.cuh", "common/dependent.cuh", "common/mma.cuh",
                                        "common/split_barrier.cuh", "common/wgmma.cuh"};
  const std::regex call("(^|[^A-Za-z0-9_])(__syncthreads[a-z_]*|cp_async_wait<[^>]*>|await_former_launch|"
                        "await_cluster|cluster_sync|barrier[.]arrive|barrier[.]wait)[(]");
  const std::regex comment("^ *[*/].*|//.*$");
  Places places;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MEDPRUNER_CUDA_SOURCES)) {
    const std::filesystem::path& path = entry.path();
    const std::string name = (path.parent_path().filename() / path.filename()).string();
    if (!entry.is_regular_file() || define.count(name) != 0) {
      continue;
    }
    std::ifstream file(path);
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
      if (std::regex_search(std::regex_replace(line, comment, ""), call)) {
        places.insert({name, number});
      }
    }
  }
  return places;
}

/** Reports what `all` has and `some` does not. */
void check_holds(const Places& some, const Places& all, const char* what) {
  for (const auto& place : all) {
    CHECK(some.count(place) == 1);
    if (some.count(place) == 0) {
      fprintf(stderr, "  %s:%d %s\n", place.first.c_str(), place.second, what);
    }
  }
}

/** All ops on inputs that take every path with a barrier; true when all is as on the CPU. */
class Workload {
 public:
  Workload() {
    cases::Random random(51);
    slices_ = cases::matrix<float>(random, 300, 5);
    query_ = cases::matrix<float>(random, 130, 20);
    query_.shape = {130, 1, 20};
    for (int i = 0; i < 300; ++i) {
      scores_.push_back(expf(cases::normal(random)));
      mask_.push_back(i % 4 == 0 ? 1 : 0);
    }
    keys_ = cases::matrix<float>(random, 300, 97);  // more components than a tile
    features_ = cases::matrix<float>(random, 300, 2);
    source_ = cases::matrix<int32_t>(random, 2, 1);
    for (int64_t g = 0; g < 4200; ++g) {  // more segments than the scan takes at a time
      gather_offsets_.push_back(g < 1 ? 0 : 2);
      gather_counts_.push_back(g == 0 ? 2 : 0);
    }
    gather_offsets_.push_back(2);
    params_ = nucleus(0, 0.5);
    params_.min_tokens = 200;
    params_.volume_max_tokens = 100;
    anchor_ = slice_anchor(kCpu, slices_, {0, 300}, 0.9, 1);
    wide_ = cases::matrix<float>(random, 3, 4 * 4096 + 1);  // two blocks
    wide_anchor_ = slice_anchor(kCpu, wide_, {0, 3}, 0.9, 1);
    uneven_ = wide_;  // one chunk far below the others: no f64 adds them exactly
    for (size_t i = 0; i < uneven_.values.size(); ++i) {
      const size_t chunk = i % (4 * 4096 + 1) / 4096;
      uneven_.values[i] *= chunk == 1 ? 1e-20f : 1.0f;
    }
    uneven_anchor_ = slice_anchor(kCpu, uneven_, {0, 3}, 0.9, 1);
    bytes_ = cases::matrix<uint8_t>(random, 9, 60);
    bytes_anchor_ = slice_anchor(kCpu, bytes_, {0, 9}, 85, 1);
    shorts_ = cases::matrix<int16_t>(random, 9, 60);
    shorts_anchor_ = slice_anchor(kCpu, shorts_, {0, 9}, 21800, 1);
    patch_anchor_ = slice_anchor_patches(kCpu, slices_, {0, 300}, in_threes(slices_));
    patch_bytes_anchor_ = slice_anchor_patches(kCpu, bytes_, {0, 9}, in_threes(bytes_));
    mass_offsets_.assign(1101, 2);  // more segments than the block that scans them has threads
    mass_offsets_.front() = 0;
    mass_offsets_.back() = 130;
    mass_ = attention_mass(kCpu, contiguous(1), query_, query_, nullptr, mass_offsets_);
    half_query_ = cases::matrix<F16>(random, 140, 2 * 20);  // two heads, three tiles of streamed rows
    half_query_.shape = {140, 2, 20};
    half_mass_ = attention_mass(kCpu, contiguous(1), half_query_, half_query_, nullptr, {0, 140});
    group_query_ = cases::matrix<BF16>(random, 140, 2 * 24);  // rows that warpgroups take
    group_query_.shape = {140, 2, 24};
    group_mass_ = attention_mass(kCpu, contiguous(1), group_query_, group_query_, nullptr, {0, 140});
    odd_query_ = cases::matrix<F16>(random, 70, 5);  // rows that no asynchronous copy can take
    odd_query_.shape = {70, 1, 5};
    odd_mass_ = attention_mass(kCpu, contiguous(1), odd_query_, odd_query_, nullptr, {0, 70});
    // The first warp's rows have no scores that outgrow their first ones, by 2^256, the others' do.
    steep_query_ = Tensor<F16>({130, 1, 8}, std::vector<F16>(130 * 8));
    steep_key_ = steep_query_;
    for (size_t row = 0; row < 130; ++row) {
      reference::put(row < 32 ? 0.25f : 16.0f, &steep_query_.values[row * 8]);
      reference::put(row == 100 ? 16.0f : 0.0f, &steep_key_.values[row * 8]);
    }
    steep_mass_ = attention_mass(kCpu, contiguous(1, kLn2), steep_query_, steep_key_, nullptr, {0, 130});
    broken_query_ = query_;
    broken_query_.values[3] = NAN;
    nucleus_ = nucleus_select(kCpu, params_, scores_, {0, 300});
    free_ = nucleus_select(kCpu, nucleus(0, 0.5), scores_, {0, 300});
    close_scores_.assign(300, 1e6f);  // more than 32 in one of the first bins
    for (size_t i = 1; i < 300; ++i) {
      close_scores_[i] = 1 + 1e-6f * static_cast<float>(i);
    }
    close_ = nucleus_select(kCpu, nucleus(1, 0.99985), close_scores_, {0, 300});
    few_close_scores_.assign(close_scores_.begin(), close_scores_.begin() + 200);  // in the smallest block
    few_close_ = nucleus_select(kCpu, nucleus(1, 0.9999), few_close_scores_, {0, 200});
    special_scores_ = scores_;
    special_scores_[299] = NAN;
    special_ = nucleus_select(kCpu, nucleus(1, 0.5), special_scores_, {0, 300});
    negative_scores_ = scores_;
    negative_scores_[299] = -1;
    negative_ = nucleus_select(kCpu, nucleus(1, 0.5), negative_scores_, {0, 300});
    merge_ = contextual_merge(kCpu, 0.05, &features_, keys_, mask_, {0, 300});
    gather_ = gather_rows(kCpu, source_, {1, 0}, gather_counts_, gather_offsets_, 2);
    stray_.assign(70, 0);  // all but one of them good, and not one that the first thread sees
    stray_[69] = -1;
    prune_case_.offsets = {0, 300};
    prune_case_.mass = vector_of(scores_);
    prune_case_.keys = keys_;
    prune_case_.features = features_;
    prune_case_.segments = {0};
    prune_case_.params.nucleus.tau = 0.5;
    prune_case_.params.dropped_tokens = 290;
    prune_case_.capacity = 300;
    prune_ = prune(kCpu, prune_case_);
    many_case_ = prune_cases::many_segments(random, 300, 2, 8);  // more than each block adds up by itself
    many_ = prune(kCpu, many_case_);
  }

  static constexpr int kOps = 6;

  /** Whether the ops from one on, and before another, give what they should. */
  bool pass(int first, int last) {
    bool ok = true;
    for (int op = first; op < last && ok; ++op) {
      ok = passes(op);
    }
    return ok;
  }

 private:
  bool passes(int op) {
    switch (op) {
      case 0:
        return anchor();
      case 1:
        return mass();
      case 2:
        return selection();
      case 3:
        return merge();
      case 4:
        return gather();
      default:
        return pruning();
    }
  }

  template <class T>
  static bool anchors_as(Tensor<T>& slices, double gamma, const AnchorResult& expected) {
    const AnchorResult r = slice_anchor(kGpu, slices, {0, slices.shape[0]}, gamma, 1);
    return r.status == MEDPRUNER_OK && same(r.keep.values, expected.keep.values) &&
           same(r.distance.values, expected.distance.values) &&
           same(r.kept_indices.values, expected.kept_indices.values) &&
           same(r.kept_counts.values, expected.kept_counts.values);
  }

  bool anchor() {
    return anchors_as(slices_, 0.9, anchor_) && anchors_as(wide_, 0.9, wide_anchor_) &&
           anchors_as(uneven_, 0.9, uneven_anchor_) &&
           anchors_as(bytes_, 85, bytes_anchor_) && anchors_as(shorts_, 21800, shorts_anchor_) && patches_as(slices_, patch_anchor_) &&
           patches_as(bytes_, patch_bytes_anchor_);
  }

  static constexpr double kLn2 = 0.6931471805599453;  // as a scale: scores are base-2 logits

  /** One row of the grid, in patches of three values. */
  template <class T>
  static medpruner_slice_anchor_patches_params in_threes(const Tensor<T>& slices) {
    return patches(1e300, 1, 1.0, {1, 1, slices.shape[1], 1, 3});
  }

  template <class T>
  static bool patches_as(Tensor<T>& slices, const AnchorResult& expected) {
    const AnchorResult r =
        slice_anchor_patches(kGpu, slices, {0, slices.shape[0]}, in_threes(slices));
    return r.status == MEDPRUNER_OK && same(r.keep.values, expected.keep.values) &&
           same(r.patch_distance.values, expected.patch_distance.values) &&
           same(r.patch_index.values, expected.patch_index.values);
  }

  static bool close(const MassResult& r, const MassResult& expected) {
    bool ok = r.status == MEDPRUNER_OK && r.mass.values.size() == expected.mass.values.size();
    for (size_t i = 0; ok && i < r.mass.values.size(); ++i) {
      const float mass = expected.mass.values[i];
      ok = fabsf(r.mass.values[i] - mass) < 1e-5f * mass + 1e-8f;
    }
    return ok;
  }

  bool mass() {
    bool ok = close(attention_mass(kGpu, contiguous(1), query_, query_, nullptr, mass_offsets_), mass_);
    medpruner::cuda::g_mass_limits.blocks = 1;  // so that one block has several tiles and heads
    ok = ok && close(attention_mass(kGpu, contiguous(1), half_query_, half_query_, nullptr, {0, 140}),
                     half_mass_) &&
         close(attention_mass(kGpu, contiguous(1), group_query_, group_query_, nullptr, {0, 140}),
               group_mass_) &&
         close(attention_mass(kGpu, contiguous(1), odd_query_, odd_query_, nullptr, {0, 70}),
               odd_mass_);
    medpruner::cuda::g_mass_limits = {};
    ok = ok && close(attention_mass(kGpu, contiguous(1, kLn2), steep_query_, steep_key_, nullptr, {0, 130}),
                     steep_mass_);
    simt::options().compute_capability = 80;
    ok = ok && close(attention_mass(kGpu, contiguous(1, kLn2), steep_query_, steep_key_, nullptr, {0, 130}),
                     steep_mass_);
    simt::options().compute_capability = 90;
    const MassResult b =
        attention_mass(kGpu, contiguous(1), broken_query_, query_, nullptr, {0, 130});
    return ok && b.status == MEDPRUNER_OK && isnan(b.mass.values[77]) && b.flags.values[0] == 1;
  }

  bool selection() {
    const NucleusResult r = nucleus_select(kGpu, params_, scores_, {0, 300});
    const NucleusResult s = nucleus_select(kGpu, nucleus(1, 0.5), special_scores_, {0, 300});
    const NucleusResult n = nucleus_select(kGpu, nucleus(1, 0.5), negative_scores_, {0, 300});
    bool blocks = true;  // small blocks, in memory too, large ones in registers and in memory, spread over
    // tiles, clusters
    using Limits = medpruner::cuda::NucleusLimits;
    for (const Limits& limits :
         {Limits{10, 300, 4096, 10, 2048}, Limits{10, 10, 4096, 10, 2048}, Limits{10, 300, 4096, 10, 2048, 0, 20},
          Limits{10, 10, 4096, 10, 2048, 0, 10}, Limits{10, 100, 0, 6, 2048, 256, 4096, 0},
          Limits{10, 100, 0, 6, 2048, 256, 4096, 2}}) {
      medpruner::cuda::g_nucleus_limits = limits;
      const NucleusResult b = nucleus_select(kGpu, nucleus(0, 0.5), scores_, {0, 300});
      medpruner::cuda::g_nucleus_limits = {};
      blocks = blocks && b.status == MEDPRUNER_OK && same(b.mask.values, free_.mask.values) &&
               same(b.kept_indices.values, free_.kept_indices.values) &&
               same(b.kept_mass.values, free_.kept_mass.values);
    }
    const NucleusResult c = nucleus_select(kGpu, nucleus(1, 0.99985), close_scores_, {0, 300});
    const NucleusResult f = nucleus_select(kGpu, nucleus(1, 0.9999), few_close_scores_, {0, 200});
    return blocks && c.status == MEDPRUNER_OK && same(c.mask.values, close_.mask.values) &&
           f.status == MEDPRUNER_OK && same(f.mask.values, few_close_.mask.values) &&
           r.status == MEDPRUNER_OK && same(r.mask.values, nucleus_.mask.values) &&
           same(r.kept_indices.values, nucleus_.kept_indices.values) &&
           same(r.kept_mass.values, nucleus_.kept_mass.values) && s.status == MEDPRUNER_OK &&
           same(s.mask.values, special_.mask.values) && same(s.flags.values, special_.flags.values) &&
           same(n.mask.values, negative_.mask.values) &&
           same(n.flags.values, negative_.flags.values);
  }

  bool merge() {
    const auto r = contextual_merge(kGpu, 0.05, &features_, keys_, mask_, {0, 300});
    return r.status == MEDPRUNER_OK && same(r.merged.values, merge_.merged.values) &&
           same(r.kept_indices.values, merge_.kept_indices.values);
  }

  bool gather() {
    const auto r = gather_rows(kGpu, source_, {1, 0}, gather_counts_, gather_offsets_, 2);
    return r.status == MEDPRUNER_OK && same(r.packed.values, gather_.packed.values) &&
           same(r.packed_offsets.values, gather_.packed_offsets.values) && gather_stray();
  }

  bool gather_stray() {
    Tensor<int32_t> source({70, 1}, std::vector<int32_t>(70));
    const auto r = gather_rows(kGpu, source, stray_, {70}, {0, 70}, 70);
    return r.status == MEDPRUNER_OK && r.flags.values[0] == MEDPRUNER_SEGMENT_BAD_OFFSETS;
  }

  bool pruning() { return prunes_as(prune_case_, prune_) && prunes_as(many_case_, many_); }

  template <class T>
  static bool prunes_as(PruneCase<T>& c, const PruneResult<T>& expected) {
    const PruneResult<T> r = prune(kGpu, c);
    return r.status == MEDPRUNER_OK && same(r.packed.values, expected.packed.values) &&
           same(r.packed_rows.values, expected.packed_rows.values) &&
           same(r.packed_offsets.values, expected.packed_offsets.values);
  }

  Tensor<float> slices_, wide_, uneven_, query_, broken_query_, keys_, features_;
  Tensor<F16> half_query_, odd_query_, steep_query_, steep_key_;
  Tensor<BF16> group_query_;
  Tensor<int32_t> source_;
  std::vector<float> scores_, close_scores_, few_close_scores_, special_scores_, negative_scores_;
  std::vector<uint8_t> mask_;
  std::vector<int64_t> gather_offsets_, gather_counts_, stray_, mass_offsets_;
  medpruner_nucleus_select_params params_;
  Tensor<uint8_t> bytes_;
  Tensor<int16_t> shorts_;
  AnchorResult anchor_, wide_anchor_, uneven_anchor_, bytes_anchor_, shorts_anchor_, patch_anchor_, patch_bytes_anchor_;
  MassResult mass_, half_mass_, group_mass_, odd_mass_, steep_mass_;
  NucleusResult nucleus_, free_, close_, few_close_, special_, negative_;
  MergeResult<float> merge_;
  GatherResult<int32_t> gather_;
  PruneCase<float> prune_case_;
  PruneResult<float> prune_;
  PruneCase<BF16> many_case_;
  PruneResult<BF16> many_;
};

TEST(no_barrier_can_be_missing) {
  Workload workload;
  simt::options() = {};
  simt::clear_fault();
  std::map<Places::value_type, int> first_op;  // those before it never come to the barrier; running them too took 130 s instead of 30
  for (int op = 0; op < Workload::kOps; ++op) {
    CHECK(workload.pass(op, op + 1));
    for (const auto& barrier : simt::barriers_met()) {
      first_op.emplace(barrier, op);
    }
  }
  CHECK(simt::fault_text().empty());
  const Places barriers = simt::barriers_met();
  const Places written = barriers_written();
  check_holds(barriers, written, "was not met: give Workload an input that takes this path");
  check_holds(written, barriers, "is not found in the sources");
  for (const auto& barrier : barriers) {
    bool caught = false;
    std::string how;
    for (uint64_t seed = 1; seed <= 4 && !caught; ++seed) {
      simt::options() = {};
      simt::options().seed = seed;
      simt::options().omitted_barrier = barrier;
      simt::clear_fault();
      caught = !workload.pass(first_op.at(barrier), Workload::kOps);
      how = simt::fault_text().empty() ? "a different result" : simt::fault_text();
    }
    CHECK(caught);
    printf("     without %s:%d: %s\n", barrier.first.c_str(), barrier.second,
           caught ? how.c_str() : "NOTHING SEEN");
  }
  simt::options() = {};
}

}  // namespace

int main() { return schedules::run(); }
