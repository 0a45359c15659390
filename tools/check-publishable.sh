#!/usr/bin/env bash
# Makes a release of what is committed, but for the upload, and looks at what would have been uploaded as Maven Central does; then
# builds examples/arrays against it alone. Where the POMs still hold placeholders, stand-ins take their place: a version, a
# publisher, a signing key made for the occasion. Nothing in this folder changes and nothing leaves the machine.
#   tools/check-publishable.sh [Maven arguments]
# It needs what a release needs, gpg, python3, and JAVA_HOME of a JDK of 24 or newer for the example. With -Dnative.options=-DMEDPRUNER_CUDA_ARCHS=90 one CUDA architecture is compiled, not seven.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
release=$("${JAVA_HOME:-/nonexistent}/bin/java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java\.specification\.version = //p' || true)
if ! [[ $release =~ ^[0-9]+$ && $release -ge 24 ]]; then
  echo "check-publishable: JAVA_HOME is \"${JAVA_HOME:-}\", expected a JDK of 24 or newer" >&2
  exit 2
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/medpruner-publishable.XXXXXX")
copy=$work/copy
mkdir "$copy"
git -C "$root" archive HEAD | tar -x -C "$copy"

version=$(sed -n '/<artifactId>medpruner-parent</{n;s/.*<version>\(.*\)<.*/\1/p;q}' "$copy/pom.xml")
case $version in *-SNAPSHOT) version=${version%-SNAPSHOT}; "$copy/tools/set-version.sh" "$version" ;; esac
if grep -q '\.invalid/' "$copy/pom.xml"; then
  echo "check-publishable: no publisher is set yet (docs/releasing.md), so a stand-in takes its place" >&2
  "$copy/tools/set-publisher.sh" https://example.org/medpruner "Stand-in"
fi

# gpg-agent's socket has to fit 107 bytes.
export GNUPGHOME=$work/gnupg
mkdir -m 700 "$GNUPGHOME"
trap 'gpgconf --kill all' EXIT
gpg --batch --quiet --passphrase '' --quick-generate-key 'Stand-in <stand-in@example.org>' ed25519 sign 1d 2>"$work/gpg.log" ||
  { cat "$work/gpg.log" >&2; exit 1; }

# Nobody listens at port 1: the plugin fails once it has written the bundle.
server="$work/settings.xml"
echo '<settings><servers><server><id>central</id><username>none</username><password>none</password></server></servers></settings>' >"$server"
echo "check-publishable: making the bundle of $version in $work" >&2
bundle=$copy/java/bom/target/central-publishing/central-bundle.zip
if (cd "$copy" && mvn -B -q -s "$server" -Dstyle.color=never -Prelease -Dgpg.skip=false -Dmaven.test.skip=true -Dspotless.check.skip=true \
  -DcentralBaseUrl=http://127.0.0.1:1 "$@" deploy) >"$work/deploy.log" 2>&1; then
  echo "check-publishable: deploy went well although nobody was there to upload to, see $work/deploy.log" >&2
  exit 1
fi
[ -f "$bundle" ] || { cat "$work/deploy.log" >&2; echo "check-publishable: deploy left no bundle, see above" >&2; exit 1; }
python3 "$copy/tools/check_bundle.py" "$bundle" "$copy/java/bom/pom.xml" || { echo "check-publishable: kept in $work" >&2; exit 1; }

# As another machine would: an empty local repository, and this project's artifacts from the bundle alone.
mkdir "$work/repository"
python3 -m zipfile -e "$bundle" "$work/repository"
cat >"$work/consumer.xml" <<XML
<settings>
  <profiles><profile><id>bundle</id><repositories><repository><id>bundle</id><url>file://$work/repository</url></repository></repositories></profile></profiles>
  <activeProfiles><activeProfile>bundle</activeProfile></activeProfiles>
</settings>
XML
(cd "$copy/examples/arrays" && mvn -B -q -s "$work/consumer.xml" -Dmaven.repo.local="$work/local" -Dstyle.color=never -C verify)
echo "check-publishable: examples/arrays builds and runs from the bundle"
rm -rf "$work"
