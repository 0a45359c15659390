#!/usr/bin/env python3
"""What Maven Central asks of a bundle (https://central.sonatype.org/publish/requirements/), and what this project asks of its own.

check_bundle.py BUNDLE.zip BOM-POM    prints each thing that is wrong and fails, or says what the bundle holds. The signatures are
                                      verified with gpg, whose key ring has to have the public key.
check_bundle.py --test                plants one defect of each kind in a bundle made for it and fails where one is not seen
"""

import hashlib
import io
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml
import zipfile
from pathlib import Path, PurePosixPath

NS = "{http://maven.apache.org/POM/4.0.0}"
LIMIT = 1 << 30  # bytes of a bundle that the portal takes
CHECKSUMS = {".md5": hashlib.md5, ".sha1": hashlib.sha1, ".sha256": hashlib.sha256, ".sha512": hashlib.sha512}
NEEDED = ["name", "description", "url", "licenses/license/name", "licenses/license/url", "developers/developer/name",
          "scm/url", "scm/connection", "scm/developerConnection"]
# The own licence, and those of others: of what Maven adds to the class path, or of what is linked into a library.
LICENCES = [["META-INF/LICENSE"], ["META-INF/THIRD-PARTY.txt", "META-INF/THIRD-PARTY-NATIVE.md"]]


def find(pom, path):
    element = pom.find("/".join(NS + part for part in path.split("/")))
    return (element.text or "").strip() if element is not None else ""


def expected(bom):
    """(artifact, classifier) of all that is published: what the BOM lists, itself and the parent."""
    pom = xml.fromstring(bom)
    own = {(find(d, "artifactId"), find(d, "classifier")) for d in pom.iter(NS + "dependency")}
    return own | {("medpruner-bom", ""), ("medpruner-parent", "")}


def verified(data, signature):
    with tempfile.TemporaryDirectory() as folder:
        file, asc = Path(folder, "file"), Path(folder, "file.asc")
        file.write_bytes(data)
        asc.write_bytes(signature)
        return subprocess.run(["gpg", "--batch", "--verify", asc, file], capture_output=True).returncode == 0


