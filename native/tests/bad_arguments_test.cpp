/* SPDX-License-Identifier: Apache-2.0 */
// Every way to get a call wrong: the status, a text that begins with the argument's name, and outputs
// left as they were.

#include <math.h>

#include <limits>

#include "fixtures.hpp"
#include "harness.hpp"

namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

void expect(Fixture& f, medpruner_status status, const std::string& name, const std::string& what) {
  const medpruner_status actual = f.call();
  const std::string text = last_error();
  ++harness::checks();
  if (actual != status || text.rfind(name + ":", 0) != 0 || !f.outputs_untouched()) {
    harness::report(__FILE__, __LINE__,
                    f.op + ", " + name + " " + what + ": " + medpruner_status_name(actual) + " \"" +
                        text + "\"" + (f.outputs_untouched() ? "" : ", outputs written"));
  }
}

/** Applies `change` to each argument of each op in turn. */
template <class Change>
void each_argument(medpruner_status status, const char* what, Change change) {
  for (size_t which = 0; which < kFixtures; ++which) {
    const size_t count = make_fixture(which).arguments.size();
    for (size_t i = 0; i < count; ++i) {
      Fixture f = make_fixture(which);
      if (change(*f.arguments[i])) {
        expect(f, status, f.arguments[i]->name, what);
      }
    }
  }
}

TEST(the_fixtures_are_valid) {
  for (size_t which = 0; which < kFixtures; ++which) {
    Fixture f = make_fixture(which);
    CHECK_EQUAL(f.call(), MEDPRUNER_OK);
    CHECK(!f.outputs_untouched());
    for (auto& argument : f.arguments) {
      argument->pass_null = argument->optional;
    }
    CHECK_EQUAL(f.call(), MEDPRUNER_OK);
  }
}

TEST(null_tensor) {
  for (size_t which = 0; which < kFixtures; ++which) {
    const size_t count = make_fixture(which).arguments.size();
    for (size_t i = 0; i < count; ++i) {
      Fixture f = make_fixture(which);
      Argument& argument = *f.arguments[i];
      if (argument.optional) {
        continue;
      }
      argument.pass_null = true;
      // Without features the call is a valid one but for `merged`, which must be NULL too.
      const bool features = f.op == "contextual_merge" && argument.name == "features";
      expect(f, kInvalid, features ? "merged" : argument.name, "NULL");
    }
  }
}

TEST(descriptors) {
  each_argument(kInvalid, "ndim", [](Argument& a) { return ++a.tensor.ndim > 0; });
  each_argument(kInvalid, "ndim 0", [](Argument& a) { return (a.tensor.ndim = 0) == 0; });
  each_argument(kInvalid, "negative ndim", [](Argument& a) { return (a.tensor.ndim = -1) < 0; });
  each_argument(kInvalid, "lanes", [](Argument& a) { return ++a.tensor.dtype.lanes > 0; });
  each_argument(kInvalid, "zero lanes", [](Argument& a) { return (a.tensor.dtype.lanes = 0) == 0; });
  each_argument(kInvalid, "12 bits", [](Argument& a) { return (a.tensor.dtype.bits = 12) > 0; });
  each_argument(kInvalid, "a dtype of a handle", [](Argument& a) {
    a.tensor.dtype.code = 3;
    return a.name != "source";  // which takes any dtype of a plain width
  });
  each_argument(kInvalid, "shape NULL", [](Argument& a) { return (a.tensor.shape = nullptr) == nullptr; });
  each_argument(kInvalid, "negative extent", [](Argument& a) { return (a.shape[0] = -1) < 0; });
  each_argument(kInvalid, "inner stride", [](Argument& a) {
    a.strides.back() = 2;
    return a.shape.back() > 1;
  });
  each_argument(kInvalid, "device type", [](Argument& a) { return (a.tensor.device.device_type = 7) > 0; });
  each_argument(kInvalid, "data NULL", [](Argument& a) { return (a.tensor.data = nullptr) == nullptr; });
  each_argument(kInvalid, "misaligned", [](Argument& a) {
    a.tensor.byte_offset = 1;
    return a.tensor.dtype.bits > 8;
  });
  each_argument(kInvalid, "address overflow", [](Argument& a) {
    a.tensor.byte_offset = std::numeric_limits<uint64_t>::max() - 7;
    return true;
  });
}

