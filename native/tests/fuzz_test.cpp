/* SPDX-License-Identifier: Apache-2.0 */
// Random damage to valid calls: a status always comes back, with a text when it is not OK, and nothing
// outside the tensors is touched (run under AddressSanitizer for the full claim).

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
      if (!a.is_output && a.tensor.dtype.bits == 64) {  // offsets, volumes, indices, counts
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
      (span < 0 ? low : high) += span;
      compact = compact * t.shape[i] > (static_cast<__int128>(1) << 70) ? compact
                                                                       : compact * t.shape[i];
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

TEST(damaged_calls_give_a_status) {
  cases::Random random(61);
  int made = 0;
  int refused = 0;
  for (int round = 0; round < 60000; ++round) {
    Fixture f = make_fixture(static_cast<size_t>(round) % kFixtures);
    bool may_lie = false;
    for (int64_t times = cases::integer(random, 1, 3); times > 0; --times) {
      damage(random, f, &may_lie);
    }
    if (may_lie && !truthful(f)) {
      continue;
    }
    ++made;
    const medpruner_status status = f.call();
    CHECK(status == MEDPRUNER_OK || status == MEDPRUNER_ERR_INVALID_ARGUMENT ||
          status == MEDPRUNER_ERR_WORKSPACE_TOO_SMALL ||
          status == MEDPRUNER_ERR_BACKEND_UNAVAILABLE);
    if (status != MEDPRUNER_OK) {
      ++refused;
      CHECK(last_error().find(':') != std::string::npos);
      CHECK(f.outputs_untouched());
    }
  }
  CHECK(made > 20000);
  CHECK(refused > 10000 && refused < made);
}

TEST(lying_sizes_are_refused_where_they_overflow) {
  cases::Random random(62);
  for (int round = 0; round < 5000; ++round) {
    Fixture f = make_fixture(static_cast<size_t>(round) % kFixtures);
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

int main() { return harness::run_tests(); }
