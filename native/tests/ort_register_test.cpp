/* SPDX-License-Identifier: Apache-2.0 */
// Registration of the custom ops with runtimes that refuse: one that is too old, and one that fails.

#include <onnxruntime_c_api.h>

#include <string>

#include "harness.hpp"

extern "C" OrtStatus* RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base);

struct OrtStatus {
  OrtErrorCode code;
  std::string text;
};

namespace {

OrtStatus* create_status(OrtErrorCode code, const char* text) noexcept {
  return new OrtStatus{code, text};
}

const OrtApi* make_table() {
  static OrtApi table = {};
  table.CreateStatus = create_status;
  table.GetErrorCode = [](const OrtStatus* status) noexcept { return status->code; };
  table.GetErrorMessage = [](const OrtStatus* status) noexcept { return status->text.c_str(); };
  table.ReleaseStatus = [](OrtStatus* status) noexcept { delete status; };
  table.ReleaseCustomOpDomain = [](OrtCustomOpDomain*) noexcept {};
  table.CreateCustomOpDomain = [](const char*, OrtCustomOpDomain**) noexcept {
    return create_status(ORT_ENGINE_ERROR, "no domains today");
  };
  return &table;
}

const OrtApiBase kOld = {
    [](uint32_t version) noexcept { return version > 16 ? nullptr : make_table(); },
    []() noexcept { return "1.16.3"; }};
const OrtApiBase kFailing = {[](uint32_t) noexcept { return make_table(); },
                             []() noexcept { return "1.17.0"; }};

void expect(const OrtApiBase& base, OrtErrorCode code, const std::string& text) {
  OrtStatus* status = RegisterCustomOps(nullptr, &base);
  CHECK(status != nullptr);
  if (status != nullptr) {
    CHECK(status->code == code);
    CHECK(status->text == text);
    delete status;
  }
}

TEST(an_old_runtime_is_told_the_version_it_needs) {
  expect(kOld, ORT_NOT_IMPLEMENTED,
         "org.medpruner: needs ONNX Runtime 1.17 or newer, this is 1.16.3");
}

TEST(a_failure_is_passed_on_and_may_be_tried_again) {
  expect(kFailing, ORT_ENGINE_ERROR, "org.medpruner: no domains today");
  expect(kFailing, ORT_ENGINE_ERROR, "org.medpruner: no domains today");
}

}  // namespace

int main() { return harness::run_tests(); }
