#!/usr/bin/env python3
"""Overwrites with zeros the device code that a shared library carries for other GPU architectures than one.

    keep_arch.py libtorch_cuda.so 90

The file keeps its length and layout and runs on that architecture as before: the driver picks the code of the device
it has. It serves to send a library to one machine: LibTorch 2.10's libtorch_cuda.so of 504 MB then takes 77 MB by `xz`.
Exit status 1, with nothing written, where the file holds no device code for the architecture.
"""

import os
import shutil
import struct
import sys

FATBIN = 0xBA55ED50  # of a container: u32 magic, u16 version, u16 header bytes, u64 bytes behind the header
SECTIONS = (b".nv_fatbin", b"__nv_relfatbin")


def fatbin_sections(elf):
    """Offset and size of each section with device code, of a 64-bit little-endian ELF file."""
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    table, = struct.unpack_from("<Q", elf, 40)
    width, count, names_at = struct.unpack_from("<HHH", elf, 58)
    headers = [struct.unpack_from("<IIQQQQ", elf, table + i * width) for i in range(count)]
    names = headers[names_at][4]
    for name, _, _, _, offset, size in headers:
        if elf[names + name:elf.index(b"\0", names + name)] in SECTIONS:
            yield offset, size


def entries(elf, at, end):
    """Architecture, begin and size of each piece of code in a section: cubins, and PTX, which counts as another."""
    while at + 16 <= end:
        magic, _, header, size = struct.unpack_from("<IHHQ", elf, at)
        if magic != FATBIN:
            at += 8  # containers are aligned to 8
            continue
        inner, at = at + header, at + header + size
        while inner + 32 <= at:
            kind, _, header, size = struct.unpack_from("<HHIQ", elf, inner)
            arch, = struct.unpack_from("<I", elf, inner + 28)
            if header < 32 or inner + header + size > at:
                raise ValueError("an entry of a layout that is not known")
            yield (arch if kind == 2 else 0), inner + header, size
            inner += header + size


def keep(elf, arch):
    """Zeros all other code in place; the bytes of code kept and overwritten."""
    kept = gone = 0
    for offset, size in fatbin_sections(elf):
        for of, begin, length in entries(elf, offset, offset + size):
            if of == arch:
                kept += length
            else:
                elf[begin:begin + length] = bytes(length)
                gone += length
    return kept, gone


def main():
    if len(sys.argv) != 3 or not sys.argv[2].isdigit():
        sys.exit("keep_arch.py: expected a library and an architecture such as 90")
    path, arch = sys.argv[1], int(sys.argv[2])
    with open(path, "rb") as file:
        elf = bytearray(file.read())
    try:
        kept, gone = keep(elf, arch)
    except (ValueError, struct.error) as why:
        sys.exit(f"keep_arch.py: {path}: {why}; it is left as it was")
    if kept == 0:
        sys.exit(f"keep_arch.py: {path} holds no code for sm_{arch}; it is left as it was")
    with open(path + ".part", "wb") as file:
        file.write(elf)
    shutil.copymode(path, path + ".part")
    os.replace(path + ".part", path)
    print(f"{path}: {kept >> 20} MB of code for sm_{arch} kept, {gone >> 20} MB for others overwritten")


if __name__ == "__main__":
    main()
