/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/status.hpp"
#include "medpruner/status.h"

namespace medpruner {
namespace {

// Plain data: nothing to construct or destroy when threads of the host process come and go.
struct LastError {
  char text[1024];
  int32_t cuda_code;
};
thread_local LastError last_error = {};

}  // namespace

medpruner_status record(medpruner_status status, const char* text) noexcept {
  snprintf(last_error.text, sizeof last_error.text, "%s", text);
  last_error.cuda_code = 0;
  return status;
}

void fail(medpruner_status status, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(last_error.text, sizeof last_error.text, format, arguments);
  va_end(arguments);
  last_error.cuda_code = 0;
  throw Failure{status};
}

void fail_cuda(int32_t cuda_code, const char* call, const char* text) {
  snprintf(last_error.text, sizeof last_error.text, "%s failed with CUDA error %d: %s", call,
           static_cast<int>(cuda_code), text);
  last_error.cuda_code = cuda_code;
  throw Failure{MEDPRUNER_ERR_CUDA};
}

}  // namespace medpruner

size_t medpruner_last_error(char* buffer, size_t capacity, int32_t* cuda_code) {
  using medpruner::last_error;
  const size_t length = strlen(last_error.text);
  if (buffer != nullptr && capacity > 0) {
    const size_t copied = length < capacity ? length : capacity - 1;
    memcpy(buffer, last_error.text, copied);
    buffer[copied] = '\0';
  }
  if (cuda_code != nullptr) {
    *cuda_code = last_error.cuda_code;
  }
  return length;
}

const char* medpruner_status_name(medpruner_status status) {
  switch (status) {
    case MEDPRUNER_OK:
      return "MEDPRUNER_OK";
    case MEDPRUNER_ERR_INVALID_ARGUMENT:
      return "MEDPRUNER_ERR_INVALID_ARGUMENT";
    case MEDPRUNER_ERR_UNSUPPORTED:
      return "MEDPRUNER_ERR_UNSUPPORTED";
    case MEDPRUNER_ERR_OUT_OF_MEMORY:
      return "MEDPRUNER_ERR_OUT_OF_MEMORY";
    case MEDPRUNER_ERR_BACKEND_UNAVAILABLE:
      return "MEDPRUNER_ERR_BACKEND_UNAVAILABLE";
    case MEDPRUNER_ERR_CUDA:
      return "MEDPRUNER_ERR_CUDA";
    case MEDPRUNER_ERR_WORKSPACE_TOO_SMALL:
      return "MEDPRUNER_ERR_WORKSPACE_TOO_SMALL";
    case MEDPRUNER_ERR_INTERNAL:
      return "MEDPRUNER_ERR_INTERNAL";
    default:
      return "unknown medpruner_status";
  }
}
