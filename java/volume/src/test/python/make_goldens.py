"""Writes src/test/resources/org/medpruner/volume/goldens.properties and the small pictures beside it.

Run once with nibabel 5.4, NumPy 2 and Pillow 12:
    python make_goldens.py DATA PHANTOMS
DATA holds ch2.nii.gz; PHANTOMS the demo model's phantoms. Nothing here is needed to build or test.
"""
import hashlib
import pathlib
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

with open(OUT / "goldens.properties", "w") as f:
    f.write("# Made by src/test/python/make_goldens.py\n")
    for k in sorted(gold):
        f.write(f"{k}={gold[k]}\n")
