#!/usr/bin/env bash
# The Java side on a GPU machine that has no JDK, no Maven and no network: the tests that need a device (tag gpu), none
# of which may skip, the examples that use one, and what requests cost (bench cost). Made by `./medpruner gpu-pack DIR --java`.
#   run.sh [--results DIR] [--limit SECONDS] [tests] [examples] [cost [ARGUMENT...]]    (default: all parts)
# ARGUMENTs go to the bench: cost --shape medgemma-4b --instances one. --limit is for each module's tests, each example and the bench
# (default: 900). It needs a driver for CUDA 13, and CUDA 13's libraries and cuDNN 9 where the loader finds them.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
results=$PWD/results
limit=900
parts=()
cost=()
fail() { printf 'gpu java: %s\n' "$*" >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in
    --results) results=${2:?--results needs a folder}; shift 2 ;;
    --limit) limit=${2:?--limit needs seconds}; shift 2 ;;
    tests | examples) parts+=("$1"); shift ;;
    cost) parts+=(cost); shift; cost=("$@"); break ;;
    *) fail "unknown argument '$1'; expected --results DIR, --limit SECONDS, tests, examples or cost" ;;
  esac
done
case $limit in '' | *[!0-9]* | 0*) fail "--limit is '$limit', expected a number from 1 on" ;; esac
[ ${#parts[@]} -gt 0 ] || parts=(tests examples cost)
mkdir -p "$results" || exit 1
results=$(cd "$results" && pwd)

# As ./medpruner runs a model. Folders first: JavaCPP uses a library that is a file as it is, without a copy in its cache.
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-PASSIVE} MEDPRUNER_ROOT=$here/root
classes=$here/natives$(printf ':%s' "$here"/jars/*.jar)
# The bench starts processes of its own, which read this too.
options=(--enable-native-access=ALL-UNNAMED -Dai.djl.offline=true -Dorg.bytedeco.javacpp.maxPhysicalBytes=0
  "-Dorg.bytedeco.javacpp.cachedir='$here/cache'" "-Dmedpruner.library.path='$here/../libmedpruner.so.1'")
export JDK_JAVA_OPTIONS="${options[*]}"
java=$here/runtime/bin/java
code=0

step() {  # name, command
  local name=$1 status text began=$SECONDS
  shift
  timeout --kill-after=10 "$limit" "$@" >"$results/$name.log" 2>&1
  status=$?
  # A test that was skipped leaves JUnit's exit code 0.
  text=$(grep -E '^\[ *[1-9][0-9]* (containers|tests) (skipped|aborted) *\]$' "$results/$name.log")
  if [ $status -eq 0 ] && [ -n "$text" ]; then
    printf 'FAIL  %s: %s, see %s\n' "$name" "$(tr -d '[]' <<<"$text" | xargs)" "$results/$name.log"
    code=1
  elif [ $status -eq 0 ]; then
    printf 'pass  %s (%s s)\n' "$name" $((SECONDS - began))
  else
    printf 'FAIL  %s: exit code %s, see %s\n' "$name" $status "$results/$name.log"
    # What a test threw, or else the last words.
    text=$(grep -v '^NOTE: Picked up' "$results/$name.log")
    { grep -m 3 ' => ' <<<"$text" || tail -n 8 <<<"$text"; } | cut -c 1-300 | sed 's/^/        /'
    code=1
  fi
}

for part in "${parts[@]}"; do
  case $part in
    tests)
      for module in "$here"/tests/*; do
        step "${module##*/}" "$java" -Xmx3g -Dmedpruner.requireGpu=true -cp "$module:$classes" \
          org.junit.platform.console.ConsoleLauncher execute --disable-banner --disable-ansi-colors --details=tree \
          --scan-class-path "$module" --include-tag gpu --fail-if-no-tests
      done
      ;;
    examples)
      for example in "$here"/examples/*.class; do
        name=$(basename "$example" .class)
        # Without CUDA one says so and the other runs on the CPU, both with exit code 0.
        step "$name" bash -c 'said=$("$@"); code=$?; echo "$said"
          [ $code -ne 0 ] || grep -q "^cuda:" <<<"$said" || { echo "not on a CUDA device"; exit 1; }' _ \
          "$java" --illegal-native-access=deny -cp "$here/examples:$classes" "$name"
      done
      ;;
    cost)
      step cost "$java" -Xmx512m -Dmedpruner.root="$here/root" -Dmedpruner.bench.threads="${MEDPRUNER_BENCH_THREADS:-$(nproc)}" \
        -cp "$classes" org.medpruner.bench.model.CostBench --device cuda --dir "$here/cache/models" \
        --output "$results/cost.json" "${cost[@]}"
      grep -v '^NOTE: Picked up' "$results/cost.log"
      ;;
  esac
done
exit $code
