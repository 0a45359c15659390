/* SPDX-License-Identifier: Apache-2.0 */
// Random damage to valid calls of every entry: a status always comes back, with a text when it is not OK;
// a refused call leaves its outputs as they were, and no call writes to an input. 60,000 cases here;
// MEDPRUNER_FUZZ_CASES sets another number, as the sanitized build does, MEDPRUNER_FUZZ_SEED other ones.

#include <map>

#include "cases.hpp"
#include "fixtures.hpp"
#include "harness.hpp"

namespace {

int64_t odd_value(cases::Random& random) {
  const int64_t table[] = {0,  1,  2,  3,  4,  5, -1, -2, 7, 8, 255, 256, 1 << 20, int64_t{1} << 31,
                           int64_t{1} << 32, int64_t{1} << 62, INT64_MIN, INT64_MAX};
  return table[cases::integer(random, 0, static_cast<int64_t>(sizeof table / sizeof table[0]) - 1)];
}

/**
 * Changes one thing. Shapes and strides only take values whose span stays inside the memory, or that
 * the checks must refuse without touching it: a descriptor that lies about its memory is undetectable.
 */
void damage(cases::Random& random, Fixture& f, bool* may_lie) {
  Argument& a = *f.arguments[static_cast<size_t>(
      cases::integer(random, 0, static_cast<int64_t>(f.arguments.size()) - 1))];
  const size_t axis =
      static_cast<size_t>(cases::integer(random, 0, static_cast<int64_t>(a.shape.size()) - 1));
  switch (cases::integer(random, 0, 13)) {
    case 0:
      a.pass_null = true;
      break;
    case 1:
      a.tensor.ndim = static_cast<int32_t>(cases::integer(random, -2, 9));
      *may_lie |= a.tensor.ndim > static_cast<int32_t>(a.shape.size());
      break;
    case 2:
      a.tensor.dtype.code = static_cast<uint8_t>(cases::integer(random, 0, 6));
      break;
    case 3:
      a.tensor.dtype.bits = static_cast<uint8_t>(8 << cases::integer(random, 0, 3));
      *may_lie = true;
      break;
    case 4:
      a.tensor.dtype.lanes = static_cast<uint16_t>(cases::integer(random, 0, 2));
      break;
    case 5:
      a.shape[axis] = odd_value(random);
      *may_lie = true;
      break;
    case 6:
      a.strides[axis] = odd_value(random);
      *may_lie = true;
      break;
    case 7:
      a.tensor.strides = nullptr;
      break;
    case 8:
      a.tensor.shape = nullptr;
      break;
    case 9:
      a.tensor.data = nullptr;
      break;
    case 10:
      a.tensor.device = {static_cast<int32_t>(cases::integer(random, 0, 3)),
                         static_cast<int32_t>(cases::integer(random, -1, 1))};
      break;
    case 11:
      a.tensor.byte_offset = static_cast<uint64_t>(odd_value(random));
      *may_lie = true;
      break;
    case 12: {
      const size_t at = static_cast<size_t>(
          cases::integer(random, 0, static_cast<int64_t>(f.params.size()) - 1));
      f.params[at] = static_cast<unsigned char>(random());
      break;
    }
    default:
      if (!a.is_output && a.tensor.dtype.bits == 64 && a.memory.size() >= 8) {  // offsets, volumes, indices, counts
        const int64_t value = odd_value(random);
        const size_t count = a.memory.size() / 8;
        memcpy(a.memory.data() +
                   8 * static_cast<size_t>(cases::integer(random, 0, static_cast<int64_t>(count) - 1)),
               &value, 8);
      } else {
        for (unsigned char& byte : a.memory) {
          byte = a.is_output ? byte : static_cast<unsigned char>(random());
        }
      }
  }
}

/** Outside any memory, and their products with an int64 inside the type. */
constexpr __int128 kBeyond = static_cast<__int128>(1) << 62;
constexpr __int128 kFar = static_cast<__int128>(1) << 100;

/** Whether every descriptor stays inside its memory, so that the call may be made at all. */
bool truthful(const Fixture& f) {
  for (const auto& argument : f.arguments) {
    const medpruner_tensor& t = argument->tensor;
    if (argument->pass_null || t.shape == nullptr || t.data == nullptr || t.ndim < 0 ||
        t.dtype.bits % 8 != 0) {
      continue;  // refused from the descriptor alone
    }
    if (t.ndim > static_cast<int32_t>(argument->shape.size())) {
      continue;  // refused before the shape is read
    }
    __int128 low = 0;
    __int128 high = 1;
    bool empty = false;
    __int128 compact = 1;
    for (int i = t.ndim - 1; i >= 0; --i) {
      const __int128 stride = t.strides == nullptr ? compact : t.strides[i];
      empty = empty || t.shape[i] <= 0;
      const __int128 span = (static_cast<__int128>(t.shape[i]) - 1) * stride;
      __int128& end = span < 0 ? low : high;
      end = std::clamp(end + std::clamp(span, -kFar, kFar), -kFar, kFar);
      compact = std::clamp(compact * t.shape[i], -kBeyond, kBeyond);
    }
    const __int128 bytes = t.dtype.bits / 8;
    const __int128 offset = t.byte_offset;
    if (!empty && (offset + low * bytes < 0 ||
                   offset + high * bytes > static_cast<__int128>(argument->memory.size()))) {
      return false;
    }
  }
  return true;
}

/** Below a thousand the tallies of refused calls, which every op has to be in, are a matter of luck. */
int64_t fuzz_cases() { return harness::number_from("MEDPRUNER_FUZZ_CASES", 60000, 1000); }

uint64_t fuzz_seed() { return static_cast<uint64_t>(harness::number_from("MEDPRUNER_FUZZ_SEED", 61, 0)); }

/** For calls that are refused for another reason: to clear an ample one for each would be for nothing. */
constexpr size_t kSomeWorkspace = 1024;

struct Tally {
  int64_t done = 0, refused = 0;
};

bool allowed(medpruner_status status) {
  return status == MEDPRUNER_OK || status == MEDPRUNER_ERR_INVALID_ARGUMENT ||
         status == MEDPRUNER_ERR_WORKSPACE_TOO_SMALL ||
         status == MEDPRUNER_ERR_BACKEND_UNAVAILABLE;
}

/** The workspace query that belongs to the fixture's op, on its tensors as they are. */
medpruner_status query(const Fixture& f, size_t* bytes) {
  const auto tensor = [&](const char* name) -> const medpruner_tensor* {
    for (const auto& a : f.arguments) {
      if (a->name == name) {
        return a->pass_null ? nullptr : &a->tensor;
      }
    }
    return nullptr;
  };
  const void* p = f.params.data();
  if (f.op == "slice_anchor") {
    return medpruner_slice_anchor_workspace(static_cast<const medpruner_slice_anchor_params*>(p),
                                            tensor("slices"), tensor("offsets"), bytes);
  }
  if (f.op == "slice_anchor_patches") {
    return medpruner_slice_anchor_patches_workspace(
        static_cast<const medpruner_slice_anchor_patches_params*>(p), tensor("slices"),
        tensor("offsets"), bytes);
  }
  if (f.op == "attention_mass") {
    return medpruner_attention_mass_workspace(
        static_cast<const medpruner_attention_mass_params*>(p), tensor("query"), tensor("key"),
        tensor("offsets"), bytes);
  }
  if (f.op == "nucleus_select") {
    return medpruner_nucleus_select_workspace(
        static_cast<const medpruner_nucleus_select_params*>(p), tensor("scores"),
        tensor("offsets"), tensor("volumes"), bytes);
  }
  if (f.op == "contextual_merge") {
    return medpruner_contextual_merge_workspace(
        static_cast<const medpruner_contextual_merge_params*>(p), tensor("keys"),
        tensor("offsets"), bytes);
  }
  if (f.op == "gather_rows") {
    return medpruner_gather_rows_workspace(static_cast<const medpruner_gather_rows_params*>(p),
                                           tensor("source"), tensor("offsets"), bytes);
  }
  return medpruner_prune_workspace(static_cast<const medpruner_prune_params*>(p), tensor("query"),
                                   tensor("key"), tensor("pooled_keys"), tensor("features"),
                                   tensor("offsets"), tensor("volumes"), bytes);
}

TEST(damaged_calls_give_a_status) {
  cases::Random random(fuzz_seed());
  std::map<std::string, Tally> tallies;
  int64_t made = 0;
  const int64_t wanted = fuzz_cases();
  for (int64_t round = 0; made < wanted; ++round) {
    Fixture f = make_fixture(static_cast<size_t>(round) % kFixtures, 0);
    bool may_lie = false;
    for (int64_t times = cases::integer(random, 0, 3); times > 0; --times) {
      damage(random, f, &may_lie);
    }
    if (may_lie && !truthful(f)) {
      continue;
    }
    // Exactly the bytes asked for, now and then fewer: what lies behind them is not the op's.
    size_t bytes = 0;
    const medpruner_status asked = query(f, &bytes);
    CHECK(allowed(asked));
    if (asked == MEDPRUNER_OK && bytes <= kAmpleWorkspace) {
      f.set_workspace(cases::integer(random, 0, 20) == 0 ? bytes / 2 : bytes);
    } else {
      f.set_workspace(kSomeWorkspace);
    }
    std::vector<std::vector<unsigned char>> inputs;
    for (const auto& a : f.arguments) {
      inputs.push_back(a->is_output ? std::vector<unsigned char>() : a->memory);
    }
    ++made;
    const medpruner_status status = f.call();
    CHECK(allowed(status));
    Tally& tally = tallies[f.op];
    ++tally.done;
    for (size_t i = 0; i < inputs.size(); ++i) {
      CHECK(f.arguments[i]->is_output || f.arguments[i]->memory == inputs[i]);
    }
    if (status != MEDPRUNER_OK) {
      ++tally.refused;
      CHECK(last_error().find(':') != std::string::npos);
      CHECK(f.outputs_untouched());
    }
  }
  for (const auto& [op, tally] : tallies) {
    printf("%s: %lld calls, %lld refused\n", op.c_str(), static_cast<long long>(tally.done),
           static_cast<long long>(tally.refused));
    CHECK(tally.refused > tally.done / 10 && tally.refused < tally.done * 9 / 10);
  }
  CHECK_EQUAL(tallies.size(), 7u);
}

medpruner_device any_device(cases::Random& random) {
  return {static_cast<int32_t>(cases::integer(random, 0, 3)),
          static_cast<int32_t>(cases::integer(random, -1, 1))};
}

/** A call of graph.h, on a device of any kind; nothing is ever recorded. */
medpruner_status any_graph_call(cases::Random& random, const medpruner_device* given, bool null) {
  int place = 0;
  auto* graph = reinterpret_cast<medpruner_graph*>(&place);
  switch (cases::integer(random, 0, 3)) {
    case 0:
      return medpruner_graph_begin(given, nullptr);
    case 1: {
      const medpruner_status status = medpruner_graph_end(given, nullptr, null ? nullptr : &graph);
      CHECK(null || graph == nullptr);
      return status;
    }
    case 2:
      return medpruner_graph_launch(nullptr, null ? nullptr : &place);
    default:
      return medpruner_graph_destroy(nullptr);
  }
}

/** memory.h, threads.h, version.h, graph.h and status.h with anything the types allow but wild addresses. */
TEST(the_other_entries_give_a_status) {
  cases::Random random(63);
  std::vector<unsigned char> block(256);
  const int64_t wanted = fuzz_cases() / 4;
  int64_t refused = 0;
  for (int64_t round = 0; round < wanted; ++round) {
    const medpruner_device device = any_device(random);
    const medpruner_device* given = cases::integer(random, 0, 9) == 0 ? nullptr : &device;
    const bool null = cases::integer(random, 0, 9) == 0;
    medpruner_status status = MEDPRUNER_OK;
    switch (round % 11) {
      case 0: {
        void* pointer = nullptr;
        status = medpruner_alloc(given, static_cast<size_t>(cases::integer(random, 0, 5000)),
                                 null ? nullptr : &pointer);
        if (status == MEDPRUNER_OK) {
          CHECK(reinterpret_cast<uintptr_t>(pointer) % 64 == 0);
          CHECK_EQUAL(medpruner_free(given, pointer), MEDPRUNER_OK);
        } else {
          CHECK(pointer == nullptr);
        }
        break;
      }
      case 1:
        status = medpruner_free(given, nullptr);
        break;
      case 2: {
        const medpruner_device other = any_device(random);
        status = medpruner_copy(null ? nullptr : block.data(), given, block.data() + 128, &other,
                                static_cast<size_t>(cases::integer(random, 0, 128)), nullptr);
        break;
      }
      case 3: {
        void* stream = nullptr;
        status = medpruner_stream_create(given, null ? nullptr : &stream);
        CHECK(stream == nullptr);
        break;
      }
      case 4:
        status = cases::integer(random, 0, 1) == 0 ? medpruner_stream_synchronize(given, nullptr)
                                                   : medpruner_stream_destroy(given, nullptr);
        break;
      case 5:
        status = medpruner_set_cpu_threads(static_cast<int32_t>(odd_value(random)));
        CHECK(medpruner_cpu_threads() >= 1 && medpruner_cpu_threads() <= 256);
        break;
      case 6: {
        medpruner_build_info info = {};
        info.struct_size = cases::integer(random, 0, 1) == 0 ? sizeof info
                                                             : static_cast<uint32_t>(random());
        status = medpruner_get_build_info(null ? nullptr : &info);
        break;
      }
      case 7: {
        medpruner_cuda_device_info info = {};
        info.struct_size = cases::integer(random, 0, 1) == 0 ? sizeof info
                                                             : static_cast<uint32_t>(random());
        status = medpruner_cuda_device_get(static_cast<int32_t>(odd_value(random)), null ? nullptr : &info);
        break;
      }
      case 8: {
        char reason[16];
        int32_t count = -1;
        const size_t capacity = static_cast<size_t>(cases::integer(random, 0, 16));
        status = medpruner_cuda_device_count(null ? nullptr : &count, round % 2 == 0 ? nullptr : reason, capacity);
        CHECK(status != MEDPRUNER_OK || (count >= 0 && !null));
        CHECK(status != MEDPRUNER_OK || capacity == 0 || memchr(reason, 0, capacity) != nullptr);
        break;
      }
      case 9:
        status = any_graph_call(random, given, null);
        // Of an entry that takes a device the CPU's, which has no graphs.
        CHECK(status != MEDPRUNER_ERR_UNSUPPORTED || (given != nullptr && given->device_type == MEDPRUNER_DEVICE_CPU));
        status = status == MEDPRUNER_ERR_UNSUPPORTED ? MEDPRUNER_ERR_INVALID_ARGUMENT : status;
        break;
      default: {
        char text[16];
        int32_t code = 0;
        const size_t capacity = static_cast<size_t>(cases::integer(random, 0, 16));
        medpruner_last_error(capacity == 0 ? nullptr : text, capacity, null ? nullptr : &code);
        CHECK(capacity == 0 || memchr(text, 0, capacity) != nullptr);
        CHECK(medpruner_status_name(static_cast<int32_t>(random())) != nullptr);
      }
    }
    CHECK(allowed(status));
    refused += status == MEDPRUNER_OK ? 0 : 1;
  }
  CHECK(refused > wanted / 20 && refused < wanted);
  CHECK_EQUAL(medpruner_set_cpu_threads(0), MEDPRUNER_OK);
}

TEST(lying_sizes_are_refused_where_they_overflow) {
  cases::Random random(62);
  for (int round = 0; round < 5000; ++round) {
    Fixture f = make_fixture(static_cast<size_t>(round) % kFixtures, kSomeWorkspace);
    Argument& a = *f.arguments[static_cast<size_t>(
        cases::integer(random, 0, static_cast<int64_t>(f.arguments.size()) - 1))];
    for (int64_t& extent : a.shape) {
      extent = INT64_MAX - cases::integer(random, 0, 3);
    }
    a.tensor.strides = nullptr;
    CHECK_EQUAL(f.call(), MEDPRUNER_ERR_INVALID_ARGUMENT);
    CHECK(f.outputs_untouched());
  }
}

}  // namespace

int main() {
  // With a device the descriptors that name it would be true, and their memory, which is the host's, would not.
  setenv("CUDA_VISIBLE_DEVICES", "", 1);
  return harness::run_tests();
}
