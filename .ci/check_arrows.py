#!/usr/bin/env python3
"""The arrows that CONTRIBUTING.md draws: what each module may depend on, and where FFM, bytedeco and CUDA headers may appear.

check_arrows.py          checks the repository
check_arrows.py --test   plants one breach of each rule in memory and fails where one is not seen
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# A module may depend on those listed, and on nothing else of this project.
MODULES = {
    "natives": "",
    "volume": "",
    "core": "natives",
    "torch": "core natives",
    "testkit": "core natives",
    "onnxruntime": "core natives",
    "djl": "core natives",
    "vlm": "core torch volume natives",
    "langchain4j": "core volume vlm",
    "eval": "core volume vlm",
    "serve": "core volume vlm",
    "cli": "core volume vlm eval serve",
    "bench": "core torch volume vlm serve natives testkit",
}

# What a main source may name only under one of these folders.
PLACES = [
    (r"\b(Linker|SymbolLookup)\b", ".java", ["java/core/src/main/java/org/medpruner/internal/ffm/", "bench/"]),
    (r"\.reinterpret\(", ".java", ["java/core/src/main/java/org/medpruner/internal/ffm/", "java/torch/", "java/vlm/", "bench/"]),
    (r"\borg\.bytedeco\.", ".java", ["java/torch/", "java/vlm/", "bench/", "examples/"]),
]

# Kernels include the C and C++ standard libraries, intrinsics, CUDA's runtime and this project: no framework.
HEADERS = set(
    """algorithm atomic initializer_list new type_traits float.h inttypes.h math.h pthread.h sched.h signal.h stdarg.h stddef.h stdint.h
    stdio.h stdlib.h string string.h vector arm_neon.h immintrin.h xmmintrin.h cuda_runtime.h""".split()
)


def of_pom(name, text):
    module = Path(name).parent.name
    if module not in MODULES:
        return
    allowed = {module, "parent", *MODULES[module].split()}
    for other in re.findall(r"<artifactId>medpruner-([a-z0-9]+)</artifactId>", text):
        if other not in allowed:
            yield f"{name}: {module} may not depend on {other}"


def of_java(name, text):
    if "/src/test/" in name or "/src/fixtures/" in name:
        return
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
    for pattern, suffix, places in PLACES:
        found = name.endswith(suffix) and not any(name.startswith(p) for p in places) and re.search(pattern, code)
        if found:
            yield f"{name}: {found.group().strip('.(')} belongs in {', '.join(places)}"


def of_kernel(name, text):
    for header in re.findall(r"^\s*#\s*include\s*<([^>]+)>", text, re.MULTILINE):
        if header not in HEADERS:
            yield f"{name}: kernels do not include <{header}>"


def breaches(name, text):
    if name.endswith("pom.xml") and name.split("/")[0] in ("java", "bench"):
        yield from of_pom(name, text)
    elif name.endswith(".java"):
        yield from of_java(name, text)
    elif name.startswith(("native/src/", "native/include/")):
        yield from of_kernel(name, text)


def test():
    planted = [
        ("java/core/pom.xml", "<artifactId>medpruner-torch</artifactId>"),
        ("java/volume/pom.xml", "<artifactId>medpruner-core</artifactId>"),
        ("java/core/src/main/java/org/medpruner/Prune.java", "import java.lang.foreign.Linker;"),
        ("java/cli/src/main/java/org/medpruner/cli/Main.java", "segment.reinterpret(8);"),
        ("java/eval/src/main/java/org/medpruner/eval/Run.java", "import org.bytedeco.pytorch.Tensor;"),
        ("native/src/cuda/prune/prune.cu", "#include <torch/extension.h>"),
    ]
    return [f"{name}: a planted breach was not seen" for name, text in planted if not list(breaches(name, text))]


def main():
    if sys.argv[1:] == ["--test"]:
        found = test()
    else:
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
        wanted = [f for f in files if f.endswith((".java", "pom.xml")) or f.startswith(("native/src/", "native/include/"))]
        found = [b for f in wanted if (ROOT / f).is_file() for b in breaches(f, (ROOT / f).read_text(encoding="utf-8"))]
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
