"""Stage 2: projector and text model on whole volumes; the tower is frozen and its features are computed once.

The questions about a volume share its tokens and do not see each other: each continues at the volume's end,
as if it were asked alone.
"""

import argparse
import time
from pathlib import Path

import model as shape
import numpy as np
import prompts
import torch
import torch.nn.functional as F
from phantoms import SLICES, Phantoms, normalise, pictures
from tokenizers import Tokenizer
from transformers import Gemma3ForConditionalGeneration

SEED = 2
PEAK_RATE = 2e-3
# Share of the steps, slices and volumes of a step. Short blocks first: which token answers a question is learnt where few
# compete for its attention, and cheaply; longer blocks then teach it to stay sharp among more of them.
PHASES = ((0.25, 1, 40), (0.2, 3, 20), (0.2, 8, 10), (0.35, SLICES, 4))
# Share and number of volumes with 0, 1, 2, 3 lesions; few, because the tower's features are the costly part.
LESIONS = (0.15, 0.4, 0.2, 0.25)
VOLUMES = (200, 500, 250, 250)
IGNORED = -100
# Against 1 for the answer itself: the end of a turn is always right after some steps.
END_WEIGHT = 0.1


class Packer:
    """Prompts, masks and positions of one volume and several questions in one sequence."""

    def __init__(self, tokenizer, window):
        self.tokenizer, self.window = tokenizer, window
        self.soft = tokenizer.token_to_id("<image_soft_token>")
        self.prefixes, self.tails = {}, {}

    def encode(self, text):
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def prefix(self, slices, layout):
        if (slices, layout) not in self.prefixes:
            self.prefixes[slices, layout] = self.encode(prompts.volume_part(slices, layout))
        return self.prefixes[slices, layout]

    def tail(self, slices, layout, question):
        """Ids after the volume's; tokens of the two never join."""
        key = slices, layout, question
        if key not in self.tails:
            head = self.prefix(slices, layout)
            ids = self.encode(prompts.volume_part(slices, layout) + prompts.question_part(question))
            assert ids[:len(head)] == head, question
            self.tails[key] = ids[len(head):]
        return self.tails[key]

    def pack(self, slices, layout, asked):
        """asked: (question, answers of the batch or None). Returns ids [B, L], labels, positions, masks.

        A shorter volume has a shorter window, so that local layers reach as far back in it as in a whole one.
        """
        head = self.prefix(slices, layout)
        window = self.window * len(head) // len(self.prefix(SLICES, layout))
        batch = len(asked[0][1])
        ids, labels, positions, owner = [], [], list(range(len(head))), [-1] * len(head)
        for b in range(batch):
            ids.append(list(head))
            labels.append([IGNORED] * len(head))
        for q, (question, answers) in enumerate(asked):
            tail = self.tail(slices, layout, question)
            spoken = [None if t is None else self.encode(t + "<end_of_turn>") for t in answers]
            longest = max((len(s) for s in spoken if s), default=0)
            if longest == 0:
                continue
            for b, s in enumerate(spoken):
                s = s or []
                pad = [0] * (longest - len(s))
                ids[b] += tail + s + pad
                labels[b] += [IGNORED] * len(tail) + s + [IGNORED] * len(pad)
            n = len(tail) + longest
            positions += range(len(head), len(head) + n)
            owner += [q] * n
        ids, positions, owner = torch.tensor(ids), torch.tensor(positions), torch.tensor(owner)
        index = torch.arange(len(owner))
        image = ids[0] == self.soft
        group = torch.cumsum((image & ~torch.roll(image, 1)).int(), 0).where(image, torch.tensor(-1))
        same_image = (group[:, None] == group[None, :]) & image[:, None]
        sees = (index[:, None] >= index[None, :]) & (
            (owner[None, :] == -1) | (owner[:, None] == owner[None, :]))
        near = positions[:, None] - positions[None, :] < window
        masks = {"full_attention": (sees | same_image)[None, None],
                 "sliding_attention": ((sees & near) | same_image)[None, None]}
        return ids, torch.tensor(labels), positions[None], masks


