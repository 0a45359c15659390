#!/usr/bin/env bash
# Runs the GPU suite: the tests on the device, the same under the four tools of compute-sanitizer, and the
# benchmark where it is there. Nothing may be skipped: no device, no tool, a failure, all end in exit code 1.
#   run.sh [--programs DIR] [--results DIR] [tests] [sanitizer] [bench]     (all three parts by default)
# --programs: where gpu_test and the others lie (default: beside this script); --results: logs, machine.txt
# and the benchmark's JSON (default: ./results). COMPUTE_SANITIZER names the tool if it is not on the PATH.
set -uo pipefail
programs=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
results=$PWD/results
parts=()
fail() { printf 'gpu suite: %s\n' "$*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    --programs) programs=$(cd "${2:?--programs needs a folder}" && pwd) || exit 1; shift 2 ;;
    --results) results=${2:?--results needs a folder}; shift 2 ;;
    tests | sanitizer | bench) parts+=("$1"); shift ;;
    *) fail "unknown argument '$1'; expected --programs DIR, --results DIR, tests, sanitizer or bench" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(tests sanitizer bench)
tests=(gpu_test gpu_edge_test gpu_graph_test gpu_streams_test)
failed=0

# One step: its name, then the command. Exit code 77 is a test's way to say that it skipped.
step() {
  local name=$1 log=$results/$1.log code
  shift
  "$@" >"$log" 2>&1
  code=$?
  if [ $code -eq 0 ]; then
    printf 'pass  %s\n' "$name"
  else
    failed=$((failed + 1))
    if [ $code -eq 77 ]; then
      printf 'FAIL  %s: skipped (%s)\n' "$name" "$(sed -n 's/^SKIP: //p' "$log" | head -n 1)"
    else
      printf 'FAIL  %s: exit code %s, see %s\n' "$name" "$code" "$log"
      grep -v '^ok ' "$log" | tail -n 5 | sed 's/^/        /'
    fi
  fi
  return 0
}

describe_machine() {
  echo "date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  echo "commit: $(cat "$programs/COMMIT" 2>/dev/null || echo unknown)"
  echo "kernel: $(uname -sr)"
  echo "cpu: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) usable"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,ecc.mode.current,mig.mode.current \
    --format=csv 2>&1 || echo "nvidia-smi: not available"
}

for program in "${tests[@]}"; do
  [ -x "$programs/$program" ] || fail "$programs/$program is missing: build the tests, or give --programs"
done
# Before anything is written: is there a device at all?
probe=$("$programs/gpu_edge_test" 2>&1)
[ $? -ne 77 ] || fail "$(sed -n 's/^SKIP: //p' <<<"$probe" | head -n 1)"
mkdir -p "$results" || exit 1
describe_machine >"$results/machine.txt"
cat "$results/machine.txt"

for part in "${parts[@]}"; do
  case $part in
    tests)
      for program in "${tests[@]}"; do step "$program" "$programs/$program"; done
      ;;
    sanitizer)
      sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | tail -n 1)}
      if [ -z "$sanitizer" ] || [ ! -x "$sanitizer" ]; then
        failed=$((failed + 1))
        echo "FAIL  sanitizer: compute-sanitizer was not found; install the CUDA toolkit's sanitizer or set COMPUTE_SANITIZER"
        continue
      fi
      for tool in memcheck racecheck synccheck initcheck; do
        options=()
        [ $tool != memcheck ] || options=(--leak-check full)
        for program in "${tests[@]}"; do
          step "$tool-$program" env MEDPRUNER_GPU_QUICK=1 \
            "$sanitizer" --tool $tool "${options[@]}" --error-exitcode 99 "$programs/$program"
        done
      done
      ;;
    bench)
      if [ -x "$programs/medpruner_bench" ]; then
        step bench "$programs/medpruner_bench" --require-cuda --output "$results/gpu.json"
        cat "$results/bench.log"
      else
        failed=$((failed + 1))
        echo "FAIL  bench: $programs/medpruner_bench is missing: build it, or name the parts to run without bench"
      fi
      ;;
  esac
done
if [ $failed -gt 0 ]; then
  echo "gpu suite: FAILED, $failed of its steps; logs in $results"
  exit 1
fi
echo "gpu suite: passed (${parts[*]}); logs in $results"
