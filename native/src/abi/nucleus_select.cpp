/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/nucleus_select.h"

#include <inttypes.h>
#include <math.h>

#include "abi/op_checks.hpp"
#include "cpu/backend.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

void check_floor_and_cap(const char* prefix, int64_t low, int64_t high) {
  if (low < 0) {
    fail(kInvalid, "params: %smin_tokens is %" PRId64 ", expected >= 0", prefix, low);
  }
  if (high < 0) {
    fail(kInvalid, "params: %smax_tokens is %" PRId64 ", expected >= 0", prefix, high);
  }
  if (low > 0 && high > 0 && low > high) {
    fail(kInvalid, "params: %smin_tokens is %" PRId64 ", expected at most %smax_tokens, %" PRId64,
         prefix, low, prefix, high);
  }
}

}  // namespace

NucleusSelectArgs check_nucleus_params(const medpruner_nucleus_select_params* params) {
  check_params(params);
  if (params->score != MEDPRUNER_SCORE_SOFTMAX && params->score != MEDPRUNER_SCORE_MASS) {
    fail(kInvalid, "params: score is %d, expected 0 (SOFTMAX) or 1 (MASS)",
         static_cast<int>(params->score));
  }
  if (!(params->tau > 0 && params->tau <= 1)) {
    fail(kInvalid, "params: tau is %.17g, expected in (0, 1]", params->tau);
  }
  NucleusSelectArgs args = {};
  args.mass_score = params->score == MEDPRUNER_SCORE_MASS;
  if (!args.mass_score) {
    if (!isfinite(params->temperature) || params->temperature < 1e-300) {
      fail(kInvalid, "params: temperature is %.17g, expected finite and >= 1e-300",
           params->temperature);
    }
    args.factor = 1.4426950408889634 / params->temperature;
  }
  check_floor_and_cap("", params->min_tokens, params->max_tokens);
  check_floor_and_cap("volume_", params->volume_min_tokens, params->volume_max_tokens);
  args.keep_all = params->tau == 1;
  const double slack_tau = params->tau * (1.0 - 0x1p-30);
  args.tau_q62 = static_cast<uint64_t>(static_cast<int64_t>(rint(slack_tau * 0x1p62)));
  args.min_tokens = params->min_tokens;
  args.max_tokens = params->max_tokens;
  args.volume_min_tokens = params->volume_min_tokens;
  args.volume_max_tokens = params->volume_max_tokens;
  return args;
}

namespace {

NucleusSelectArgs check_inputs(Checker& checker, const medpruner_nucleus_select_params* params,
                               const medpruner_tensor* scores, const medpruner_tensor* offsets,
                               const medpruner_tensor* volumes) {
  NucleusSelectArgs args = check_nucleus_params(params);
  const View score_view = checker.input("scores", scores, bit(DType::kF32), {kFree});
  if (score_view.shape[0] > UINT32_MAX) {
    fail(kInvalid, "scores: shape[0] is %" PRId64 ", expected less than 2^32", score_view.shape[0]);
  }
  args.scores = score_view.as<const float>();
  args.rows = score_view.shape[0];
  args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
  args.volume_count = 1;
  if (volumes != nullptr) {
    args.volumes = check_bounds(checker, "volumes", volumes, &args.volume_count);
  }
  return args;
}

size_t workspace_size(const Checker& checker, const NucleusSelectArgs& args) {
  return checker.on_cuda() ? cuda::nucleus_select_workspace(args)
                           : cpu::nucleus_select_workspace(args);
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_nucleus_select_workspace(const medpruner_nucleus_select_params* params,
                                                    const medpruner_tensor* scores,
                                                    const medpruner_tensor* offsets,
                                                    const medpruner_tensor* volumes,
                                                    size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    const NucleusSelectArgs args = check_inputs(checker, params, scores, offsets, volumes);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args);
  });
}

medpruner_status medpruner_nucleus_select(
    const medpruner_nucleus_select_params* params, const medpruner_tensor* scores,
    const medpruner_tensor* offsets, const medpruner_tensor* volumes, const medpruner_tensor* mask,
    const medpruner_tensor* kept_indices, const medpruner_tensor* kept_counts,
    const medpruner_tensor* kept_mass, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    NucleusSelectArgs args = check_inputs(checker, params, scores, offsets, volumes);
    const int64_t rows = args.rows;
    const int64_t segments = args.segments;
    args.mask = checker.output("mask", mask, bit(DType::kU8), {rows}).as<uint8_t>();
    args.kept_indices =
        checker.output("kept_indices", kept_indices, bit(DType::kI64), {rows}).as<int64_t>();
    args.kept_counts =
        checker.output("kept_counts", kept_counts, bit(DType::kI64), {segments}).as<int64_t>();
    args.kept_mass =
        checker.output("kept_mass", kept_mass, bit(DType::kF64), {segments}).as<double>();
    args.flags = checker.output("flags", flags, bit(DType::kU32), {segments}).as<uint32_t>();
    checker.require_backend();
    checker.finish(workspace, workspace_bytes, workspace_size(checker, args), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::nucleus_select(args, {checker.device_id(), stream});
    } else {
      check_offsets("offsets", args.offsets, segments + 1, rows, "scores");
      if (args.volumes != nullptr) {
        check_offsets("volumes", args.volumes, args.volume_count + 1, segments,
                      "kept_counts (the segments)");
      }
      cpu::nucleus_select(args);
    }
  });
}
