#!/usr/bin/env bash
# Sets the version wherever it is named: all POMs, CMakeLists.txt, the examples, and what the documents show to be copied; and for a
# release, today as the time of every file in its jars.
#   tools/set-version.sh 0.2.0-SNAPSHOT
# DocumentsTest holds all of them to the root POM's.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
new=${1:-}
if ! [[ $new =~ ^([0-9]+\.[0-9]+)\.[0-9]+(-SNAPSHOT)?$ ]]; then
  echo "set-version: \"$new\" is no version, expected one such as 0.2.0 or 0.2.0-SNAPSHOT" >&2
  exit 2
fi
minor=${BASH_REMATCH[1]}
old=$(sed -n '/<artifactId>medpruner-parent</{n;s/.*<version>\(.*\)<.*/\1/p;q}' pom.xml)
[ -n "$old" ] || { echo "set-version: pom.xml names no version of medpruner-parent" >&2; exit 1; }
from=${old//./\\.}

# Behind an artifact of this project alone: some other library may have the same number.
find . -name pom.xml ! -path '*/target/*' ! -path './build/*' -print0 |
  xargs -0 sed -i "
    s/<medpruner\.version>$from</<medpruner.version>$new</
    /<artifactId>medpruner-[a-z0-9]*</{
      s/<version>$from</<version>$new</
      n
      s/^\( *<version>\)$from</\1$new</
    }" README.md docs/releasing.md docs/conformance.md
sed -i "s/^project(medpruner VERSION [0-9.]*/project(medpruner VERSION ${new%-SNAPSHOT}/" CMakeLists.txt
sed -i "s/find_package(medpruner [0-9.]*/find_package(medpruner $minor/" README.md docs/abi.md examples/c/CMakeLists.txt
case $new in
  *-SNAPSHOT) ;;
  *) sed -i "s/<project\.build\.outputTimestamp>[^<]*</<project.build.outputTimestamp>$(date -u +%F)T00:00:00Z</" pom.xml ;;
esac
