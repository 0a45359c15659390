/* SPDX-License-Identifier: Apache-2.0 */
// The one exported function.

#include <stdio.h>

#include <deque>
#include <map>
#include <mutex>
#include <string>

#include "medpruner/version.h"
#include "op.hpp"

namespace medpruner::ort {
namespace {

constexpr const char* kDomain = "org.medpruner";

/**
 * Whether ONNX Runtime may be given functions that infer shapes: before 1.24 it dereferences the type of
 * every input on the way to them, and one that a node leaves out has none.
 */
bool infers_shapes(const char* version) {
  int major = 0;
  int minor = 0;
  return sscanf(version, "%d.%d", &major, &minor) == 2 &&
         (major > 1 || (major == 1 && minor >= 24));
}

/** The ops for one copy of ONNX Runtime; there may be several in a process. */
class Domain {
 public:
  Domain(const OrtApi& api, bool infers_shapes) : domain_(nullptr, api.ReleaseCustomOpDomain) {
    OrtCustomOpDomain* raw = nullptr;
    check(api, api.CreateCustomOpDomain(kDomain, &raw));
    domain_.reset(raw);
    for (const Definition* definition :
         {&slice_anchor(), &attention_mass(), &nucleus_select(), &contextual_merge()}) {
      for (const ONNXTensorElementDataType element : definition->elements) {
        ops_.emplace_back(api, *definition, element, infers_shapes);
        check(api, api.CustomOpDomain_Add(raw, &ops_.back()));
      }
    }
  }

  OrtCustomOpDomain* get() const { return domain_.get(); }

 private:
  std::deque<CustomOp> ops_;  // their addresses are ONNX Runtime's
  Owned<OrtCustomOpDomain> domain_;
};

/** Made once and never freed: sessions refer to it, whenever their options are closed. */
OrtCustomOpDomain* domain(const OrtApi& api, const char* version) {
  static std::mutex& mutex = *new std::mutex;
  static auto& domains = *new std::map<const OrtApi*, std::unique_ptr<Domain>>;
  const std::lock_guard<std::mutex> lock(mutex);
  std::unique_ptr<Domain>& entry = domains[&api];
  if (entry == nullptr) {
    entry = std::make_unique<Domain>(api, infers_shapes(version));
  }
  return entry->get();
}

void check_library() {
  const uint32_t abi = medpruner_abi_version();
  if (abi >> 16 != MEDPRUNER_ABI_MAJOR || (abi & 0xffff) < MEDPRUNER_ABI_MINOR) {
    fail(ORT_FAIL, "libmedpruner has ABI " + std::to_string(abi >> 16) + "." +
                       std::to_string(abi & 0xffff) + ", but this library needs " +
                       std::to_string(MEDPRUNER_ABI_MAJOR) + "." +
                       std::to_string(MEDPRUNER_ABI_MINOR) + " or newer of that major number");
  }
}

}  // namespace
}  // namespace medpruner::ort

extern "C" __attribute__((visibility("default"))) OrtStatus* RegisterCustomOps(
    OrtSessionOptions* options, const OrtApiBase* base) {
  using namespace medpruner::ort;
  const OrtApi* api = base->GetApi(kApiVersion);
  if (api == nullptr) {
    // Every version has a first table, and in it CreateStatus.
    const OrtApi* oldest = base->GetApi(1);
    return guard(*oldest, kDomain, [&] {
      fail(ORT_NOT_IMPLEMENTED,
           std::string("needs ONNX Runtime 1.17 or newer, this is ") + base->GetVersionString());
    });
  }
  return guard(*api, kDomain, [&] {
    check_library();
    check(*api, api->AddCustomOpDomain(options, domain(*api, base->GetVersionString())));
  });
}