class Features:
    """Pooled tower features [24, 64, 96] of each volume, computed when first asked for."""

    def __init__(self, data, net):
        self.data, self.net, self.cache = data, net, {}

    def of(self, v):
        if v not in self.cache:
            with torch.no_grad():
                x = normalise(pictures(self.data.hu(v)), torch)
                h = self.net.model.vision_tower(pixel_values=x).last_hidden_state
                d, n, c = h.shape
                side = int(n**0.5)
                pooled = F.avg_pool2d(h.transpose(1, 2).reshape(d, c, side, side), 2)
                self.cache[v] = pooled.flatten(2).transpose(1, 2).half()
        return self.cache[v].float()


def catalogue(data):
    """The generator's questions, by the set of organs with a lesion."""
    by_organs = {}
    for v in range(len(data)):
        by_organs.setdefault(frozenset(lesion["organ"] for lesion in data.lesions(v)),
                             {q["text"]: q for q in data.volumes[v]["questions"]})
    return by_organs


def block(r, data, v, count):
    """First slice of a block of a volume: around a lesion in four of five, if there is one."""
    last = SLICES - count
    lesions = data.lesions(v)
    if not lesions or r.random() < 0.2:
        return int(r.integers(last + 1))
    touched = lesions[int(r.integers(len(lesions)))]["slices"]
    return int(np.clip(int(r.choice(touched)) - int(r.integers(count)), 0, last))


def seen(data, v, first, count):
    """Organs with a lesion in the block."""
    inside = set(range(first, first + count))
    return frozenset(lesion["organ"] for lesion in data.lesions(v) if inside & set(lesion["slices"]))


def start_projector(net, features, heads):
    """Random but for the first columns: what the tower's two heads read, at the size of the others."""
    projector = net.model.multi_modal_projector
    weight = projector.mm_input_projection_weight
    with torch.no_grad():
        torch.nn.init.normal_(weight, std=weight.shape[0] ** -0.5)
        x = projector.mm_soft_emb_norm(torch.cat([features.of(v).flatten(0, 1) for v in range(8)]))
        read = torch.cat([heads["where.weight"], heads["which.weight"]]).T
        weight[:, :read.shape[1]] = read / (x @ read).std(0)


def ask(r, tables):
    """One form of each question that some volume of the batch has; None where a volume has not."""
    texts = list(dict.fromkeys(t for table in tables for t in table))
    asked = []
    for text in texts:
        first = next(t[text] for t in tables if text in t)
        form = r.choice(4, p=[f[2] for f in prompts.forms(first)])
        question = prompts.forms(first)[form][0]
        asked.append((question, [prompts.forms(t[text])[form][1] if text in t else None for t in tables]))
    return asked


def logits(net, packer, features, slices, layout, asked):
    """Logits and labels at the answers' tokens, and which row each belongs to."""
    ids, labels, positions, masks = packer.pack(len(slices), layout, asked)
    projector = net.model.multi_modal_projector
    soft = torch.matmul(projector.mm_soft_emb_norm(features), projector.mm_input_projection_weight)
    embeds = net.model.language_model.embed_tokens(ids)
    embeds = embeds.masked_scatter((ids == packer.soft)[..., None], soft.to(embeds.dtype))
    h = net.model.language_model(
        inputs_embeds=embeds, attention_mask=masks, position_ids=positions, use_cache=False).last_hidden_state
    at = (labels[:, 1:] != IGNORED).nonzero()
    return net.lm_head(h[:, :-1][at[:, 0], at[:, 1]]), labels[:, 1:][at[:, 0], at[:, 1]]


