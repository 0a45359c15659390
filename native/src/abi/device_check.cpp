/* SPDX-License-Identifier: Apache-2.0 */
#include "abi/device_check.hpp"

#include "common/status.hpp"
#include "cuda/backend.hpp"

namespace medpruner {
namespace {

constexpr medpruner_status kInvalid = MEDPRUNER_ERR_INVALID_ARGUMENT;

}  // namespace

bool check_device(const char* name, const medpruner_device* device) {
  if (device == nullptr) {
    fail(kInvalid, "%s: is NULL", name);
  }
  const int id = static_cast<int>(device->device_id);
  if (device->device_type == MEDPRUNER_DEVICE_CPU) {
    if (id != 0) {
      fail(kInvalid, "%s: device_id is %d, expected 0 on the CPU", name, id);
    }
    return false;
  }
  if (device->device_type != MEDPRUNER_DEVICE_CUDA) {
    fail(kInvalid, "%s: device_type is %d, expected 1 (CPU) or 2 (CUDA)", name,
         static_cast<int>(device->device_type));
  }
  char reason[512];
  const int32_t count = cuda::device_count(reason, sizeof reason);
  if (count == 0) {
    fail(MEDPRUNER_ERR_BACKEND_UNAVAILABLE, "%s: is CUDA, which is unavailable: %s", name, reason);
  }
  if (id < 0 || id >= count) {
    fail(kInvalid, "%s: device_id is %d, expected in [0, %d)", name, id, static_cast<int>(count));
  }
  return true;
}

}  // namespace medpruner
