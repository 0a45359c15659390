/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

// How a failure travels: fail() records the text for this thread and throws; guard() in each C entry
// turns it into the status.

#include <new>

#include "medpruner/status.h"

namespace medpruner {

struct Failure {
  medpruner_status status;
};

/** Records the printf-style text as this thread's last error and throws Failure. */
[[noreturn]] __attribute__((format(printf, 2, 3))) void fail(medpruner_status status,
                                                             const char* format, ...);

/** As fail(), with MEDPRUNER_ERR_CUDA and a cudaError_t. */
[[noreturn]] void fail_cuda(int32_t cuda_code, const char* call, const char* text);

/** Records a text without throwing. */
medpruner_status record(medpruner_status status, const char* text) noexcept;

template <class Body>
medpruner_status guard(Body&& body) noexcept {
  try {
    body();
    return MEDPRUNER_OK;
  } catch (const Failure& failure) {
    return failure.status;
  } catch (const std::bad_alloc&) {
    return record(MEDPRUNER_ERR_OUT_OF_MEMORY, "host memory ran out");
  } catch (...) {
    return record(MEDPRUNER_ERR_INTERNAL, "an unexpected exception reached the C interface");
  }
}

}  // namespace medpruner