def accuracy(net, packer, features, data, count):
    """Share of right answer letters to the benchmark's questions."""
    right = total = 0
    end = packer.tokenizer.token_to_id("<end_of_turn>")
    with torch.no_grad():
        for v in range(count):
            asked = [(prompts.forms(q)[0][0], [q["letter"]]) for q in data.volumes[v]["questions"]]
            out, y = logits(net, packer, features.of(v), range(SLICES), "google", asked)
            keep = y != end
            right += int((out.argmax(-1) == y)[keep].sum())
            total += int(keep.sum())
    return right / total


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", required=True, help="folder written by ./medpruner phantom")
    p.add_argument("--held-out", required=True, help="another, of another seed; only measured")
    p.add_argument("--tokenizer", required=True, help="tokenizer.json")
    p.add_argument("--work", required=True, help="folder with tower.pt; an interrupted run resumes")
    p.add_argument("--steps", type=int, default=1600)
    a = p.parse_args()
    torch.manual_seed(SEED)
    work = Path(a.work)
    data, held_out = Phantoms(a.data), Phantoms(a.held_out)
    tokenizer = Tokenizer.from_file(a.tokenizer)
    config = shape.config(tokenizer)
    config._attn_implementation = "sdpa"
    net = Gemma3ForConditionalGeneration(config)
    vision = torch.load(work / "tower.pt")
    net.model.vision_tower.load_state_dict(vision["tower"])
    net.model.vision_tower.requires_grad_(False)
    trained = [w for w in net.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(trained, PEAK_RATE, weight_decay=0.01, betas=(0.9, 0.98))
    packer = Packer(tokenizer, config.text_config.sliding_window)
    features, held_features = Features(data, net), Features(held_out, net)
    start_projector(net, features, vision["heads"])
    begin, state = 0, work / "language-state.pt"
    if state.exists():
        saved = torch.load(state)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        begin = saved["step"]
        print(f"resumed at step {begin}", flush=True)
    by_organs = catalogue(data)
    end = tokenizer.token_to_id("<end_of_turn>")
    ends = np.cumsum([share for share, _, _ in PHASES])
    by_count = [[v for v in range(len(data)) if len(data.lesions(v)) == n][:VOLUMES[n]] for n in range(4)]

    started, losses = time.time(), []
    for step in range(begin, a.steps):
        r = np.random.default_rng([SEED, step])
        phase = min(int(np.searchsorted(ends, step / a.steps, side="right")), len(PHASES) - 1)
        _, count, size = PHASES[phase]
        layout = "google" if r.random() < 0.8 else "reference"
        batch = [int(r.choice(by_count[n])) for n in r.choice(4, size=size, p=LESIONS)]
        first = [block(r, data, v, count) for v in batch]
        tables = [by_organs[seen(data, v, s, count)] for v, s in zip(batch, first)]
        chosen = torch.stack([features.of(v)[s:s + count] for v, s in zip(batch, first)])
        out, y = logits(net, packer, chosen, range(count), layout, ask(r, tables))
        weight = torch.where(y == end, END_WEIGHT, 1.0)
        loss = (weight * F.cross_entropy(out, y, reduction="none")).sum() / weight.sum()
        rate = PEAK_RATE * min(1, (step + 1) / 50) * (0.5 * (1 + np.cos(np.pi * step / a.steps)) + 0.01)
        for group in optimizer.param_groups:
            group["lr"] = float(rate)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        losses.append((loss.item(), (out.argmax(-1) == y)[y != end].float().mean().item()))
        if (step + 1) % 25 == 0:
            m = np.mean(losses[-25:], 0)
            print(f"step {step + 1} {time.time() - started:.0f} s  {count} slices  loss {m[0]:.4f} "
                  f"answers' tokens right {m[1]:.4f}", flush=True)
        if (step + 1) % 200 == 0 or step + 1 == a.steps:
            print(f"held out: {accuracy(net, packer, held_features, held_out, 40):.4f}", flush=True)
        if (step + 1) % 100 == 0 or step + 1 == a.steps:
            saved = {"net": net.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(saved, work / "language-state.tmp")
            (work / "language-state.tmp").replace(state)
    net.save_pretrained(work / "checkpoint")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