TEST(shapes_across_tensors) {
  for (size_t which = 0; which < kFixtures; ++which) {
    const size_t count = make_fixture(which).arguments.size();
    for (size_t i = 1; i < count; ++i) {
      Fixture f = make_fixture(which);
      Argument& a = *f.arguments[i];
      ++a.shape[0];
      // Descriptors are checked in the order of the signature, so a wrong count of offsets shows at
      // the outputs that follow; everything else at the tensor itself.
      if (a.name == "packed" || a.name == "offsets") {
        continue;
      }
      if (a.name == "volumes") {
        continue;
      }
      expect(f, kInvalid, a.name, "one row too many");
    }
  }
}

TEST(sizes_that_overflow) {
  constexpr int64_t kHuge = int64_t{1} << 62;
  Fixture anchor = make_fixture(0);
  anchor.arguments[0]->shape = {4, kHuge};
  anchor.arguments[0]->strides = {kHuge, 1};
  expect(anchor, kInvalid, "slices", "2^64 elements");
  Fixture rows = make_fixture(0);
  rows.arguments[0]->shape = {int64_t{1} << 31, 3};
  expect(rows, kInvalid, "slices", "2^31 rows");
  Fixture keys = make_fixture(3);
  keys.arguments[1]->strides = {kHuge, 1};
  expect(keys, kInvalid, "keys", "a stride of 2^62");
  Fixture scores = make_fixture(2);
  scores.arguments[0]->shape = {int64_t{1} << 32};
  expect(scores, kInvalid, "scores", "2^32 scores");
  Fixture query = make_fixture(1);
  query.arguments[0]->shape = {kHuge, kHuge, 3};
  query.arguments[0]->tensor.strides = nullptr;
  expect(query, kInvalid, "query", "2^124 elements");
}

TEST(shapes_of_their_own) {
  Fixture empty = make_fixture(0);
  empty.arguments[0]->shape = {4, 0};
  expect(empty, kInvalid, "slices", "no values");
  for (size_t which = 0; which < kFixtures; ++which) {
    Fixture f = make_fixture(which);
    for (auto& argument : f.arguments) {
      if (argument->name == "offsets") {
        argument->shape[0] = 0;
      }
    }
    expect(f, kInvalid, "offsets", "no values");
  }
  Fixture dim = make_fixture(1);
  dim.arguments[0]->shape[2] = 257;
  expect(dim, kInvalid, "query", "head dimension 257");
  Fixture heads = make_fixture(1);
  heads.arguments[0]->shape[1] = 0;
  expect(heads, kInvalid, "query", "no heads");
  Fixture packed = make_fixture(4);
  packed.arguments[4]->shape[1] = 2;
  expect(packed, kInvalid, "packed", "other columns");
  Fixture dtype = make_fixture(4);
  dtype.arguments[4]->tensor.dtype.code = MEDPRUNER_DTYPE_INT;
  expect(dtype, kInvalid, "packed", "other dtype");
  Fixture merged = make_fixture(3);
  merged.arguments[4]->strides[0] = 2;
  expect(merged, kInvalid, "merged", "rows that overlap");
}