def check(bundle, bom, verify=verified):
    """Yields what is wrong with it: a bundle's bytes, a BOM's, and a function that says whether a signature is of some data."""
    if len(bundle) > LIMIT:
        yield f"the bundle has {len(bundle)} bytes, the portal takes {LIMIT}"
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}

    poms, found = {}, set()
    for name, data in files.items():
        if name.endswith(".pom"):
            poms[str(PurePosixPath(name).parent)] = xml.fromstring(data)
    for name, data in sorted(files.items()):
        suffix = PurePosixPath(name).suffix
        if suffix in CHECKSUMS:
            if name[: -len(suffix)] not in files:
                yield f"{name} is of no file"
            elif data.decode().strip() != CHECKSUMS[suffix](files[name[: -len(suffix)]]).hexdigest():
                yield f"{name} is not the checksum of its file"
            continue
        for needed in (".md5", ".sha1"):
            if not name.endswith(".asc") and name + needed not in files:
                yield f"{name} has no {needed}"
        if suffix == ".asc":
            if name[:-4] not in files:
                yield f"{name} is of no file"
            continue
        if name + ".asc" not in files:
            yield f"{name} is not signed"
        elif not verify(data, files[name + ".asc"]):
            yield f"{name}.asc is not the signature of its file"

        path = PurePosixPath(name)
        folder, artifact, version = str(path.parent), path.parts[-3], path.parts[-2]
        if folder not in poms:
            yield f"{name} has no POM beside it"
            continue
        if not path.name.startswith(f"{artifact}-{version}"):
            yield f"{name} is named otherwise than its folder"
        if suffix == ".jar":
            classifier = path.name[len(f"{artifact}-{version}") : -4].lstrip("-")
            if classifier in ("sources", "javadoc"):
                continue
            found.add((artifact, classifier))
            with zipfile.ZipFile(io.BytesIO(data)) as jar:
                for texts in LICENCES:
                    if not set(texts) & set(jar.namelist()):
                        yield f"{name} holds no {' or '.join(texts)}"

    for folder, pom in sorted(poms.items()):
        parent = pom.find(NS + "parent")
        group, version = (find(pom, key) or find(parent, key) for key in ("groupId", "version"))
        artifact, packaging = find(pom, "artifactId"), find(pom, "packaging") or "jar"
        if folder != f"{group.replace('.', '/')}/{artifact}/{version}":
            yield f"{folder} holds the POM of {group}:{artifact}:{version}"
        if version.endswith("-SNAPSHOT"):
            yield f"{folder}: {version} is no release"
        inherited = None
        if parent is not None:
            up = f"{find(parent, 'groupId').replace('.', '/')}/{find(parent, 'artifactId')}/{find(parent, 'version')}"
            inherited = poms.get(up)
            if inherited is None:
                yield f"{folder}: the parent {up} is not in the bundle"
        for key in NEEDED:
            value = find(pom, key)
            # Name and description are each artifact's own.
            if not value and inherited is not None and key not in ("name", "description"):
                value = find(inherited, key)
            if not value:
                yield f"{folder}: the POM has no {key}"
            elif ".invalid/" in value or "${" in value:
                yield f"{folder}: {key} of the POM is {value}"
        if pom.find(NS + "repositories") is not None or pom.find(NS + "pluginRepositories") is not None:
            yield f"{folder}: the POM names repositories, which Central's users do not have"
        stem = f"{folder}/{artifact}-{version}"
        if packaging == "pom":
            found.add((artifact, ""))
        else:
            for ending in (".jar", "-sources.jar", "-javadoc.jar", "-cyclonedx.json"):
                if stem + ending not in files:
                    yield f"{stem}{ending} is missing"
        for dependency in pom.iter(NS + "dependency"):
            if find(dependency, "version").endswith("-SNAPSHOT"):
                yield f"{folder}: depends on a SNAPSHOT of {find(dependency, 'artifactId')}"

    for artifact, classifier in sorted(expected(bom) - found):
        yield f"{artifact}{':' * bool(classifier)}{classifier} is in the BOM and not in the bundle"
    for artifact, classifier in sorted(found - expected(bom)):
        yield f"{artifact}{':' * bool(classifier)}{classifier} is in the bundle and not in the BOM"


# A bundle of a parent, a BOM and a module, small and right.
def sample():
    rest = """<name>a</name><description>b</description><url>https://example.org/c</url>
      <licenses><license><name>d</name><url>https://example.org/e</url></license></licenses><developers><developer><name>f</name></developer></developers>
      <scm><url>https://example.org/g</url><connection>scm:git:h</connection><developerConnection>scm:git:i</developerConnection></scm>"""
    head = f'<project xmlns="{NS[1:-1]}"><modelVersion>4.0.0</modelVersion>'
    own = "<groupId>g.h</groupId><artifactId>medpruner-{}</artifactId><version>1.0.0</version>"
    module = own.format("core")
    bom = f"{head}{own.format('bom')}<packaging>pom</packaging>{rest}<dependencyManagement><dependencies><dependency>{module}</dependency></dependencies></dependencyManagement></project>"
    jar = io.BytesIO()
    with zipfile.ZipFile(jar, "w") as archive:
        for texts in LICENCES:
            archive.writestr(texts[0], "text")
    core = "g/h/medpruner-core/1.0.0/medpruner-core-1.0.0"
    files = {
        "g/h/medpruner-parent/1.0.0/medpruner-parent-1.0.0.pom": f"{head}{own.format('parent')}<packaging>pom</packaging>{rest}</project>",
        "g/h/medpruner-bom/1.0.0/medpruner-bom-1.0.0.pom": bom,
        core + ".pom": f"{head}<parent>{own.format('parent')}</parent><artifactId>medpruner-core</artifactId><name>a</name><description>b</description></project>",
        core + ".jar": jar.getvalue(),
        core + "-sources.jar": "s",
        core + "-javadoc.jar": "j",
        core + "-cyclonedx.json": "{}",
    }
    return {name: data.encode() if isinstance(data, str) else data for name, data in files.items()}, bom.encode()


