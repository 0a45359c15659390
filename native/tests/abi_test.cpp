/* SPDX-License-Identifier: Apache-2.0 */
// Versions, status texts, memory and streams, and that nothing here fails without CUDA.

#include <thread>

#include "harness.hpp"
#include "tensors.hpp"

namespace {

TEST(versions_and_build) {
  CHECK_EQUAL(medpruner_abi_version(), 1u << 16 | 3u);
  medpruner_build_info info = {};
  info.struct_size = sizeof info;
  CHECK_EQUAL(medpruner_get_build_info(&info), MEDPRUNER_OK);
  CHECK(std::string(info.version) == MEDPRUNER_VERSION);
  CHECK(strlen(info.compiler) > 3);
  CHECK(strlen(info.build_type) > 0);
  CHECK_EQUAL(info.has_cuda != 0, info.cuda_version != 0);
  CHECK_EQUAL(info.has_cuda != 0, strlen(info.cuda_architectures) > 0);
  info.struct_size = 8;
  CHECK_EQUAL(medpruner_get_build_info(&info), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_get_build_info(nullptr), MEDPRUNER_ERR_INVALID_ARGUMENT);
  const std::string isa = medpruner_cpu_isa();
  CHECK(isa == "x86-64" || isa == "avx2+fma" || isa == "avx512" || isa == "neon");
}

TEST(status_names) {
  CHECK(std::string(medpruner_status_name(MEDPRUNER_OK)) == "MEDPRUNER_OK");
  CHECK(std::string(medpruner_status_name(MEDPRUNER_ERR_CUDA)) == "MEDPRUNER_ERR_CUDA");
  CHECK(std::string(medpruner_status_name(99)) == "unknown medpruner_status");
}

TEST(last_error_is_per_thread_and_outlives_success) {
  CHECK_EQUAL(medpruner_cuda_device_count(nullptr, nullptr, 0), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK(last_error() == "count: is NULL");
  int32_t count = -1;
  CHECK_EQUAL(medpruner_cuda_device_count(&count, nullptr, 0), MEDPRUNER_OK);
  CHECK(last_error() == "count: is NULL");
  std::thread([] { CHECK(last_error().empty()); }).join();
  char small[6];
  int32_t code = 1;
  CHECK_EQUAL(medpruner_last_error(small, sizeof small, &code), strlen("count: is NULL"));
  CHECK(std::string(small) == "count");
  CHECK_EQUAL(code, 0);
  CHECK_EQUAL(medpruner_last_error(nullptr, 0, nullptr), strlen("count: is NULL"));
}

TEST(cuda_is_there_or_says_why_not) {
  int32_t count = -1;
  char reason[256] = "x";
  CHECK_EQUAL(medpruner_cuda_device_count(&count, reason, sizeof reason), MEDPRUNER_OK);
  CHECK(count >= 0);
  CHECK_EQUAL(count == 0, strlen(reason) > 0);
  printf("CUDA devices: %d%s%s\n", static_cast<int>(count), count == 0 ? ", " : "", reason);
  char one[1] = {'x'};
  CHECK_EQUAL(medpruner_cuda_device_count(&count, one, 1), MEDPRUNER_OK);
  CHECK_EQUAL(one[0], '\0');
  medpruner_cuda_device_info info = {};
  info.struct_size = sizeof info;
  const medpruner_status status = medpruner_cuda_device_get(count, &info);
  CHECK_EQUAL(status, count == 0 ? MEDPRUNER_ERR_BACKEND_UNAVAILABLE
                                 : MEDPRUNER_ERR_INVALID_ARGUMENT);
  void* pointer = nullptr;
  if (count == 0) {
    CHECK_EQUAL(medpruner_alloc(&kGpu, 16, &pointer), MEDPRUNER_ERR_BACKEND_UNAVAILABLE);
    CHECK(last_error().find(reason) != std::string::npos);
    CHECK_EQUAL(medpruner_stream_create(&kGpu, &pointer), MEDPRUNER_ERR_BACKEND_UNAVAILABLE);
  }
}

TEST(host_memory) {
  void* pointer = &pointer;
  CHECK_EQUAL(medpruner_alloc(&kCpu, 0, &pointer), MEDPRUNER_OK);
  CHECK(pointer == nullptr);
  CHECK_EQUAL(medpruner_free(&kCpu, nullptr), MEDPRUNER_OK);
  for (size_t bytes : {1, 63, 64, 1000, 1 << 20}) {
    CHECK_EQUAL(medpruner_alloc(&kCpu, bytes, &pointer), MEDPRUNER_OK);
    CHECK_EQUAL(reinterpret_cast<uintptr_t>(pointer) % 64, 0u);
    memset(pointer, 1, bytes);
    CHECK_EQUAL(medpruner_free(&kCpu, pointer), MEDPRUNER_OK);
  }
  // Through a volatile, or the compiler would warn of the very size that is to be refused.
  volatile size_t absurd = SIZE_MAX - 5;
  CHECK_EQUAL(medpruner_alloc(&kCpu, absurd, &pointer), MEDPRUNER_ERR_OUT_OF_MEMORY);
  CHECK_EQUAL(medpruner_alloc(nullptr, 1, &pointer), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_alloc(&kCpu, 1, nullptr), MEDPRUNER_ERR_INVALID_ARGUMENT);
  const medpruner_device second = {MEDPRUNER_DEVICE_CPU, 1};
  CHECK_EQUAL(medpruner_alloc(&second, 1, &pointer), MEDPRUNER_ERR_INVALID_ARGUMENT);
  const medpruner_device metal = {8, 0};
  CHECK_EQUAL(medpruner_free(&metal, nullptr), MEDPRUNER_ERR_INVALID_ARGUMENT);
}

TEST(host_copies_and_streams) {
  char source[8] = "copied!";
  char target[8] = "";
  CHECK_EQUAL(medpruner_copy(target, &kCpu, source, &kCpu, 8, nullptr), MEDPRUNER_OK);
  CHECK(std::string(target) == "copied!");
  CHECK_EQUAL(medpruner_copy(source + 1, &kCpu, source, &kCpu, 4, nullptr),
              MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_copy(nullptr, &kCpu, source, &kCpu, 4, nullptr),
              MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_copy(nullptr, &kCpu, nullptr, &kCpu, 0, nullptr), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_copy(target, &kCpu, source, &kCpu, 4, source),
              MEDPRUNER_ERR_INVALID_ARGUMENT);
  void* stream = source;
  CHECK_EQUAL(medpruner_stream_create(&kCpu, &stream), MEDPRUNER_OK);
  CHECK(stream == nullptr);
  CHECK_EQUAL(medpruner_stream_synchronize(&kCpu, nullptr), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_stream_synchronize(&kCpu, source), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_stream_destroy(&kCpu, nullptr), MEDPRUNER_OK);
}

TEST(graphs_are_of_cuda) {
  medpruner_graph* graph = reinterpret_cast<medpruner_graph*>(&graph);
  CHECK_EQUAL(medpruner_graph_begin(&kCpu, &graph), MEDPRUNER_ERR_UNSUPPORTED);
  CHECK(last_error() == "device: is the CPU, which has no graphs; call the ops");
  CHECK_EQUAL(medpruner_graph_end(&kCpu, &graph, &graph), MEDPRUNER_ERR_UNSUPPORTED);
  CHECK(graph == nullptr);
  CHECK_EQUAL(medpruner_graph_begin(nullptr, &graph), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK_EQUAL(medpruner_graph_launch(nullptr, nullptr), MEDPRUNER_ERR_INVALID_ARGUMENT);
  CHECK(last_error() == "graph: is NULL");
  CHECK_EQUAL(medpruner_graph_destroy(nullptr), MEDPRUNER_OK);
  int32_t count = 0;
  CHECK_EQUAL(medpruner_cuda_device_count(&count, nullptr, 0), MEDPRUNER_OK);
  CHECK_EQUAL(medpruner_graph_begin(&kGpu, nullptr), count == 0
                                                         ? MEDPRUNER_ERR_BACKEND_UNAVAILABLE
                                                         : MEDPRUNER_ERR_INVALID_ARGUMENT);
}

}  // namespace

int main() { return harness::run_tests(); }
