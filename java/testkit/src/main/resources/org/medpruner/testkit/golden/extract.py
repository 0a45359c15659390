"""Cuts ops.safetensors from the goldens: python3 extract.py GOLDENS OUT; needs numpy"""
import json
import struct
import sys

import numpy

DTYPES = {"F32": "<f4", "F64": "<f8", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def read(name):
    raw = open(f"{sys.argv[1]}/{name}", "rb").read()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    return header, raw[8 + size :]


def tensors(name, prefix):
    header, data = read(name)
    return {
        k: numpy.frombuffer(data[slice(*t["data_offsets"])], DTYPES[t["dtype"]]).reshape(t["shape"])
        for k, t in header.items()
        if k.startswith(prefix)
    }


# Too large for the repository, or computed in bfloat16.
SKIP = ("gme/ties4096/", "gme/bf16_256/", "compose/n256/tau0.3/", "compose/n256/tau0.5/")
out, blob = {}, b""


def put(name, dtype, shape, content):
    global blob
    blob += b"\0" * (-len(blob) % 8)
    out[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(blob), len(blob) + len(content)]}
    blob += content


def functions():
    header, data = read("functions.safetensors")
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


def attention():
    """Mass and keys are theirs; the query and key they come from were not stored. The goldens have the output of the
    first of three layers, from which the second layer and the last one's projections are computed here in f64."""
    model = "model.vision_encoder.encoder.layers."
    weights = tensors("hulu/model.safetensors", model)
    golden = tensors("hulu_golden.safetensors", "")
    heads, rows, columns, merge = 4, 16, 20, 2  # config.json; grid_sizes and merge_sizes of the goldens
    x = golden["vision_layer0_img0"].astype("f8")
    d = x.shape[1] // heads

    def linear(x, name):
        return x @ weights[name + ".weight"].astype("f8").T + weights[name + ".bias"]

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        return x / numpy.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * weights[name + ".weight"] + weights[name + ".bias"]

    # The two axes' rotary embedding, in the order of merge blocks.
    patch = numpy.arange(rows * columns).reshape(rows // merge, merge, columns // merge, merge)
    patch = patch.transpose(0, 2, 1, 3).reshape(-1)
    frequency = 1e4 ** -(numpy.arange(0, d // 2, 2) / (d // 2))
    angle = numpy.concatenate([(patch // columns)[:, None] * frequency, (patch % columns)[:, None] * frequency], -1)
    angle = numpy.concatenate([angle, angle], -1)[:, None, :]

    def project(x, layer):
        x = norm(x, f"{model}{layer}.layer_norm1")
        q, k, v = [linear(x, f"{model}{layer}.self_attn.{p}_proj").reshape(-1, heads, d) for p in "qkv"]
        turned = [
            y * numpy.cos(angle) + numpy.concatenate([-y[..., d // 2 :], y[..., : d // 2]], -1) * numpy.sin(angle)
            for y in (q, k)
        ]
        return *turned, v

    def softmax(q, k):
        logits = numpy.einsum("qhd,khd->hqk", q, k) / numpy.sqrt(d)
        e = numpy.exp(logits - logits.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    q, k, v = project(x, 1)
    x = x + linear(numpy.einsum("hqk,khd->qhd", softmax(q, k), v).reshape(x.shape), f"{model}1.self_attn.out_proj")
    y = linear(norm(x, f"{model}1.layer_norm2"), f"{model}1.mlp.fc1")
    gelu = 0.5 * y * (1 + numpy.tanh(numpy.sqrt(2 / numpy.pi) * (y + 0.044715 * y**3)))
    x = x + linear(gelu, f"{model}1.mlp.fc2")
    q, k, _ = [y.astype("<f4") for y in project(x, 2)]

    mass, keys = golden["attn_mass"][0], golden["pooled_keys"][0]
    found = softmax(q.astype("f8"), k.astype("f8")).sum(1).mean(0).reshape(-1, merge * merge).mean(1)
    largest = (numpy.einsum("qhd,khd->hqk", abs(q), abs(k)) / numpy.sqrt(d)).max()
    print(f"mass within {abs(found / mass - 1).max():.1e}; largest sum of a logit's products {largest:.1f}")
    for name, value in (("query", q), ("key", k), ("mass", mass), ("pooled_keys", keys)):
        put("attention/hulu/" + name, "F32", list(value.shape), value.tobytes())


functions()
attention()
text = json.dumps(out, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
open(sys.argv[2], "wb").write(struct.pack("<Q", len(text)) + text + blob)
print(len(out), "tensors,", len(blob), "bytes")
