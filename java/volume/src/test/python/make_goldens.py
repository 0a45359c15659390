"""Writes src/test/resources/org/medpruner/volume/goldens.properties and the small pictures beside it.

Run once with nibabel 5.4, NumPy 2 and Pillow 12:
    python make_goldens.py DATA PHANTOMS
DATA holds ch2.nii.gz; PHANTOMS the demo model's phantoms. Nothing here is needed to build or test.
"""
import hashlib
import pathlib
import shutil
import sys

import nibabel as nib
import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "resources/org/medpruner/volume"
NIB = pathlib.Path(nib.__file__).parent / "tests/data"
DATA, PHANTOMS = map(pathlib.Path, sys.argv[1:3])
gold = {}


def sha(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


def present(a, axis):
    """RAS+ array (x, y, z, ...) to presented (slices, rows, columns, ...)."""
    order = {"AXIAL": (2, 1, 0), "CORONAL": (1, 2, 0), "SAGITTAL": (0, 2, 1)}[axis]
    return a.transpose(*order, *range(3, a.ndim))[::-1, ::-1, ::-1]


def min_max(v):
    v = v.astype(np.float64)
    g = np.round((v - v.min()) / (v.max() - v.min()) * 255).astype(np.uint8)
    return np.repeat(g[..., None], 3, -1)


def three_windows(v):
    v = v.astype(np.float32)
    return np.stack(
        [np.round((np.clip(v, a, b) - a) / np.float32(b - a) * 255)
         for a, b in ((-1024, 1024), (-135, 215), (0, 80))], -1).astype(np.uint8)


def canonical(path):
    return nib.as_closest_canonical(nib.load(path))


# The head MRI along every axis.
ch2 = canonical(DATA / "ch2.nii.gz")
a = np.asanyarray(ch2.dataobj)
assert a.dtype == np.uint8
for axis in ("AXIAL", "CORONAL", "SAGITTAL"):
    gold[f"ch2.{axis}.raw"] = sha(present(a, axis))
    gold[f"ch2.{axis}.minmax"] = sha(present(min_max(a), axis))
gold["ch2.top"] = repr(float(ch2.affine[2, 3] + 180 * ch2.affine[2, 2]))
gold["ch2.bottom"] = repr(float(ch2.affine[2, 3]))

# The phantoms: stored order is presented order.
for i in range(8):
    img = nib.load(PHANTOMS / f"phantom_0{i}.nii.gz")
    stored = np.asanyarray(img.dataobj)
    assert stored.dtype == np.int16 and nib.aff2axcodes(img.affine) == ("L", "P", "I")
    gold[f"phantom_0{i}.stored"] = sha(stored.transpose(2, 1, 0).astype("<i2"))
    gold[f"phantom_0{i}.rgb"] = sha(three_windows(stored.transpose(2, 1, 0)))

# nibabel's own sample files: 4-D LAS, NIfTI-2, big-endian.
for name in ("example_nifti2.nii.gz", "anatomical.nii"):
    shutil.copy(NIB / name, OUT / name)
for name in ("example4d.nii.gz", "example_nifti2.nii.gz", "anatomical.nii"):
    img = canonical(NIB / name)
    v = img.get_fdata()
    frames = 1 if v.ndim == 3 else v.shape[3]
    for frame in range(frames):
        gold[f"{name}.{frame}"] = sha(present(v if v.ndim == 3 else v[..., frame], "AXIAL").astype("<f8"))
    gold[f"{name}.affine"] = " ".join(repr(float(x)) for x in img.affine.ravel())
    gold[f"{name}.codes"] = "".join(nib.aff2axcodes(nib.load(NIB / name).affine))


# Slices as stored, each stretched on its own: Hulu-Med's reading of its 3d modality. A slice of one value is black.
def as_stored(path, axis, count, repeat, window=None):
    v = nib.load(path).get_fdata()
    v = v if v.ndim == 3 else v[..., 0]
    n = v.shape[axis]
    out = []
    for i in np.linspace(0, n - 1, count if repeat else min(count, n), dtype=int):
        s = v.take(i, axis)
        s = s if window is None else np.clip(s, *window)
        s = (s - s.min()) / (s.max() - s.min()) * 255.0 if s.max() > s.min() else np.zeros_like(s)
        out.append(np.repeat(s.astype(np.uint8)[..., None], 3, -1))
    return sha(np.stack(out))


for axis in range(3):
    gold[f"stored.ch2.{axis}"] = as_stored(DATA / "ch2.nii.gz", axis, 180, False)
    gold[f"stored.anatomical.{axis}"] = as_stored(NIB / "anatomical.nii", axis, 7, False)
gold["stored.anatomical.repeat"] = as_stored(NIB / "anatomical.nii", 2, 180, True)
gold["stored.example_nifti2"] = as_stored(NIB / "example_nifti2.nii.gz", 2, 180, False)
gold["stored.phantom_00.window"] = as_stored(PHANTOMS / "phantom_00.nii.gz", 2, 10, False, (-160, 240))
for n in (1, 2, 5, 179, 180, 181, 300, 997):
    gold[f"linspace.{n}"] = " ".join(map(str, np.linspace(0, n - 1, 180, dtype=int)))


# Orientation of oblique and sheared affines, and of qforms and bare voxel sizes.
def hex_floats(values):
    return " ".join(float(x).hex() for x in np.ravel(values))


rng = np.random.default_rng(20260311)
lines = []
for i in range(100):
    m = rng.normal(size=(3, 3)) if i % 2 else np.linalg.qr(rng.normal(size=(3, 3)))[0]
    m = (m * rng.uniform(0.3, 5, 3)).astype(np.float32).astype(np.float64)
    aff = np.eye(4)
    aff[:3, :3], aff[:3, 3] = m, rng.normal(size=3)
    lines.append("".join(nib.aff2axcodes(aff)) + " " + hex_floats(aff[:3]))
(OUT / "affines.txt").write_text("\n".join(lines) + "\n")

lines = []
for i in range(40):
    h = nib.Nifti1Header()
    h.set_data_shape((3, 4, 5))
    pixdim = rng.uniform(0.5, 4, 3).astype(np.float32)
    h["pixdim"][:4] = [(-1, 1)[i % 2], *pixdim]
    q = rng.normal(size=4)
    q *= np.sign(q[0]) / np.linalg.norm(q)
    if i == 0:
        q = np.array([0, 0.6, 0, 0.8])
    h["quatern_b"], h["quatern_c"], h["quatern_d"] = q[1:]
    h["qoffset_x"], h["qoffset_y"], h["qoffset_z"] = rng.normal(scale=100, size=3)
    h["qform_code"] = 0 if i % 8 == 7 else 1
    stated = [*h["pixdim"][:4], h["quatern_b"], h["quatern_c"], h["quatern_d"],
              h["qoffset_x"], h["qoffset_y"], h["qoffset_z"]]
    lines.append(f"{int(h['qform_code'])} " + hex_floats(stated) + " " + hex_floats(h.get_best_affine()[:3]))
(OUT / "qforms.txt").write_text("\n".join(lines) + "\n")

# Windows on ramps, whole and quarter values.
ramp_hu = np.arange(-2000, 4000).astype(np.int16)
quarters = ramp_hu.astype(np.float32) / 4
gold["ramp.ct"] = sha(three_windows(ramp_hu))
gold["ramp.quarters.ct"] = sha(three_windows(quarters))
lo, hi = np.float32(-7.5), np.float32(101.25)
g = np.round((np.clip(quarters, lo, hi) - lo) / (hi - lo) * np.float32(255)).astype(np.uint8)
gold["ramp.quarters"] = sha(np.repeat(g[:, None], 3, 1))

# The 85-slice sampling.
for n in (86, 87, 100, 108, 170, 171, 181, 255, 256, 600):
    gold[f"sample.{n}"] = " ".join(str(int(round(i / 85 * (n - 1)))) for i in range(1, 86))
gold["sample.all"] = hashlib.sha256("".join(
    f"{int(round(i / 85 * (n - 1)))}\n" for n in range(86, 601) for i in range(1, 86)).encode()).hexdigest()


# Resizing: noise of a linear congruential generator that the test repeats.
def noise(n, seed):
    out = bytearray(n)
    for i in range(n):
        seed = (seed * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = seed >> 24
    return bytes(out)


sizes = ["256x256>896x896", "37x53>19x71", "53x37>200x11", "100x180>33x200", "181x217>448x448",
         "217x181>896x896", "64x48>20x48", "64x48>64x20", "48x64>96x64", "1x1>7x5", "5x3>1x1",
         "9x9>9x9", "150x2>7x9", "2x300>640x1", "13x7>512x512", "512x512>504x504", "504x504>512x512"]
for i, text in enumerate(sizes):
    (h, w), (nh, nw) = (tuple(map(int, t.split("x"))) for t in text.split(">"))
    for channels in (1, 3):
        raw = np.frombuffer(noise(h * w * channels, i), np.uint8).reshape(h, w, channels)
        img = Image.fromarray(raw[..., 0] if channels == 1 else raw)
        for f in ("NEAREST", "BILINEAR", "BICUBIC"):
            out = np.asarray(img.resize((nw, nh), Image.Resampling[f]))
            gold[f"resize.{text}.{channels}.{f}"] = sha(out)
raw = np.frombuffer(noise(512 * 512 * 3, 99), np.uint8).reshape(512, 512, 3)
img = Image.fromarray(raw).resize((504, 504), Image.Resampling.BICUBIC).resize((512, 512), Image.Resampling.BICUBIC)
gold["resize.chain"] = sha(np.asarray(img))
gold["resize.sizes"] = " ".join(sizes)

# Small pictures of every kind and what Pillow's convert("RGB") reads from them.
PICTURES = OUT / "pictures"
PICTURES.mkdir(exist_ok=True)
ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)
colour = np.frombuffer(noise(16 * 16 * 3, 7), np.uint8).reshape(16, 16, 3)
yy, xx = np.mgrid[:21, :19]
smooth = np.stack([127 + 120 * np.sin(xx / 5 + c) * np.cos(yy / (4 + c)) for c in range(3)], -1).astype(np.uint8)


def save(name, img, **kw):
    path = PICTURES / name
    img.save(path, **kw)
    rgb = Image.open(path).convert("RGB")
    gold[f"picture.{name}"] = f"{rgb.width}x{rgb.height} " + sha(np.asarray(rgb))


def with_chunk(name, kind, data):
    """Puts a chunk right after IHDR of grey.png."""
    import struct
    import zlib
    b = (PICTURES / "grey.png").read_bytes()
    chunk = struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    (PICTURES / name).write_bytes(b[:33] + chunk + b[33:])
    gold[f"picture.{name}"] = gold["picture.grey.png"]
    assert np.array_equal(np.asarray(Image.open(PICTURES / name).convert("RGB"))[..., 0], ramp)


save("grey.png", Image.fromarray(ramp))
with_chunk("grey-gamma.png", b"gAMA", (22727).to_bytes(4, "big"))
with_chunk("grey-linear.png", b"gAMA", (100000).to_bytes(4, "big"))
with_chunk("grey-srgb.png", b"sRGB", b"\0")
save("grey-alpha.png", Image.merge("LA", [Image.fromarray(ramp), Image.fromarray(ramp[::-1].copy())]))
save("grey-transparent.png", Image.fromarray(ramp), transparency=128)
save("colour.png", Image.fromarray(colour))
save("colour-alpha.png", Image.merge("RGBA", [*Image.fromarray(colour).split(), Image.fromarray(ramp)]))
save("palette.png", Image.fromarray(colour).quantize(37))
save("palette-16.png", Image.fromarray(colour).quantize(13), bits=4)
save("palette-transparent.png", Image.fromarray(colour).quantize(20), transparency=3)
save("grey-palette.png", Image.fromarray(ramp).quantize(9))
save("bits-1.png", Image.fromarray(ramp > 99))
save("jpeg-grey.jpg", Image.fromarray(smooth[..., 0]), quality=90)
save("jpeg-444.jpg", Image.fromarray(smooth), quality=90, subsampling=0)
save("jpeg-420.jpeg", Image.fromarray(smooth), quality=85, subsampling=2)
save("jpeg-progressive.jpg", Image.fromarray(smooth), quality=80, progressive=True)
deep = (np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).astype(np.uint16)
Image.fromarray(deep).save(PICTURES / "deep.png")
lo, hi = np.float32(1000), np.float32(41000)
gold["deep.window"] = sha(np.round((np.clip(deep.astype(np.float32), lo, hi) - lo) / (hi - lo) * np.float32(255)).astype(np.uint8))
Image.fromarray(smooth).convert("CMYK").save(PICTURES / "cmyk.jpg")

with open(OUT / "goldens.properties", "w") as f:
    f.write("# Made by src/test/python/make_goldens.py\n")
    for k in sorted(gold):
        f.write(f"{k.replace(':', '-')}={gold[k]}\n")
