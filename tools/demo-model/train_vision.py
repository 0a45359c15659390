"""Stage 1: the SigLIP tower, on single slices, with two auxiliary heads that the model does not keep.

Every patch learns which organ's lesion it shows, and which organs have a lesion anywhere in its slice.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from phantoms import ORGANS, Phantoms, normalise, pictures
from model import VISION
from torch import nn
from transformers import SiglipVisionConfig, SiglipVisionModel

SEED = 1
BATCH = 32
PEAK_RATE = 1.5e-3


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder written by ./medpruner phantom")
    p.add_argument("--work", required=True, help="folder for checkpoints; an interrupted run resumes")
    p.add_argument("--steps", type=int, default=2000)
    a = p.parse_args()
    torch.manual_seed(SEED)
    work = Path(a.work)
    work.mkdir(parents=True, exist_ok=True)
    data = Phantoms(a.data)
    present = np.stack([data.slice_organs(v) for v in range(len(data))])
    lesion_slices = np.argwhere(present.any(-1))
    print(f"{len(data)} volumes, {len(lesion_slices)} slices with a lesion", flush=True)

    tower = SiglipVisionModel(SiglipVisionConfig(**VISION, attn_implementation="sdpa"))
    where, which = nn.Linear(96, 1 + len(ORGANS)), nn.Linear(96, len(ORGANS))
    parts = nn.ModuleDict({"tower": tower, "where": where, "which": which})
    optimizer = torch.optim.AdamW(parts.parameters(), PEAK_RATE, weight_decay=0.01)
    begin, state = 0, work / "vision-state.pt"
    if state.exists():
        saved = torch.load(state)
        parts.load_state_dict(saved["parts"])
        optimizer.load_state_dict(saved["optimizer"])
        begin = saved["step"]
        print(f"resumed at step {begin}", flush=True)

    weight = torch.tensor([0.3] + [1.0] * len(ORGANS))
    started, losses = time.time(), []
    for step in range(begin, a.steps):
        r = np.random.default_rng([SEED, step])
        # Half of the slices show a lesion.
        chosen = np.concatenate([
            lesion_slices[r.integers(len(lesion_slices), size=BATCH // 2)],
            np.stack([r.integers(len(data), size=BATCH // 2), r.integers(24, size=BATCH // 2)], 1)])
        x = normalise(np.concatenate([pictures(data.hu(v)[s:s + 1]) for v, s in chosen]), torch)
        patches = torch.from_numpy(np.stack([data.patch_labels(v)[s] for v, s in chosen])).flatten(1)
        organs = torch.from_numpy(present[chosen[:, 0], chosen[:, 1]])

        h = tower(pixel_values=x).last_hidden_state
        local = F.cross_entropy(where(h).transpose(1, 2), patches, weight=weight)
        whole = F.binary_cross_entropy_with_logits(which(h), organs[:, None].expand(-1, h.shape[1], -1))
        rate = PEAK_RATE * min(1, (step + 1) / 100) * (0.5 * (1 + np.cos(np.pi * step / a.steps)) + 0.01)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        optimizer.zero_grad()
        (local + whole).backward()
        nn.utils.clip_grad_norm_(parts.parameters(), 1.0)
        optimizer.step()

        right = ((which(h).mean(1) > 0).float() == organs).all(1).float().mean()
        losses.append((local.item(), whole.item(), right.item()))
        if (step + 1) % 25 == 0:
            m = np.mean(losses[-25:], 0)
            print(f"step {step + 1} {time.time() - started:.0f} s  patch {m[0]:.4f} slice {m[1]:.4f} "
                  f"slices right {m[2]:.3f}", flush=True)
        if (step + 1) % 100 == 0 or step + 1 == a.steps:
            saved = {"parts": parts.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(saved, work / "vision-state.tmp")
            (work / "vision-state.tmp").replace(state)
    heads = {name: w for name, w in parts.state_dict().items() if not name.startswith("tower.")}
    torch.save({"tower": tower.state_dict(), "heads": heads}, work / "tower.pt")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