TEST(params) {
  for (size_t which = 0; which < kFixtures; ++which) {
    for (uint32_t size : {0u, 1u, 4096u}) {
      Fixture f = make_fixture(which);
      memcpy(f.params.data(), &size, 4);
      expect(f, kInvalid, "params", "struct_size");
    }
    Fixture f = make_fixture(which);
    std::array<const medpruner_tensor*, kMostTensors> none = {};
    CHECK_EQUAL(f.entry(nullptr, none.data(), nullptr, 0, nullptr), kInvalid);
    CHECK(last_error() == "params: is NULL");
  }
  for (size_t which : {3, 4, 5, 6, 7}) {
    Fixture f = make_fixture(which);
    f.params[4] = 1;
    expect(f, kInvalid, "params", "reserved");
  }
  const double nan = NAN;
  const double inf = INFINITY;
  const auto anchor = [](auto change) {
    Fixture f = make_fixture(0);
    change(f.params_as<medpruner_slice_anchor_params>());
    expect(f, kInvalid, "params", "of slice_anchor");
  };
  anchor([&](auto* p) { p->gamma = nan; });
  anchor([&](auto* p) { p->scale = nan; });
  anchor([&](auto* p) { p->scale = inf; });
  anchor([&](auto* p) { p->scale = 0; });
  anchor([&](auto* p) { p->max_gap = -1; });
  anchor([&](auto* p) { p->flags = 2; });
  anchor([&](auto* p) { p->flags = 1u << 31 | MEDPRUNER_ANCHOR_DECIDE_ONLY; });
  const auto patch = [](auto change) {
    Fixture f = make_fixture(7);
    change(f.params_as<medpruner_slice_anchor_patches_params>());
    expect(f, kInvalid, "params", "of slice_anchor_patches");
  };
  patch([&](auto* p) { p->anchor.struct_size = 0; });
  patch([&](auto* p) { p->anchor.gamma = nan; });
  patch([&](auto* p) { p->anchor.scale = 0; });
  patch([&](auto* p) { p->anchor.max_gap = -1; });
  patch([&](auto* p) { p->anchor.flags = 2; });
  patch([&](auto* p) { p->patch_gamma = nan; });
  patch([&](auto* p) { p->channels = 0; });
  patch([&](auto* p) { p->height = -2; });
  patch([&](auto* p) { p->width = 0; });
  patch([&](auto* p) { p->patch_height = 0; });
  patch([&](auto* p) { p->patch_width = -1; });
  patch([&](auto* p) { p->patch_height = 257, p->patch_width = 256; });
  patch([&](auto* p) { p->patch_height = p->patch_width = int64_t{1} << 40; });
  const auto size = [](auto change) {
    Fixture f = make_fixture(7);
    change(f.params_as<medpruner_slice_anchor_patches_params>());
    expect(f, kInvalid, "slices", "of another size than params says");
  };
  size([&](auto* p) { p->channels = 2; });
  size([&](auto* p) { p->height = int64_t{1} << 40, p->width = int64_t{1} << 40; });
  size([&](auto* p) { p->width = 4; });
  const auto mass = [](auto change) {
    Fixture f = make_fixture(1);
    change(f.params_as<medpruner_attention_mass_params>());
    expect(f, kInvalid, "params", "of attention_mass");
  };
  mass([&](auto* p) { p->pooling = 2; });
  mass([&](auto* p) { p->scale = -1; });
  mass([&](auto* p) { p->scale = nan; });
  mass([&](auto* p) { p->group = 0; });
  mass([&](auto* p) { *p = grid(0, 1, 1, 1); });
  mass([&](auto* p) { *p = grid(4, 4, 3, 1); });
  mass([&](auto* p) { *p = grid(4, 4, 1, 0); });
  mass([&](auto* p) { *p = grid(int64_t{1} << 40, int64_t{1} << 40, 1, 1); });
  const auto select = [](auto change) {
    Fixture f = make_fixture(2);
    change(f.params_as<medpruner_nucleus_select_params>());
    expect(f, kInvalid, "params", "of nucleus_select");
  };
  select([&](auto* p) { p->score = 2; });
  select([&](auto* p) { p->tau = 0; });
  select([&](auto* p) { p->tau = 1.0000001; });
  select([&](auto* p) { p->tau = nan; });
  select([&](auto* p) { p->temperature = 0; });
  select([&](auto* p) { p->temperature = -1; });
  select([&](auto* p) { p->temperature = inf; });
  select([&](auto* p) { p->temperature = nan; });
  select([&](auto* p) { p->min_tokens = -1; });
  select([&](auto* p) { p->max_tokens = -1; });
  select([&](auto* p) { p->min_tokens = 3, p->max_tokens = 2; });
  select([&](auto* p) { p->volume_min_tokens = 3, p->volume_max_tokens = 2; });
  for (double ratio : {-0.1, 1.1, nan}) {
    Fixture f = make_fixture(3);
    f.params_as<medpruner_contextual_merge_params>()->ratio = ratio;
    expect(f, kInvalid, "params", "of contextual_merge");
  }
  for (size_t which : {5, 6}) {
    const auto prune = [&](auto change) {
      Fixture f = make_fixture(which);
      change(f.params_as<medpruner_prune_params>());
      expect(f, kInvalid, "params", "of prune");
    };
    prune([&](auto* p) { p->dropped_tokens = -1; });
    prune([&](auto* p) { p->nucleus.struct_size = 0; });
    prune([&](auto* p) { p->nucleus.tau = 0; });
    prune([&](auto* p) { p->merge.struct_size = 8; });
    prune([&](auto* p) { p->merge.reserved = 1; });
    prune([&](auto* p) { p->merge.ratio = 2; });
  }
  Fixture attention = make_fixture(6);
  attention.params_as<medpruner_prune_params>()->attention.struct_size = 0;
  expect(attention, kInvalid, "params", "of the attention in prune");
  attention.params_as<medpruner_prune_params>()->attention = contiguous(0);
  expect(attention, kInvalid, "params", "of the attention in prune");
  Fixture unused = make_fixture(5);
  memset(&unused.params_as<medpruner_prune_params>()->attention, 0xFF,
         sizeof(medpruner_attention_mass_params));
  CHECK_EQUAL(unused.call(), MEDPRUNER_OK);
}

