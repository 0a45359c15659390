/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// ONNX Runtime's C API as the ops use it: statuses become exceptions on the way in, and exceptions
// become statuses in guard(), which is around every function that ONNX Runtime calls.

#include <onnxruntime_c_api.h>
#include <string.h>

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>

#include "medpruner/status.h"

namespace medpruner::ort {

/** The oldest API that has what is used here: ONNX Runtime 1.17. */
constexpr uint32_t kApiVersion = 17;

struct Failure {
  OrtErrorCode code;
  std::string text;
};

[[noreturn]] inline void fail(OrtErrorCode code, std::string text) {
  throw Failure{code, std::move(text)};
}

[[noreturn]] inline void invalid(std::string text) {
  fail(ORT_INVALID_ARGUMENT, std::move(text));
}

/** Releases the status; whether it was none. */
inline bool succeeded(const OrtApi& api, OrtStatus* status) {
  const bool good = status == nullptr;
  if (!good) {
    api.ReleaseStatus(status);
  }
  return good;
}

/** Throws what a call of ONNX Runtime reports. */
inline void check(const OrtApi& api, OrtStatus* status) {
  if (status != nullptr) {
    Failure failure = {api.GetErrorCode(status), api.GetErrorMessage(status)};
    api.ReleaseStatus(status);
    throw failure;
  }
}

/** Throws what a call of libmedpruner reports, in its words. */
inline void check(medpruner_status status) {
  if (status == MEDPRUNER_OK) {
    return;
  }
  char text[512];
  medpruner_last_error(text, sizeof text, nullptr);
  std::string message = text;
  // The caller of an op in a graph knows attributes, not params and what they hold.
  const std::string params = "params: ";
  if (message.compare(0, params.size(), params) == 0) {
    message.replace(0, params.size(), "attribute ");
    constexpr const char* kElements[][2] = {
        {"patch_height", "patch[0]"}, {"patch_width", "patch[1]"}, {"grid_h", "grid[0]"},
        {"grid_w", "grid[1]"},        {"block_h", "block[0]"},     {"block_w", "block[1]"}};
    for (const auto& [param, element] : kElements) {
      for (size_t at; (at = message.find(param)) != std::string::npos;) {
        message.replace(at, strlen(param), element);
      }
    }
  }
  fail(status == MEDPRUNER_ERR_INVALID_ARGUMENT ? ORT_INVALID_ARGUMENT : ORT_FAIL,
       std::move(message));
}

template <class Body>
OrtStatus* guard(const OrtApi& api, const char* op, Body&& body) noexcept {
  try {
    try {
      body();
      return nullptr;
    } catch (const Failure& failure) {
      return api.CreateStatus(failure.code, (std::string(op) + ": " + failure.text).c_str());
    } catch (const std::bad_alloc&) {
      return api.CreateStatus(ORT_FAIL, (std::string(op) + ": host memory ran out").c_str());
    } catch (const std::exception& e) {
      return api.CreateStatus(ORT_FAIL, (std::string(op) + ": " + e.what()).c_str());
    }
  } catch (...) {  // not even the text could be made
    return api.CreateStatus(ORT_FAIL, "org.medpruner: host memory ran out");
  }
}

/** Owns an object of ONNX Runtime that is released through its table of functions. */
template <class T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

}  // namespace medpruner::ort
