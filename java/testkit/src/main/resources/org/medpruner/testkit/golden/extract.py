"""Cuts ops.safetensors from functions.safetensors of the goldens: python3 extract.py IN OUT"""
import json
import struct
import sys

raw = open(sys.argv[1], "rb").read()
(size,) = struct.unpack("<Q", raw[:8])
header = json.loads(raw[8 : 8 + size])
data = raw[8 + size :]
header.pop("__metadata__", None)

# Too large for the repository, or computed in bfloat16.
SKIP = ("gme/ties4096/", "gme/bf16_256/", "compose/n256/tau0.3/", "compose/n256/tau0.5/")
out, blob = {}, b""


def put(name, dtype, shape, content):
    global blob
    blob += b"\0" * (-len(blob) % 8)
    out[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(blob), len(blob) + len(content)]}
    blob += content


for name, t in header.items():
    content = data[t["data_offsets"][0] : t["data_offsets"][1]]
    last = name.rsplit("/", 1)[1]
    if name.startswith(SKIP):
        continue
    if name.startswith("gme/") and last in ("scores", "stable"):
        put(name, t["dtype"], t["shape"], content)
    elif name.startswith("compose/") and last != "mask":
        put(name, t["dtype"], t["shape"], content)
    elif name.startswith(("slice/const/", "slice/qwen_small/")):
        if last == "mask":  # tokens of a dropped slice: only the first is kept, so the second tells
            slices = 8 if "const" in name else 4
            tokens = len(content) // slices
            put(name[:-4] + "kept", "U8", [slices], content[1::tokens])
        else:
            put(name, t["dtype"], t["shape"], content)

text = json.dumps(out, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + blob)
print(len(out), "tensors,", len(blob), "bytes")