TEST(prune_of_its_own) {
  Fixture capacity = make_fixture(5);
  capacity.arguments[6]->shape[0] = 2;
  capacity.arguments[7]->shape[0] = 2;
  expect(capacity, kInvalid, "packed", "of two rows");
  Fixture query = make_fixture(6);
  query.arguments[0]->shape[0] = 7;
  expect(query, kInvalid, "query", "of half a token");
  Fixture grids = make_fixture(6);
  grids.params_as<medpruner_prune_params>()->attention = grid(2, 4, 1, 2);
  expect(grids, kInvalid, "offsets", "not a whole grid");
  Fixture overlap = make_fixture(6);
  overlap.arguments[5]->tensor.data = overlap.arguments[9]->tensor.data;
  expect(overlap, kInvalid, "packed", "over features");
  size_t bytes = 0;
  CHECK_EQUAL(medpruner_prune_workspace(nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                        nullptr, &bytes),
              kInvalid);
  Fixture f = make_fixture(5);
  const auto* params = f.params_as<medpruner_prune_params>();
  const auto query_size = [&](size_t* size) {
    return medpruner_prune_workspace(params, nullptr, nullptr, &f.arguments[1]->tensor,
                                     &f.arguments[2]->tensor, &f.arguments[3]->tensor, nullptr,
                                     size);
  };
  CHECK_EQUAL(query_size(nullptr), kInvalid);
  CHECK(last_error() == "bytes: is NULL");
  CHECK_EQUAL(query_size(&bytes), MEDPRUNER_OK);
  CHECK(bytes > 0);
}

TEST(deciding_alone_has_no_distance_and_no_flags) {
  const auto decide = [] {
    Fixture f = make_fixture(0);
    f.params_as<medpruner_slice_anchor_params>()->flags = MEDPRUNER_ANCHOR_DECIDE_ONLY;
    return f;
  };
  Fixture both = decide();
  expect(both, kInvalid, "distance", "given");
  Fixture flags = decide();
  flags.arguments[3]->pass_null = true;
  expect(flags, kInvalid, "flags", "given");
  flags.arguments[7]->pass_null = true;
  CHECK_EQUAL(flags.call(), MEDPRUNER_OK);
}

TEST(deciding_alone_has_no_patch_distance) {
  Fixture f = make_fixture(7);
  f.params_as<medpruner_slice_anchor_patches_params>()->anchor.flags = MEDPRUNER_ANCHOR_DECIDE_ONLY;
  for (size_t full : {3, 4, 5, 9}) {
    expect(f, kInvalid, f.arguments[full]->name.c_str(), "given");
    f.arguments[full]->pass_null = true;
  }
  CHECK_EQUAL(f.call(), MEDPRUNER_OK);
}

TEST(offsets_that_do_not_ascend_over_the_rows) {
  for (size_t which = 0; which < kFixtures; ++which) {
    for (const auto& values : std::vector<std::vector<int64_t>>{
             {1, 2, 4}, {-1, 2, 4}, {0, 5, 4}, {0, -1, 4}, {0, 2, 3}, {0, 2, 5}}) {
      Fixture f = make_fixture(which);
      for (auto& argument : f.arguments) {
        if (argument->name == "offsets") {
          memcpy(argument->memory.data(), values.data(), 24);
        }
      }
      expect(f, kInvalid, "offsets", "values");
    }
  }
  for (const auto& values : std::vector<std::vector<int64_t>>{{1, 2}, {0, 1}, {0, 3}}) {
    Fixture f = make_fixture(2);
    memcpy(f.arguments[2]->memory.data(), values.data(), 16);
    expect(f, kInvalid, "volumes", "values");
  }
  Fixture odd = make_fixture(1);
  const int64_t uneven[3] = {0, 1, 4};
  memcpy(odd.arguments[3]->memory.data(), uneven, 24);
  expect(odd, kInvalid, "offsets", "not a multiple of the group");
  Fixture blocks = make_fixture(1);
  *blocks.params_as<medpruner_attention_mass_params>() = grid(1, 4, 1, 2);
  expect(blocks, kInvalid, "offsets", "not a whole grid");
}

TEST(workspace_and_stream) {
  for (size_t which : {0, 1, 2, 3, 5, 6, 7}) {  // the ops that need one on the CPU
    Fixture small = make_fixture(which);
    small.workspace_bytes = 1;
    expect(small, MEDPRUNER_ERR_WORKSPACE_TOO_SMALL, "workspace", "1 byte");
    Fixture null = make_fixture(which);
    null.workspace = std::vector<unsigned char>();
    null.workspace_bytes = 1 << 16;
    expect(null, kInvalid, "workspace", "NULL");
    Fixture overlapping = make_fixture(which);
    overlapping.arguments[0]->tensor.data = overlapping.workspace.data();
    expect(overlapping, kInvalid, "workspace", "over an input");
  }
  for (size_t which = 0; which < kFixtures; ++which) {
    Fixture f = make_fixture(which);
    f.stream = &f;
    expect(f, kInvalid, "stream", "on the CPU");
  }
}

