#!/usr/bin/env bash
# Sets the group of the artifacts wherever it is named: all POMs, and what the documents show to be copied.
#   tools/set-group.sh io.github.someone
# Java packages, modules and the domain of the ONNX ops are no group and stay. DocumentsTest holds all of them to the
# root POM's.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
new=${1:-}
if ! [[ $new =~ ^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_][A-Za-z0-9_-]*)+$ ]]; then
  echo "set-group: \"$new\" is no group, expected one such as io.github.someone" >&2
  exit 2
fi
old=$(sed -n '/<groupId>/{s/.*<groupId>\(.*\)<\/groupId>.*/\1/p;q}' pom.xml)

find . -name pom.xml ! -path '*/target/*' ! -path './build/*' -print0 |
  xargs -0 sed -i "s/groupId>${old//./\\.}</groupId>$new</" README.md docs/releasing.md docs/conformance.md
sed -i "s/^All are \`${old//./\\.}\`;/All are \`$new\`;/" docs/releasing.md
