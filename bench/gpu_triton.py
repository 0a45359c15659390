"""Attention's column masses and nuclei in Triton: what somebody who knows it would write for gpu_baselines.py.

Masses take two passes, as they must without the T x T logits in memory: log-sum-exp of each row, then sums of
columns. Each pass is tuned over its tiles when first called. Nuclei are one program per segment, which sorts it.
"""

import os

import torch
import triton
import triton.language as tl

LOG2_E = 1.4426950408889634
LONGEST = 4096  # a program sorts its segment in registers
INTERPRETED = os.environ.get("TRITON_INTERPRET") == "1"  # on the CPU, to check the kernels, not to time them

TILES = [triton.Config({"HELD": held, "STREAMED": streamed}, num_warps=warps, num_stages=stages)
         for held, streamed, warps, stages in ((64, 64, 4, 3), (128, 64, 4, 3), (128, 64, 8, 3),
                                               (128, 128, 8, 2))][:1 if INTERPRETED else None]


@triton.jit
def load(base, rows, length, stride, first: tl.constexpr, width: tl.constexpr, dim: tl.constexpr):
    """Components [first, first + width) of some rows; 0 past their ends."""
    columns = first + tl.arange(0, width)
    inside = (rows[:, None] < length) & (columns[None, :] < dim)
    return tl.load(base + rows[:, None] * stride + columns[None, :], mask=inside, other=0.0)


@triton.jit
def scores(a, a_rest, b, b_rest, factor, REST: tl.constexpr):
    product = tl.dot(a, tl.trans(b), input_precision="ieee")
    if REST > 0:
        product = tl.dot(a_rest, tl.trans(b_rest), product, input_precision="ieee")
    return product * factor


@triton.autotune(configs=TILES, key=["length", "DIM"])
@triton.jit
def row_pass(query, key, lse, length, stride, factor, DIM: tl.constexpr, MAIN: tl.constexpr, REST: tl.constexpr,
             HELD: tl.constexpr, STREAMED: tl.constexpr):
    """lse[segment, head, row]: log2 of the row's sum of 2^score."""
    head, heads, segment = tl.program_id(1), tl.num_programs(1), tl.program_id(2)
    base = segment.to(tl.int64) * length * stride + head * DIM
    rows = tl.program_id(0) * HELD + tl.arange(0, HELD)
    q = load(query + base, rows, length, stride, 0, MAIN, DIM)
    q_rest = load(query + base, rows, length, stride, MAIN, REST, DIM) if REST > 0 else q
    top = tl.full([HELD], float("-inf"), tl.float32)
    total = tl.zeros([HELD], tl.float32)
    for first in range(0, length, STREAMED):
        columns = first + tl.arange(0, STREAMED)
        k = load(key + base, columns, length, stride, 0, MAIN, DIM)
        k_rest = load(key + base, columns, length, stride, MAIN, REST, DIM) if REST > 0 else k
        s = scores(q, q_rest, k, k_rest, factor, REST)
        s = tl.where(columns[None, :] < length, s, float("-inf"))
        higher = tl.maximum(top, tl.max(s, 1))
        total = total * tl.exp2(top - higher) + tl.sum(tl.exp2(s - higher[:, None]), 1)
        top = higher
    tl.store(lse + (segment * heads + head) * length + rows, top + tl.log2(total), mask=rows < length)


@triton.autotune(configs=TILES, key=["length", "DIM"])
@triton.jit
def column_pass(query, key, lse, mass, length, stride, factor, DIM: tl.constexpr, MAIN: tl.constexpr,
                REST: tl.constexpr, HELD: tl.constexpr, STREAMED: tl.constexpr):
    """mass[segment, head, column]: the sum over rows of 2^(score - lse)."""
    head, heads, segment = tl.program_id(1), tl.num_programs(1), tl.program_id(2)
    base = segment.to(tl.int64) * length * stride + head * DIM
    out = (segment * heads + head) * length
    columns = tl.program_id(0) * HELD + tl.arange(0, HELD)
    k = load(key + base, columns, length, stride, 0, MAIN, DIM)
    k_rest = load(key + base, columns, length, stride, MAIN, REST, DIM) if REST > 0 else k
    total = tl.zeros([HELD], tl.float32)
    for first in range(0, length, STREAMED):
        rows = first + tl.arange(0, STREAMED)
        q = load(query + base, rows, length, stride, 0, MAIN, DIM)
        q_rest = load(query + base, rows, length, stride, MAIN, REST, DIM) if REST > 0 else q
        of_row = tl.load(lse + out + rows, mask=rows < length, other=float("inf"))
        s = scores(k, k_rest, q, q_rest, factor, REST)
        total += tl.sum(tl.exp2(s - of_row[None, :]), 1)
    tl.store(mass + out + columns, total, mask=columns < length)


def attention_mass(query, key, segments, group):
    """Masses and keys pooled over `group` patches, of [rows, heads, dim] in equal segments."""
    rows, heads, dim = query.shape
    length = rows // segments
    main = 1 << (dim.bit_length() - 1)
    rest = 0 if dim == main else max(16, triton.next_power_of_2(dim - main))  # 72 = 64 + 8, not 128
    lse = torch.empty(segments, heads, length, dtype=torch.float32, device=query.device)
    mass = torch.empty_like(lse)
    grid = lambda tiles: (triton.cdiv(length, tiles["HELD"]), heads, segments)
    factor = dim ** -0.5 * LOG2_E
    row_pass[grid](query, key, lse, length, heads * dim, factor, DIM=dim, MAIN=main, REST=rest)
    column_pass[grid](query, key, lse, mass, length, heads * dim, factor, DIM=dim, MAIN=main, REST=rest)
    pooled = mass.mean(1).view(rows // group, group).mean(1)
    keys = key.view(rows // group, group * heads, dim).mean(1, dtype=torch.float32)
    return pooled, keys


@triton.jit
def nucleus_program(scores_of, mask, tau, warmth, N: tl.constexpr):
    at = tl.arange(0, N)
    s = tl.load(scores_of + tl.program_id(0) * N + at)
    p = tl.exp2((s - tl.max(s, 0)) * warmth)
    p = p / tl.sum(p, 0)
    # Positive floats order as their bits do; below them the index, the lower one first.
    packed = (p.to(tl.int32, bitcast=True).to(tl.int64) << 32) | (N - 1 - at)
    ordered = tl.sort(packed, descending=True)
    sums = tl.cumsum((ordered >> 32).to(tl.int32).to(tl.float32, bitcast=True), 0)
    before = tl.sum((sums < tau).to(tl.int32), 0)  # tokens after which tau is not reached
    last = tl.max(tl.where(at == before, ordered, 0), 0)  # 0, so all, when none reaches it
    tl.store(mask + tl.program_id(0) * N + at, (packed >= last).to(tl.uint8))


def nuclei(scores, tau, temperature):
    """Masks of [segments, tokens], tokens a power of two up to LONGEST."""
    segments, tokens = scores.shape
    mask = torch.empty(segments, tokens, dtype=torch.uint8, device=scores.device)
    nucleus_program[(segments,)](scores, mask, tau, LOG2_E / temperature, N=tokens,
                                 num_warps=max(1, min(16, tokens // 256)))
    return mask
