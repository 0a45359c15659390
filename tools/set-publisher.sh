#!/usr/bin/env bash
# Sets who publishes: the repository's address in <scm> and the name in <developers>, in both POMs that have them.
#   tools/set-publisher.sh https://github.com/someone/medpruner "Some One"
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."
address=${1:-} name=${2:-}
if ! [[ $address =~ ^https://[A-Za-z0-9.-]+(/[A-Za-z0-9._~-]+)+$ && $address != *.git && $address != *.invalid/* ]]; then
  echo "set-publisher: \"$address\" is no address, expected one such as https://github.com/someone/medpruner" >&2
  exit 2
fi
if ! [[ $name =~ [^[:space:]] && $name != *[[:cntrl:]]* && $name != "MedPruner maintainers" ]]; then
  echo "set-publisher: \"$name\" is no name, expected a person's or an organisation's as the second argument" >&2
  exit 2
fi
# For XML, then for the right side of s///.
name=$(sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g; s/[&|\\]/\\&/g' <<<"$name")

sed -i "
  /<developers>/,/<\/developers>/s|<name>[^<]*</name>|<name>$name</name>|
  /<scm[ >]/,/<\/scm>/{
    s|\(onnection>scm:git:\)[^<]*<|\1$address.git<|
    s|<url>[^<]*<|<url>$address<|
  }" pom.xml java/bom/pom.xml
