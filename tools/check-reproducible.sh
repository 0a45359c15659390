#!/usr/bin/env bash
# Builds what is committed twice, in folders of different names, and compares every jar and SBOM byte for byte.
#   tools/check-reproducible.sh [Maven arguments]      added to: -Prelease, of what is published
# Seven CUDA architectures are compiled twice; with -Dnative.options=-DMEDPRUNER_CUDA_ARCHS=90 only one is.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
set -- -Prelease -pl '!java/eval,!java/cli,!bench,!examples' "$@"
commit=$(git -C "$root" rev-parse HEAD)
work=$(mktemp -d "${TMPDIR:-/tmp}/medpruner-reproducible.XXXXXX")

for copy in first second/with/a/longer/name; do
  mkdir -p "$work/$copy"
  git -C "$root" archive "$commit" | tar -x -C "$work/$copy"
  echo "building $copy" >&2
  (cd "$work/$copy" && mvn -B -q -Dstyle.color=never -Dmaven.test.skip=true -Dspotless.check.skip=true "$@" verify) >&2
  (cd "$work/$copy" && find . -path '*/target/*' \( -name '*.jar' -o -name bom.json \) ! -path '*/target/lib/*' ! -path '*/classes/*' -type f -print0 |
    sort -z | xargs -0 sha256sum) >"$work/${copy%%/*}.sums"
done

if ! diff "$work/first.sums" "$work/second.sums" >&2; then
  echo "check-reproducible: the lines above differ between two builds of the same sources, kept in $work" >&2
  exit 1
fi
cat "$work/first.sums"
echo "$(wc -l <"$work/first.sums") files, the same bytes in both builds"
rm -rf "$work"
