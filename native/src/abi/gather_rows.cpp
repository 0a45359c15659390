/* SPDX-License-Identifier: Apache-2.0 */
#include "medpruner/gather_rows.h"

#include <inttypes.h>

#include "abi/tensor_check.hpp"
#include "cpu/backend.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

GatherRowsArgs check_source(Checker& checker, const medpruner_gather_rows_params* params,
                            const medpruner_tensor* source, int64_t* columns) {
  check_params(params);
  check_reserved(params->reserved);
  const View view = checker.input("source", source, kAnyPlain, {kFree, kFree}, Layout::kRowStride);
  GatherRowsArgs args = {};
  args.source = view.data;
  args.rows = view.shape[0];
  *columns = view.shape[1];
  // With no rows the extents were not multiplied out; nothing is copied then.
  if (args.rows > 0 && *columns > 0) {
    args.row_bytes = *columns * view.element_bytes;
    if (args.rows > 1 &&
        __builtin_mul_overflow(view.strides[0], view.element_bytes, &args.row_stride_bytes)) {
      fail(kInvalid, "source: its size overflows 64 bits");
    }
  }
  return args;
}

/** Contents of counts, indices and the capacity; CPU only. */
void check_lists(const GatherRowsArgs& args) {
  int64_t total = 0;
  for (int64_t g = 0; g < args.segments; ++g) {
    const int64_t begin = args.offsets[g];
    const int64_t length = args.offsets[g + 1] - begin;
    const int64_t count = args.counts[g];
    if (count < 0 || count > length) {
      fail(kInvalid, "counts: value %" PRId64 " is %" PRId64 ", expected in [0, %" PRId64
           "], the rows of its segment", g, count, length);
    }
    for (int64_t i = begin; i < begin + count; ++i) {
      if (args.indices[i] < 0 || args.indices[i] >= args.rows) {
        fail(kInvalid, "indices: value %" PRId64 " is %" PRId64 ", expected a row in [0, %" PRId64
             ")", i, args.indices[i], args.rows);
      }
    }
    total += count;
  }
  if (total > args.capacity) {
    fail(kInvalid, "packed: shape[0] is %" PRId64 ", expected at least %" PRId64
         ", the rows kept", args.capacity, total);
  }
}

size_t workspace_size(const Checker& checker, const GatherRowsArgs& args) {
  return checker.on_cuda() ? cuda::gather_rows_workspace(args) : 0;
}

}  // namespace
}  // namespace medpruner

using namespace medpruner;

medpruner_status medpruner_gather_rows_workspace(const medpruner_gather_rows_params* params,
                                                 const medpruner_tensor* source,
                                                 const medpruner_tensor* offsets, size_t* bytes) {
  return guard([&] {
    Checker checker(false);
    int64_t columns = 0;
    GatherRowsArgs args = check_source(checker, params, source, &columns);
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    check_bytes_out(bytes);
    checker.require_backend();
    *bytes = workspace_size(checker, args);
  });
}

medpruner_status medpruner_gather_rows(
    const medpruner_gather_rows_params* params, const medpruner_tensor* source,
    const medpruner_tensor* indices, const medpruner_tensor* counts,
    const medpruner_tensor* offsets, const medpruner_tensor* packed,
    const medpruner_tensor* packed_offsets, const medpruner_tensor* flags, void* workspace,
    size_t workspace_bytes, void* stream) {
  return guard([&] {
    Checker checker(true);
    int64_t columns = 0;
    GatherRowsArgs args = check_source(checker, params, source, &columns);
    args.indices =
        checker.input("indices", indices, bit(DType::kI64), {args.rows}).as<const int64_t>();
    // The number of segments comes from the offsets, which follow in the signature.
    const View count_view = checker.input("counts", counts, bit(DType::kI64), {kFree});
    args.counts = count_view.as<const int64_t>();
    args.offsets = check_bounds(checker, "offsets", offsets, &args.segments);
    if (count_view.shape[0] != args.segments) {
      fail(kInvalid, "counts: shape is [%" PRId64 "], expected [%" PRId64 "], one per segment",
           count_view.shape[0], args.segments);
    }
    const View packed_view = checker.output("packed", packed, kAnyPlain, {kFree, columns});
    if (packed->dtype.code != source->dtype.code || packed->dtype.bits != source->dtype.bits) {
      fail(kInvalid, "packed: dtype is (code %u, %u bits), expected that of source (code %u, %u "
           "bits)", packed->dtype.code, packed->dtype.bits, source->dtype.code, source->dtype.bits);
    }
    args.packed = packed_view.data;
    args.capacity = packed_view.shape[0];
    args.packed_offsets =
        checker.output("packed_offsets", packed_offsets, bit(DType::kI64), {args.segments + 1})
            .as<int64_t>();
    args.flags = checker.output("flags", flags, bit(DType::kU32), {args.segments}).as<uint32_t>();
    checker.require_backend();
    checker.finish(workspace, workspace_bytes, workspace_size(checker, args), stream);
    args.workspace = workspace;
    if (checker.on_cuda()) {
      cuda::gather_rows(args, {checker.device_id(), stream});
    } else {
      check_offsets("offsets", args.offsets, args.segments + 1, args.rows, "source");
      check_lists(args);
      cpu::gather_rows(args);
    }
  });
}
