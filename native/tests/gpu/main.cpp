/* SPDX-License-Identifier: Apache-2.0 */
// gpu_test: every op on CUDA against the CPU backend, which the other tests hold against the references: bit for bit, but
// for attention_mass (1e-5 relative). A file for each op.

#include "gpu.hpp"

int main() { return run_gpu_tests(); }