def bundled(files):
    """With signatures, which here are the data's length, and checksums, where there are none yet."""
    files = dict(files)
    for name, data in list(files.items()):
        if PurePosixPath(name).suffix in (".asc", *CHECKSUMS):
            continue
        if data is not None:
            files.setdefault(name + ".asc", str(len(data)).encode())
            for suffix in (".md5", ".sha1"):
                files.setdefault(name + suffix, CHECKSUMS[suffix](data).hexdigest().encode())
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            if data is not None:
                archive.writestr(name, data)
    return out.getvalue()


def test():
    files, bom = sample()
    core = "g/h/medpruner-core/1.0.0/medpruner-core-1.0.0"
    parent = "g/h/medpruner-parent/1.0.0/medpruner-parent-1.0.0.pom"

    def edited(name, old, new):
        assert re.search(old, files[name].decode()), f"{name} has no {old}"
        return {name: re.sub(old, new, files[name].decode()).encode()}

    planted = {
        "is not the checksum of its file": {core + ".jar.sha1": b"0" * 40},
        "has no .md5": {core + ".pom.md5": None},
        "is of no file": {core + "-extra.jar.asc": b"1"},
        "is not signed": {core + ".jar.asc": None},
        "is not the signature of its file": {core + ".jar.asc": b"0"},
        "has no POM beside it": {"g/h/medpruner-x/1.0.0/medpruner-x-1.0.0.jar": files[core + ".jar"]},
        "is named otherwise than its folder": {"g/h/medpruner-core/1.0.0/core.json": b"{}"},
        "holds no META-INF/LICENSE": {core + ".jar": bundled({"META-INF/THIRD-PARTY-NATIVE.md": b""})},
        "holds no META-INF/THIRD-PARTY.txt or": {core + ".jar": bundled({"META-INF/LICENSE": b""})},
        "holds the POM of": edited(core + ".pom", "medpruner-core", "medpruner-cory"),
        "is no release": edited(parent, "1.0.0", "1.0.0-SNAPSHOT"),
        "the parent g/h/medpruner-parent/1.0.0 is not in the bundle": {parent: None},
        "the POM has no description": edited(core + ".pom", "<description>b</description>", ""),
        "the POM has no scm/connection": edited(parent, "<connection>.*</connection>", ""),
        "scm/url of the POM is": edited(parent, "https://example.org/g", "https://g.invalid/g"),
        "the POM names repositories": edited(core + ".pom", "</project>", "<repositories/></project>"),
        "-javadoc.jar is missing": {core + "-javadoc.jar": None},
        "-cyclonedx.json is missing": {core + "-cyclonedx.json": None},
        "depends on a SNAPSHOT": edited(core + ".pom", "</project>", "<dependencies><dependency><artifactId>y</artifactId><version>1-SNAPSHOT</version></dependency></dependencies></project>"),
        "is in the BOM and not in the bundle": {core + ending: None for ending in (".pom", ".jar", "-sources.jar", "-javadoc.jar", "-cyclonedx.json")},
        "core:linux is in the bundle and not in the BOM": {core + "-linux.jar": files[core + ".jar"]},
    }

    def problems(spoilt):
        return list(check(bundled({**files, **spoilt}), bom, lambda data, signature: signature == str(len(data)).encode()))

    failures = [f"a good bundle: {p}" for p in problems({})]
    for problem, spoilt in planted.items():
        if not any(problem in p for p in problems(spoilt)):
            failures.append(f"not seen: {problem}; but {problems(spoilt)}")
    for failure in failures:
        print(f"check_bundle --test: {failure}", file=sys.stderr)
    if failures:
        sys.exit(1)
    print(f"check_bundle --test: {len(planted)} planted defects seen")


def main():
    if sys.argv[1:] == ["--test"]:
        return test()
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    bundle, bom = Path(sys.argv[1]).read_bytes(), Path(sys.argv[2]).read_bytes()
    problems = list(check(bundle, bom))
    for problem in problems:
        print(f"check_bundle: {problem}", file=sys.stderr)
    if problems:
        sys.exit(1)
    print(f"check_bundle: {len(expected(bom))} artifacts, {len(bundle)} bytes, signed and complete")


if __name__ == "__main__":
    main()
