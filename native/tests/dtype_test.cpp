/* SPDX-License-Identifier: Apache-2.0 */
// The conversions and the exponential the backends share, over every f16 and bf16 pattern, and which dtypes have
// kernels.

#include "common/dtype.hpp"

#include "cases.hpp"
#include "common/exp2poly.hpp"
#include "common/visit.hpp"
#include "harness.hpp"

namespace {

TEST(every_f16_and_bf16_to_f32_and_back) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const uint16_t pattern = static_cast<uint16_t>(bits);
    const float half = medpruner::to_float(medpruner::Half{pattern});
    const float expected = reference::value_of(F16{pattern});
    CHECK(isnan(half) ? isnan(expected) : half == expected && signbit(half) == signbit(expected));
    medpruner::Half back = {0};
    medpruner::from_float(half, &back);
    CHECK_EQUAL(back.bits, isnan(half) ? 0x7e00 : pattern);
    const float brain = medpruner::to_float(medpruner::BFloat{pattern});
    medpruner::BFloat back_brain = {0};
    medpruner::from_float(brain, &back_brain);
    CHECK_EQUAL(back_brain.bits, isnan(brain) ? 0x7fc0 : pattern);
  }
}

TEST(rounding_to_nearest_even) {
  cases::Random random(51);
  for (int i = 0; i < 200000; ++i) {
    uint32_t bits = static_cast<uint32_t>(random());
    if (i % 4 == 0) {  // halfway cases
      bits = (bits & 0xffff0000u) | 0x8000u;
    } else if (i % 4 == 1) {
      bits = (bits & 0xffffe000u) | 0x1000u;
    } else if (i % 4 == 2) {  // f16's range
      bits = (bits & 0x807fffffu) | static_cast<uint32_t>(cases::integer(random, 100, 144)) << 23;
    }
    const float value = medpruner::bits_to_float(bits);
    medpruner::Half half = {0};
    medpruner::BFloat brain = {0};
    F16 expected_half = {0};
    BF16 expected_brain = {0};
    medpruner::from_float(value, &half);
    medpruner::from_float(value, &brain);
    reference::put(value, &expected_half);
    reference::put(value, &expected_brain);
    CHECK_EQUAL(half.bits, expected_half.bits);
    CHECK_EQUAL(brain.bits, expected_brain.bits);
  }
}

TEST(exponential_is_exact_at_zero_and_close_elsewhere) {
  CHECK_EQUAL(medpruner::exp2_weight(0), 0x80000000u);
  CHECK_EQUAL(medpruner::exp2_weight(-1), 0x40000000u);
  CHECK_EQUAL(medpruner::exp2_weight(-31), 1u);
  CHECK_EQUAL(medpruner::exp2_weight(-32), 0u);  // 0.5 to even
  CHECK_EQUAL(medpruner::exp2_weight(-static_cast<double>(INFINITY)), 0u);
  for (int i = 0; i <= 100000; ++i) {
    const double y = -i * (34.0 / 100000);
    const double exact = exp2(y) * 0x1p31;
    const double weight = static_cast<double>(medpruner::exp2_weight(y));
    CHECK(fabs(weight - exact) <= 0.5 + 3e-9 * exact);
    CHECK_EQUAL(static_cast<uint64_t>(medpruner::exp2_weight(y)), reference::weight(y));
  }
}

TEST(order_keys_order_as_values_do) {
  const float ascending[] = {-INFINITY, -3e38f, -1, -1e-45f, 0, 1e-45f, 1, 3e38f, INFINITY};
  for (size_t i = 1; i < sizeof ascending / sizeof ascending[0]; ++i) {
    CHECK(medpruner::order_key(medpruner::float_to_bits(ascending[i - 1])) <
          medpruner::order_key(medpruner::float_to_bits(ascending[i])));
  }
  CHECK_EQUAL(medpruner::order_key(0x80000000u), medpruner::order_key(0));
  for (float v : ascending) {
    CHECK_EQUAL(medpruner::key_to_bits(medpruner::order_key(medpruner::float_to_bits(v))),
                medpruner::float_to_bits(v));
  }
}

using medpruner::DType;

/** Bytes of what `visit` hands on for a dtype, or 0 where it refuses. */
template <class Visit>
size_t visited(const Visit& visit, DType dtype) {
  size_t bytes = 0;
  try {
    visit(dtype, [&](auto stored) { bytes = sizeof stored; });
  } catch (const medpruner::Failure& failure) {
    CHECK_EQUAL(failure.status, MEDPRUNER_ERR_INTERNAL);
  }
  return bytes;
}

TEST(the_dtypes_that_entries_take_are_those_with_a_kernel) {
  const size_t sizes[] = {1, 2, 4, 8, 4, 2, 2, 4, 8};  // as DType has them, without kOther
  const auto floats = [](DType dtype, const auto& body) { medpruner::visit_float(dtype, body); };
  const auto slices = [](DType dtype, const auto& body) { medpruner::visit_slice(dtype, body); };
  for (int i = 0; i <= static_cast<int>(DType::kOther); ++i) {
    const DType dtype = static_cast<DType>(i);
    const bool in_floats = (medpruner::kFloatTypes & medpruner::bit(dtype)) != 0;
    const bool in_slices = (medpruner::kSliceTypes & medpruner::bit(dtype)) != 0;
    CHECK_EQUAL(visited(floats, dtype), in_floats ? sizes[i] : 0);
    CHECK_EQUAL(visited(slices, dtype), in_slices ? sizes[i] : 0);
  }
}

}  // namespace

int main() { return harness::run_tests(); }