TEST(outputs_that_overlap) {
  for (size_t which = 0; which < kFixtures; ++which) {
    const size_t count = make_fixture(which).arguments.size();
    for (size_t i = 1; i < count; ++i) {
      Fixture f = make_fixture(which);
      Argument& a = *f.arguments[i];
      if (!a.is_output || a.name == "merged") {
        continue;
      }
      a.tensor.data = f.arguments[0]->tensor.data;
      expect(f, kInvalid, a.name, "over the first input");
    }
  }
  // In place is allowed, but not shifted.
  Fixture shifted = make_fixture(3);
  shifted.arguments[0]->memory.resize(15 * 4);
  shifted.arguments[0]->tensor.data = shifted.arguments[0]->memory.data();
  shifted.arguments[4]->tensor.data = shifted.arguments[0]->memory.data() + 12;
  expect(shifted, kInvalid, "merged", "shifted against features");
  Fixture in_place = make_fixture(3);
  in_place.arguments[4]->tensor.data = in_place.arguments[0]->tensor.data;
  CHECK_EQUAL(in_place.call(), MEDPRUNER_OK);
}

TEST(devices) {
  // The second tensor elsewhere than the first.
  for (size_t which = 0; which < kFixtures; ++which) {
    Fixture f = make_fixture(which);
    f.arguments[1]->tensor.device.device_type = MEDPRUNER_DEVICE_CUDA;
    expect(f, kInvalid, f.arguments[1]->name, "on another device");
    Fixture id = make_fixture(which);
    id.arguments[0]->tensor.device.device_id = 1;
    expect(id, kInvalid, id.arguments[0]->name, "device_id on the CPU");
  }
  int32_t count = 0;
  char reason[256];
  CHECK_EQUAL(medpruner_cuda_device_count(&count, reason, sizeof reason), MEDPRUNER_OK);
  for (size_t which = 0; which < kFixtures; ++which) {
    Fixture f = make_fixture(which);
    for (auto& argument : f.arguments) {
      argument->tensor.device = {MEDPRUNER_DEVICE_CUDA, count == 0 ? 0 : count};
    }
    expect(f, count == 0 ? MEDPRUNER_ERR_BACKEND_UNAVAILABLE : kInvalid, f.arguments[0]->name,
           "on a CUDA device that is not there");
    if (count == 0) {
      CHECK(last_error().find(reason) != std::string::npos);
    }
  }
}

TEST(workspace_queries) {
  size_t bytes = 0;
  const auto params = nucleus(MEDPRUNER_SCORE_SOFTMAX, 0.9);
  int64_t extent = 5;
  int64_t two = 2;
  // A query looks at descriptors alone.
  const medpruner_tensor scores = {nullptr, kCpu, 1, DTypeOf<float>::get(), &extent, nullptr, 0};
  const medpruner_tensor offsets = {nullptr, kCpu, 1, DTypeOf<int64_t>::get(), &two, nullptr, 0};
  CHECK_EQUAL(medpruner_nucleus_select_workspace(&params, &scores, &offsets, nullptr, &bytes),
              MEDPRUNER_OK);
  CHECK(bytes >= 40);
  CHECK_EQUAL(medpruner_nucleus_select_workspace(&params, &scores, &offsets, nullptr, nullptr),
              kInvalid);
  CHECK(last_error() == "bytes: is NULL");
  CHECK_EQUAL(medpruner_nucleus_select_workspace(&params, nullptr, &offsets, nullptr, &bytes),
              kInvalid);
  CHECK(last_error() == "scores: is NULL");
  CHECK_EQUAL(medpruner_slice_anchor_workspace(nullptr, nullptr, nullptr, &bytes), kInvalid);
  CHECK_EQUAL(medpruner_attention_mass_workspace(nullptr, nullptr, nullptr, nullptr, &bytes),
              kInvalid);
  CHECK_EQUAL(medpruner_contextual_merge_workspace(nullptr, nullptr, nullptr, &bytes), kInvalid);
  CHECK_EQUAL(medpruner_gather_rows_workspace(nullptr, nullptr, nullptr, &bytes), kInvalid);
}

}  // namespace

int main() { return harness::run_tests(); }
