/* SPDX-License-Identifier: Apache-2.0 */
// Shares of ceilings, and which of them cannot be.

#include "harness.hpp"
#include "measure.hpp"

namespace {

Results with_ceilings() {
  Results results;
  results.ceilings.push_back({"f32 fma", "cpu", "FLOP/s", "made up", 200, {1, 1, 1, 5}});
  results.ceilings.push_back({"copy", "cpu", "B/s", "made up", 400, {1, 1, 1, 5}});
  return results;
}

Row row(const std::string& ceiling, double seconds) {
  Row row;
  row.op = "op";
  row.name = "case";
  row.backend = "cpu";
  row.bytes = 100;
  row.flops = 300;
  row.seconds = {seconds, seconds, seconds, 5};
  row.ceiling = ceiling;
  return row;
}

TEST(a_share_is_of_bytes_or_of_operations) {
  const Results results = with_ceilings();
  CHECK_EQUAL(results.percent(row("f32 fma", 2)).value(), 75.0);
  CHECK_EQUAL(results.percent(row("copy", 0.5)).value(), 50.0);
}

TEST(there_is_none_of_what_was_not_measured) {
  const Results results = with_ceilings();
  CHECK(!results.percent(row("", 1)).has_value());
  Row elsewhere = row("f32 fma", 2);
  elsewhere.backend = "cuda";
  CHECK(!results.percent(elsewhere).has_value());
}

TEST(more_than_the_device_can_is_refused) {
  Results results = with_ceilings();
  results.push(row("f32 fma", 1.5));  // all of it
  std::string refused;
  try {
    results.push(row("f32 fma", 1));
  } catch (const CheckFailed& failure) {
    refused = failure.what();
  }
  CHECK(refused.find("op case: 150 % of f32 fma cannot be") == 0);
  CHECK_EQUAL(results.rows.size(), size_t{1});
}

TEST(a_failed_check_costs_its_own_figure_alone) {
  Results results = with_ceilings();
  std::vector<std::string> said;
  results.failed = [&](const std::string& what) { said.push_back(what); };
  results.attempt([&] { results.push(row("f32 fma", 1)); });  // 150 %
  results.attempt([] { require(false, "another result"); });
  results.attempt([&] { results.push(row("f32 fma", 2)); });
  CHECK_EQUAL(results.rows.size(), size_t{1});
  CHECK_EQUAL(said.size(), size_t{2});
  CHECK(said.back() == "another result");
}

TEST(a_cache_may_exceed_the_bandwidth_of_memory) {
  Results results = with_ceilings();
  int seen = 0;
  results.seen = [&](const Row&) { ++seen; };
  results.push(row("copy", 0.1));  // 250 %
  CHECK_EQUAL(seen, 1);
}

}  // namespace

int main() { return harness::run_tests(); }
