"""What `./medpruner phantom` wrote, as the demo model sees it: pictures, labels, questions."""

import json
from pathlib import Path

import numpy as np

ORGANS = ("left lung", "right lung", "liver", "spleen")
SLICES, SIZE, PATCH = 24, 112, 7
GRID = SIZE // PATCH
PIXEL_MM, SLICE_MM = 3.2, 15.0
# MedGemma's CT recipe: red the whole range, green soft tissue, blue brain.
WINDOWS = ((-1024, 1024), (-135, 215), (0, 80))
NIFTI_HEADER = 352


def pictures(hu):
    """[D, H, W] HU to [D, 3, H, W] u8, as the command feeds the model (resizing to 112 is the identity)."""
    hu = hu.astype(np.float32)
    return np.stack(
        [np.round((np.clip(hu, a, b) - a) / np.float32(b - a) * 255) for a, b in WINDOWS], 1
    ).astype(np.uint8)


def normalise(pictures_u8, torch):
    return torch.from_numpy(pictures_u8).float() / 127.5 - 1


class Phantoms:
    """A folder of generated volumes, read lazily."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.truth = json.loads((self.folder / "truth.json").read_text())
        self.volumes = self.truth["volumes"]

    def __len__(self):
        return len(self.volumes)

    def annotations(self):
        return json.loads((self.folder / "M3D_test.json").read_text())

    def hu(self, v):
        path = self.folder / self.volumes[v]["volume"]
        return np.fromfile(path, "<i2", offset=NIFTI_HEADER).reshape(SLICES, SIZE, SIZE)

    def lesions(self, v):
        return self.volumes[v]["lesions"]

    def patch_labels(self, v):
        """[D, 16, 16]: 1 + organ where a patch holds part of a lesion, else 0."""
        label = np.zeros((SLICES, GRID, GRID), np.int64)
        mm = (np.arange(SIZE) - (SIZE - 1) / 2) * PIXEL_MM
        for lesion in self.lesions(v):
            (cx, cy, cz), (rx, ry, rz) = lesion["centreMm"], lesion["semiAxesMm"]
            plane = ((mm - cx) / rx)[None, :] ** 2 + ((mm - cy) / ry)[:, None] ** 2
            for s in lesion["slices"]:
                z = (s - (SLICES - 1) / 2) * SLICE_MM
                inside = plane + ((z - cz) / rz) ** 2 < 1
                hit = inside.reshape(GRID, PATCH, GRID, PATCH).any(axis=(1, 3))
                label[s][hit] = 1 + ORGANS.index(lesion["organ"])
        return label

    def slice_organs(self, v):
        """[D, 4]: which organs have a lesion in a slice."""
        present = np.zeros((SLICES, len(ORGANS)), np.float32)
        for lesion in self.lesions(v):
            present[lesion["slices"], ORGANS.index(lesion["organ"])] = 1
        return present
