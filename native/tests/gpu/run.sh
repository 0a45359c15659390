#!/usr/bin/env bash
# Runs the GPU suite: the tests on the device, the same under the four tools of compute-sanitizer, and the
# benchmark where it is there. Nothing may be skipped: no device, no tool, a failure, a step that takes too
# long, all end in exit code 1.
#   run.sh [options] [tests] [sanitizer] [bench]     (all three parts by default)
#   --programs DIR   where gpu_test and the others lie (default: beside this script)
#   --results DIR    logs, machine.txt, failed.txt, gpu.json and gpu-torch.json (default: ./results)
#   --jobs N         sanitizer steps at the same time (default: one per two processors, at most 8)
#   --limit SECONDS  for each step of tests and sanitizer (default: 300)
# COMPUTE_SANITIZER names the tool if it is not on the PATH, PYTHON (default: python3) the one that has PyTorch:
# where it has none with CUDA, bench says so and leaves gpu_baselines.py out.
set -uo pipefail
programs=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
results=$PWD/results
limit=300
jobs=$(($(nproc) / 2))
jobs=$((jobs < 1 ? 1 : jobs > 8 ? 8 : jobs))
parts=()
fail() { printf 'gpu suite: %s\n' "$*" >&2; exit 1; }
positive() { case $2 in '' | *[!0-9]* | 0*) fail "$1 is '$2', expected a number from 1 on" ;; esac; }
while [ $# -gt 0 ]; do
  case $1 in
    --programs) programs=$(cd "${2:?--programs needs a folder}" && pwd) || exit 1; shift 2 ;;
    --results) results=${2:?--results needs a folder}; shift 2 ;;
    --jobs) jobs=${2:?--jobs needs a number}; positive "$1" "$jobs"; shift 2 ;;
    --limit) limit=${2:?--limit needs seconds}; positive "$1" "$limit"; shift 2 ;;
    tests | sanitizer | bench) parts+=("$1"); shift ;;
    *) fail "unknown argument '$1'; expected --programs DIR, --results DIR, --jobs N, --limit SECONDS, tests, sanitizer or bench" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || parts=(tests sanitizer bench)
# The longest first, so that none is left over at the end of those that run at the same time.
tests=(gpu_streams_test gpu_test gpu_graph_test gpu_edge_test gpu_misuse_test)
tools=(racecheck initcheck memcheck synccheck)
shards=4  # of gpu_test under a tool: in one piece racecheck took over 40 s on an H200

failed() {  # NAME, then what is printed of it; one write, since steps may end at the same time
  echo "$1" >>"$results/failed.txt"
  printf 'FAIL  %s\n' "$2"
}

# One step: its name, then the command. Exit code 77 is a test's way to say that it skipped, 124 and 137 are
# timeout's.
step() {
  local name=$1 log=$results/$1.log code began=$SECONDS text
  shift
  "$@" >"$log" 2>&1
  code=$?
  case $code in
    0) printf 'pass  %s (%s s)\n' "$name" $((SECONDS - began)) ;;
    77) failed "$name" "$name: skipped ($(sed -n 's/^SKIP: //p' "$log" | head -n 1))" ;;
    *)
      text="exit code $code"
      if [ $((SECONDS - began)) -ge "$limit" ] && { [ $code -eq 124 ] || [ $code -eq 137 ]; }; then
        text="not done after $limit s (--limit)"
      fi
      failed "$name" "$name: $text, see $log
$(grep -v '^ok ' "$log" | tail -n 5 | sed 's/^/        /')"
      ;;
  esac
}

limited() { timeout --kill-after=10 "$limit" "$@"; }

describe_machine() {
  echo "date: $(date -u +%Y-%m-%dT%H:%M:%SZ)"
  echo "commit: $(cat "$programs/COMMIT" 2>/dev/null || echo unknown)"
  echo "kernel: $(uname -sr)"
  echo "cpu: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) usable"
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,ecc.mode.current,mig.mode.current \
    --format=csv 2>&1 || echo "nvidia-smi: not available"
}

run_tests() {
  local program
  for program in "${tests[@]}"; do step "$program" limited "$programs/$program"; done
}

run_sanitizer() {
  local sanitizer program tool options shard of name
  sanitizer=${COMPUTE_SANITIZER:-$(command -v compute-sanitizer || ls /usr/local/cuda*/bin/compute-sanitizer 2>/dev/null | tail -n 1)}
  if [ -z "$sanitizer" ] || [ ! -x "$sanitizer" ]; then
    failed sanitizer "sanitizer: compute-sanitizer was not found; install the CUDA toolkit's sanitizer or set COMPUTE_SANITIZER"
    return
  fi
  echo "compute-sanitizer: $("$sanitizer" --version | sed -n 's/^Version //p')" >>"$results/machine.txt"
  for program in "${tests[@]}"; do
    for tool in "${tools[@]}"; do
      options=()
      if [ "$tool" = memcheck ]; then
        options=(--leak-check full)
        # The one program in which CUDA has to refuse calls; in all others each such call is an error.
        [ "$program" != gpu_misuse_test ] || options+=(--report-api-errors no)
      fi
      of=1
      [ "$program" != gpu_test ] || of=$shards
      for ((shard = 1; shard <= of; ++shard)); do
        name=$tool-$program
        [ "$of" -eq 1 ] || name+=-$shard-of-$of
        while [ "$(jobs -pr | wc -l)" -ge "$jobs" ]; do wait -n; done
        step "$name" limited env MEDPRUNER_GPU_QUICK=1 MEDPRUNER_SHARD="$shard/$of" \
          "$sanitizer" --tool "$tool" "${options[@]}" --error-exitcode 99 "$programs/$program" &
      done
    done
  done
  wait
}

run_bench() {
  if [ -x "$programs/medpruner_bench" ]; then
    step bench "$programs/medpruner_bench" --cuda --output "$results/gpu.json"
    cat "$results/bench.log"
  else
    failed bench "bench: $programs/medpruner_bench is missing: build it, or name the parts to run without bench"
    return
  fi
  local python=${PYTHON:-python3}
  if "$python" -c 'import torch, sys; sys.exit(not torch.cuda.is_available())' 2>/dev/null; then
    step baselines "$python" "$programs/gpu_baselines.py" --library "$programs/libmedpruner.so.1" \
      --output "$results/gpu-torch.json"
    cat "$results/baselines.log"
  else
    echo "baselines: $python has no PyTorch with CUDA, so gpu_baselines.py was not run (PYTHON names another)"
  fi
}

for program in "${tests[@]}"; do
  [ -x "$programs/$program" ] || fail "$programs/$program is missing: build the tests, or give --programs"
done
# Before anything is written: is there a device at all?
probe=$("$programs/gpu_edge_test" 2>&1)
[ $? -ne 77 ] || fail "$(sed -n 's/^SKIP: //p' <<<"$probe" | head -n 1)"
mkdir -p "$results" || exit 1
: >"$results/failed.txt" || exit 1
describe_machine >"$results/machine.txt"
cat "$results/machine.txt"

for part in "${parts[@]}"; do "run_$part"; done
count=$(wc -l <"$results/failed.txt")
if [ "$count" -gt 0 ]; then
  echo "gpu suite: FAILED, $count of its steps; logs in $results"
  exit 1
fi
echo "gpu suite: passed (${parts[*]}); logs in $results"
