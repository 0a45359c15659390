#!/usr/bin/env python3
"""The authors' formulation, batched forms and Triton's, and the library on the same tensors and stream.

    python3 bench/gpu_baselines.py --library libmedpruner.so --output bench/results/gpu-torch.json

Every baseline is compared with the library's result before anything is timed; a check that fails ends
the run with exit status 1. Times are CUDA events around each call after a write that empties the L2
cache and a wait on the device in which the call is queued; contenders take turns. Triton's forms (gpu_triton.py) and
FlashInfer's are timed where they are installed; one that fails, or disagrees, is left out, as a line and the row's check
say, and one that disagrees is exit status 1 at the end.
At the end, since what CUPTI once observed it may go on slowing down, a profiler lists every CUDA runtime call that
one call of the library makes: a wait, a copy or an allocation among them is exit status 1 too.
`--device cpu --small` runs the same code at small sizes on a machine without a GPU; with TRITON_INTERPRET=1 in the
environment Triton's forms are checked there too.
Writes the format of bench/results.schema.json. Needs PyTorch, nothing else.
"""

import argparse
import collections
import ctypes
import datetime
import importlib
import importlib.util
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import torch

ROOT = pathlib.Path(__file__).resolve().parent.parent
GROUP = 16
TAU, TEMPERATURE, RATIO, GAMMA = 0.9, 2.0, 0.05, 0.05


class CheckFailed(Exception):
    """Two implementations disagree: nothing is timed."""


# ---- the library, by its C interface ----

class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("id", ctypes.c_int32)]


class DType(ctypes.Structure):
    _fields_ = [("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16)]


class View(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("device", Device), ("ndim", ctypes.c_int32), ("dtype", DType),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
                ("byte_offset", ctypes.c_uint64)]


class AnchorParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("flags", ctypes.c_uint32), ("gamma", ctypes.c_double),
                ("scale", ctypes.c_double), ("max_gap", ctypes.c_int64)]


class MassParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("pooling", ctypes.c_int32), ("scale", ctypes.c_double)] + [
        (name, ctypes.c_int64) for name in ("group", "grid_h", "grid_w", "block_h", "block_w")]


class NucleusParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("score", ctypes.c_int32), ("tau", ctypes.c_double),
                ("temperature", ctypes.c_double)] + [
        (name, ctypes.c_int64) for name in ("min_tokens", "max_tokens", "volume_min_tokens", "volume_max_tokens")]


class MergeParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("ratio", ctypes.c_double)]


class PruneParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("attention", MassParams),
                ("nucleus", NucleusParams), ("merge", MergeParams), ("dropped_tokens", ctypes.c_int64)]


class GatherParams(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("reserved", ctypes.c_uint32)]


class BuildInfo(ctypes.Structure):
    _fields_ = [("struct_size", ctypes.c_uint32), ("has_cuda", ctypes.c_uint32), ("cuda_version", ctypes.c_int32),
                ("reserved", ctypes.c_int32)] + [
        (name, ctypes.c_char_p) for name in ("version", "compiler", "build_type", "cuda_architectures")]


def sized(params, **values):
    return params(struct_size=ctypes.sizeof(params), **values)


DTYPES = {torch.uint8: (1, 8), torch.bool: (1, 8), torch.int32: (0, 32), torch.uint32: (1, 32), torch.int64: (0, 64), torch.float32: (2, 32),
          torch.float64: (2, 64), torch.bfloat16: (4, 16), torch.float16: (2, 16)}


class Library:
    def __init__(self, path):
        self.c = ctypes.CDLL(str(path))
        self.c.medpruner_cpu_isa.restype = ctypes.c_char_p

    @staticmethod
    def view(tensor):
        if tensor is None:
            return None
        shape = (ctypes.c_int64 * tensor.dim())(*tensor.shape)
        strides = (ctypes.c_int64 * tensor.dim())(*tensor.stride())
        code, bits = DTYPES[tensor.dtype]
        cuda = tensor.is_cuda
        return View(tensor.data_ptr(), Device(2 if cuda else 1, tensor.device.index or 0), tensor.dim(),
                    DType(code, bits, 1), shape, strides, 0)

    def must(self, status):
        if status != 0:
            text = ctypes.create_string_buffer(1024)
            self.c.medpruner_last_error(text, ctypes.c_size_t(1024), None)
            raise RuntimeError(text.value.decode())

    def build(self):
        info = sized(BuildInfo)
        self.must(self.c.medpruner_get_build_info(ctypes.byref(info)))
        return f"{info.compiler.decode()}, {info.build_type.decode()}"

    def bind(self, op, params, query, call):
        """A function that calls the op on these tensors, with its workspace made once."""
        refs = lambda tensors: [None if t is None else ctypes.byref(self.view(t)) for t in tensors]
        size = ctypes.c_size_t(0)
        self.must(getattr(self.c, f"medpruner_{op}_workspace")(ctypes.byref(params), *refs(query), ctypes.byref(size)))
        device = next(t.device for t in call if t is not None)
        workspace = torch.empty(max(size.value, 16), dtype=torch.uint8, device=device)
        arguments = refs(call)
        function = getattr(self.c, f"medpruner_{op}")

        def run():
            stream = torch.cuda.current_stream().cuda_stream if device.type == "cuda" else None
            self.must(function(ctypes.byref(params), *arguments, ctypes.c_void_p(workspace.data_ptr()), size,
                               ctypes.c_void_p(stream)))

        run.keep = (call, workspace)
        run.workspace_bytes = size.value
        return run


# ---- the authors' formulation and batched forms ----

def authors_slices(images, gamma):
    keep, anchor = [True], 0
    for i in range(1, len(images)):
        kept = bool(torch.abs(images[i] - images[anchor]).mean() > gamma)
        keep.append(kept)
        anchor = i if kept else anchor
    return keep


def authors_mass(query, key):
    """[H, T, d] of one image."""
    logits = torch.matmul(query, key.transpose(-1, -2))
    logits = logits / (query.shape[-1] ** 0.5)
    logits = torch.softmax(logits, dim=-1)
    mass = logits.mean(dim=0).sum(dim=0)
    mass = mass.view(mass.shape[0] // GROUP, -1).mean(dim=-1)
    keys = key.reshape(key.shape[0], key.shape[1] // GROUP, GROUP, key.shape[-1]).mean(dim=2)
    return mass, keys.mean(dim=0).unsqueeze(0)


def authors_nucleus(scores):
    p = torch.softmax(scores / TEMPERATURE, dim=-1)
    ordered, indices = torch.sort(p, descending=True)
    reached = torch.cumsum(ordered, 0) >= TAU
    k = torch.argmax(reached.long()).item() + 1 if torch.any(reached) else len(scores)
    mask = torch.zeros_like(scores, dtype=torch.bool)
    mask[indices[:k]] = True
    return mask


def batched_nuclei(scores):
    p = torch.softmax(scores / TEMPERATURE, dim=-1)
    ordered, indices = torch.sort(p, dim=-1, descending=True)
    reached = torch.cumsum(ordered, -1) >= TAU
    k = torch.where(reached.any(-1, keepdim=True), reached.long().argmax(-1, keepdim=True) + 1, scores.shape[-1])
    inside = torch.arange(scores.shape[-1], device=scores.device) < k
    return torch.zeros_like(inside).scatter_(1, indices, inside)


def flashinfer_nuclei(scores):
    """By a threshold, so of tokens equal to the last one it keeps all."""
    renorm = importlib.import_module("flashinfer.sampling").top_p_renorm_probs
    return renorm(torch.softmax(scores / TEMPERATURE, dim=-1), TAU) > 0


def authors_merge(feature, key, nucleus):
    count = max(int(RATIO * nucleus.shape[0]), 1)
    mask = nucleus.clone()
    contextual = ~mask
    metric = key[:, contextual]
    metric = metric / metric.norm(dim=-1, keepdim=True)
    n = metric.shape[1]
    step = max(1, n // count)
    targets = torch.arange(0, n, step, device=feature.device)[:count]
    others = ~torch.isin(torch.arange(n, device=feature.device), targets)
    to_merge = metric[:, others, :]
    similarity = torch.bmm(to_merge, metric[:, targets, :].transpose(1, 2))
    one_hot = torch.zeros(1, to_merge.shape[1], count, dtype=feature.dtype, device=feature.device)
    one_hot.scatter_(2, similarity.argmax(dim=2).unsqueeze(-1), 1)
    counts = one_hot.sum(dim=1).clamp(min=1).unsqueeze(-1)
    rows = contextual.nonzero(as_tuple=True)[0][targets]
    mask[rows] = True
    hidden = feature[contextual]
    aggregated = torch.bmm(one_hot.transpose(1, 2), hidden[others].unsqueeze(0)).squeeze(0) / counts.squeeze(0)
    selected = feature.clone()
    selected[rows] = hidden[targets] + aggregated
    return selected, mask


def authors_compact(features, keys, nuclei):
    pairs = [authors_merge(f, k.unsqueeze(0), m) for f, k, m in zip(features, keys, nuclei)]
    mask = torch.cat([m for _, m in pairs])
    return torch.cat([f for f, _ in pairs])[mask], mask


def authors_stage2(queries, keys, features):
    scored = [authors_mass(q, k) for q, k in zip(queries, keys)]
    nuclei = [authors_nucleus(mass) for mass, _ in scored]
    return authors_compact(features, [k.squeeze(0) for _, k in scored], nuclei)


# ---- clocks ----

class Clock:
    # Cycles that the device waits while the host queues a call: 2 ms and more below 2 GHz. Without a wait the dozen ops of
    # `batched` took 258 us for 512x256 and for 512x4096 alike: that was the host's time.
    HEAD_START = 4_000_000

    def __init__(self, device, runs):
        self.cuda = device.type == "cuda"
        self.runs = runs
        self.overtaken = set()
        if self.cuda:
            size = max(2 * torch.cuda.get_device_properties(device).L2_cache_size, 64 << 20)
            self.spoiler = torch.empty(size, dtype=torch.uint8, device=device)

    def once(self, call):
        if not self.cuda:
            begin = time.perf_counter()
            call()
            return time.perf_counter() - begin, False
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        self.spoiler.zero_()
        torch.cuda._sleep(self.HEAD_START)
        begin.record()
        call()
        end.record()
        late = begin.query()
        end.synchronize()
        return begin.elapsed_time(end) * 1e-3, late

    def race(self, contenders):
        """Times by name; each contender has its turn in every round. Of those in `overtaken` the device began before
        all was queued, so that some of the time may be the host's."""
        for call in contenders.values():
            call()
            call()
        samples = {name: [] for name in contenders}
        self.overtaken = set()
        for _ in range(self.runs):
            for name, call in contenders.items():
                seconds, late = self.once(call)
                samples[name].append(seconds)
                if late:
                    self.overtaken.add(name)
        return {name: {"median": statistics.median(s), "min": min(s), "max": max(s), "runs": len(s)}
                for name, s in samples.items()}


def graphed(call):
    """The call as one CUDA graph, which a host synchronisation inside it would fail to become."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        call()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    return graph.replay


# ---- what a call asks of the CUDA runtime ----

def runtime_calls(call):
    """How often each function of the CUDA runtime was called, by CUPTI's record."""
    from torch.profiler import ProfilerActivity, profile, record_function
    call()
    torch.cuda.synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        with record_function("traced"):
            time.sleep(0.01)  # the clocks of the mark and of CUPTI may be some microseconds apart
            call()
            time.sleep(0.01)
        torch.cuda.synchronize()
    with tempfile.TemporaryDirectory() as folder:
        trace = os.path.join(folder, "trace.json")
        profiler.export_chrome_trace(trace)
        events = json.loads(pathlib.Path(trace).read_text())["traceEvents"]
    mark = next(e for e in events if e.get("name") == "traced" and e.get("cat") == "user_annotation")
    begin, end = mark["ts"], mark["ts"] + mark["dur"]
    return collections.Counter(e["name"] for e in events if e.get("cat") in ("cuda_runtime", "cuda_driver")
                               and begin <= e["ts"] < end)


def count(names, *words):
    return sum(n for name, n in names.items() if any(word in name for word in words))


def enqueued_alone(ours, theirs):
    """
    Requires that a call neither waits nor copies nor allocates; the authors' form, which reads results on the host,
    shows that this would be seen. Text for the row's check, empty where no profiler works.
    """
    try:
        names, seen = runtime_calls(ours), runtime_calls(theirs)
    except Exception as reason:  # what a profiler that cannot start raises differs from release to release
        print(f"gpu_baselines: no record of CUPTI: {reason}", file=sys.stderr)
        return ""
    waits = count(seen, "Synchronize")
    if count(names, "Launch") == 0 or waits == 0:
        print(f"gpu_baselines: CUPTI's record is incomplete: {dict(names)}, {dict(seen)}", file=sys.stderr)
        return ""
    listed = ", ".join(f"{n} x {name}" for name, n in sorted(names.items()))
    require(count(names, "Synchronize", "Query", "Memcpy", "Malloc", "Alloc", "Free") == 0,
            f"a call does more than enqueue: {listed}")
    return f"; all that CUPTI records of a call is {listed} (of the authors' form {waits} waits)"


# ---- cases ----

def require(passed, what):
    if not passed:
        raise CheckFailed(what)


DISAGREED = []  # forms that gave another result than the library: exit status 1 at the end


def left_out(name, why):
    """Says that a form is left out, and why; text for the row's check, with the first line of that."""
    print(f"gpu_baselines: {name} is left out: {why}", file=sys.stderr)
    return f"; {name} left out: {why.strip().splitlines()[0][:200]}"


def other_form(name, distance, limit):
    """
    How far a form that is not the authors' is from the library's result, None where it fails or disagrees, and text for
    the row's check, empty where it agrees.
    """
    try:
        apart = distance()
    except Exception as reason:  # of a compiler or an interpreter of kernels: anything
        return None, left_out(name, f"{type(reason).__name__}: {reason}")
    if not apart <= limit:
        DISAGREED.append(name)
        return None, left_out(name, f"it differs by {apart}")
    return apart, ""


def installed(module):
    return importlib.util.find_spec(module) is not None


def triton_forms(device, wanted):
    """The module gpu_triton, or None after a line that says why; and text for the check of rows that lack its form."""
    if not wanted:
        why = "--no-triton"
    elif device.type != "cuda" and os.environ.get("TRITON_INTERPRET") != "1":
        why = "it needs a GPU, or TRITON_INTERPRET=1 to check it on a CPU"
    elif not installed("triton"):
        why = "it is not installed"
    else:
        try:
            return importlib.import_module("gpu_triton"), ""
        except Exception as reason:  # of a build for another PyTorch or driver: anything
            return None, left_out("Triton", f"{type(reason).__name__}: {reason}")
    print(f"gpu_baselines: without Triton: {why}", file=sys.stderr)
    return None, ""


def offsets(segments, length, device):
    return torch.arange(segments + 1, dtype=torch.int64, device=device) * length


def masses(segments, tokens, device):
    generator = torch.Generator().manual_seed(12)
    values = torch.randn(segments, tokens, generator=generator).exp()
    return (values / values.mean(-1, keepdim=True)).to(device)


def normal(seed, device, dtype, *shape):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator).to(device).to(dtype)


def row(op, case, shape, dtype, device, work, times, ours, baselines, check, workspace, flops=0):
    """`work` in bytes. Shares of ceilings are medpruner_bench's, which measures those."""
    return {
        "op": op, "case": case, "shape": shape, "dtype": dtype, "backend": device.type, "bytes": work, "flops": flops,
        "seconds": times[ours], "ceiling": None,
        "memory": {"workspace_bytes": workspace, "peak_bytes": None},
        "baselines": [{"name": name, "how": how, "seconds": times[name],
                       "ratio": times[name]["median"] / times[ours]["median"], "peak_bytes": None}
                      for name, how in baselines.items()],
        "bars": [], "check": check}


def with_graph(contenders, ours, device):
    return {**contenders, "graph": graphed(contenders[ours])} if device.type == "cuda" else contenders


def nucleus_case(library, clock, device, forms, without, segments, tokens):
    n = segments * tokens
    scores = masses(segments, tokens, device)
    flat, bounds = scores.view(-1), offsets(segments, tokens, device)
    out = lambda dtype, size: torch.empty(size, dtype=dtype, device=device)
    mask = out(torch.uint8, n)
    ours = library.bind("nucleus_select", sized(NucleusParams, tau=TAU, temperature=TEMPERATURE),
                        (flat, bounds, None),
                        (flat, bounds, None, mask, out(torch.int64, n), out(torch.int64, segments),
                         out(torch.float64, segments), out(torch.int32, segments).view(torch.uint32)))
    ours()
    theirs = batched_nuclei(scores)
    differences = (mask.view(segments, tokens).bool() != theirs).sum(-1)
    require(int(differences.max()) <= 1, f"nucleus_select {segments}x{tokens}: masks differ")
    equal = int((differences == 0).sum())
    check = f"{equal} of {segments} nuclei equal PyTorch's, the others differ by one token where its f32 sum grazes tau"
    ends = sorted({0, segments - 1})
    one_by_one = torch.stack([authors_nucleus(scores[i]) for i in ends])
    apart = int((mask.view(segments, tokens)[ends].bool() != one_by_one).sum(-1).max())
    require(apart <= 1, f"nucleus_select {segments}x{tokens}: the authors' form differs by {apart} tokens")
    check += without
    contenders = {"ours": ours, "batched": lambda: batched_nuclei(scores),
                  "authors": lambda: [authors_nucleus(s) for s in scores]}
    baselines = {"batched": "PyTorch: softmax, sort, cumsum and first index over the batch",
                 "authors": "PyTorch: image by image, the count read by the host"}
    if forms is not None and tokens <= forms.LONGEST:
        in_triton = lambda: forms.nuclei(scores, TAU, TEMPERATURE)
        tokens_apart = lambda: int((mask.view(segments, tokens) != in_triton()).sum(-1).max())
        apart, said = other_form(f"nucleus_select {segments}x{tokens} in Triton", tokens_apart, 1)
        check += said
        if apart is not None and not forms.INTERPRETED:
            contenders["triton"] = in_triton
            baselines["triton"] = "Triton: a program per segment sorts it in registers; the mask alone"
    elif forms is not None:
        print(f"gpu_baselines: nucleus_select {segments}x{tokens}: no Triton form, a program sorts up to "
              f"{forms.LONGEST} tokens", file=sys.stderr)
    if installed("flashinfer"):
        def but_for_ties():
            kept = mask.view(segments, tokens).bool()
            p = torch.softmax(scores / TEMPERATURE, dim=-1)
            least = p.masked_fill(~kept, 2).min(-1, keepdim=True).values
            return int(((kept != flashinfer_nuclei(scores)) & (p != least)).sum(-1).max())

        apart, said = other_form(f"nucleus_select {segments}x{tokens} in FlashInfer", but_for_ties, 1)
        check += said
        if apart is not None:
            contenders["flashinfer"] = lambda: flashinfer_nuclei(scores)
            baselines["flashinfer"] = "FlashInfer: softmax and top_p_renorm_probs; keeps all ties"
    else:
        print("gpu_baselines: without FlashInfer: it is not installed", file=sys.stderr)
    times = clock.race(with_graph(contenders, "ours", device))
    for name in clock.overtaken & (baselines.keys() - {"authors"}):
        baselines[name] += "; not all was queued before it began, so some of the time may be the host's"
    return [row("nucleus_select", f"{segments}x{tokens}", f"[{n}] in {segments} segments", "f32", device, 13 * n, times,
                name, baselines, check, ours.workspace_bytes)
            | ({"trace": lambda: enqueued_alone(ours, lambda: authors_nucleus(scores[0]))} if name == "ours"
               else {"case": f"{segments}x{tokens} graph"})
            for name in ("ours", "graph") if name in times]


def anchor_case(library, clock, device, depth, side):
    values = 3 * side * side
    steps = normal(11, "cpu", torch.float32, depth, values)
    steps[0] *= 10
    images = (steps * 0.036).cumsum(0).to(device)
    bounds = offsets(1, depth, device)
    out = lambda dtype, size: torch.empty(size, dtype=dtype, device=device)
    keep = out(torch.uint8, depth)
    ours = library.bind("slice_anchor", sized(AnchorParams, gamma=GAMMA, scale=1.0), (images, bounds),
                        (images, bounds, keep, out(torch.float32, depth), out(torch.int32, depth),
                         out(torch.int32, depth), out(torch.int32, 1), out(torch.int32, depth).view(torch.uint32)))
    ours()
    kept = [bool(k) for k in keep.tolist()]
    require(kept == authors_slices(images, GAMMA), "slice_anchor: other slices kept")
    times = clock.race({"ours": ours, "authors": lambda: authors_slices(images, GAMMA)})
    return [row("slice_anchor", f"f32 {depth}x3x{side}x{side}", f"[{depth}, 3, {side}, {side}]", "f32", device,
                images.numel() * 4, times, "ours",
                {"authors": "PyTorch: (a - b).abs().mean() > gamma per slice, read by the host"},
                f"same {sum(kept)} of {depth} slices kept", ours.workspace_bytes)
            | {"trace": lambda: enqueued_alone(ours, lambda: authors_slices(images, GAMMA))}]


def mass_case(library, clock, device, forms, without, dtype, images, patches, heads, dim):
    rows, tokens = images * patches, images * patches // GROUP
    query = normal(21, device, dtype, rows, heads, dim)
    key = normal(22, device, dtype, rows, heads, dim)
    out = lambda kind, *size: torch.empty(*size, dtype=kind, device=device)
    mass, keys = out(torch.float32, tokens), out(torch.float32, tokens, dim)
    bounds = offsets(images, patches, device)
    ours = library.bind("attention_mass", sized(MassParams, group=GROUP), (query, key, bounds),
                        (query, key, None, bounds, mass, keys, out(torch.int32, images).view(torch.uint32)))
    per_image = lambda t: list(t.view(images, patches, heads, dim).transpose(1, 2))
    queries, keys_of = per_image(query), per_image(key)
    ours()
    worst = 0.0
    for i in {0, images - 1}:
        m, k = authors_mass(queries[i].float(), keys_of[i].float())
        worst = max(worst, float((mass.view(images, -1)[i] - m).abs().max()),
                    float((keys.view(images, -1, dim)[i] - k[0]).abs().max()))
    require(worst < 1e-3, f"attention_mass: masses or keys differ by {worst}")
    check = f"masses and keys within {worst:.1e} of the authors' in f32" + without
    contenders = {"ours": ours, "authors": lambda: [authors_mass(q, k) for q, k in zip(queries, keys_of)]}
    baselines = {"authors": "PyTorch: the logits of an image in memory"}
    if forms is not None:
        in_triton = lambda: forms.attention_mass(query, key, images, GROUP)

        def distance():
            m, k = in_triton()
            return max(float(((m - mass).abs() / mass).max()), float((k - keys).abs().max()))

        apart, said = other_form("attention_mass in Triton", distance, 1e-4)
        check += said if apart is None else f", all within {apart:.1e} of Triton's"
        if apart is not None and not forms.INTERPRETED:
            contenders["triton"] = in_triton
            baselines["triton"] = "Triton: a pass for the log-sum-exp of rows, one for the sums of columns, tiles tuned"
    times = clock.race(contenders)
    name = {torch.bfloat16: "bf16", torch.float32: "f32"}[dtype]
    return [row("attention_mass", f"{name} {images}x{patches}x{heads}x{dim}",
                f"[{rows}, {heads}, {dim}] in {images} segments", name, device, 2 * query.numel() * query.element_size(),
                times, "ours", baselines, check, ours.workspace_bytes, 2 * images * heads * patches * patches * dim)]


def required_rows(what, role, ends, packed, features, keys):
    """How many rows are packed, and how far they are from those of the authors' form given the nuclei, which is little."""
    rows, mask = authors_compact(features.float(), keys, (role == 1).view(keys.shape[:2]))
    total = int(ends[-1])
    require(bool((mask == (role != 0)).all()) and total == rows.shape[0], f"{what}: other tokens kept")
    apart = float(((packed[:total].float() - rows).abs() / rows.abs().clamp(min=1)).max())
    require(apart < (1e-5 if packed.dtype == torch.float32 else 2 ** -7), f"{what}: rows differ by {apart}")
    return total, apart


def merge_case(library, clock, device, dtype, images, tokens, dim, hidden):
    n = images * tokens
    mass = masses(images, tokens, device)
    keys = normal(32, device, torch.float32, n, dim)
    features = normal(31, device, dtype, n, hidden)
    bounds = offsets(images, tokens, device)
    out = lambda kind, *size: torch.empty(*size, dtype=kind, device=device)
    flags = lambda: out(torch.int32, images).view(torch.uint32)
    packed, ends, role = out(dtype, n, hidden), out(torch.int64, images + 1), out(torch.uint8, n)
    ours = library.bind(
        "prune", sized(PruneParams, attention=sized(MassParams, group=1),
                       nucleus=sized(NucleusParams, tau=TAU, temperature=TEMPERATURE), merge=sized(MergeParams, ratio=RATIO)),
        (None, None, keys, features, bounds, None),
        (None, None, None, mass.view(-1), keys, features, bounds, None, None, packed, out(torch.int64, n), ends, role,
         out(torch.int64, n), out(torch.float64, images), flags()))
    ours()
    differences = ((role == 1).view(images, tokens) != batched_nuclei(mass)).sum(-1)
    require(int(differences.max()) <= 1, "prune: other nuclei")
    own = (role == 1).view(images, tokens)
    images_of, keys_of = features.view(images, tokens, hidden), keys.view(images, tokens, dim)
    total, apart = required_rows("prune", role, ends, packed, images_of, keys_of)

    merged, gathered, op_ends = torch.empty_like(features), out(dtype, n, hidden), out(torch.int64, images + 1)
    kept, counts, op_role = out(torch.int64, n), out(torch.int64, images), out(torch.uint8, n)
    nucleus = own.to(torch.uint8).view(-1)
    merge = library.bind("contextual_merge", sized(MergeParams, ratio=RATIO), (keys, bounds),
                         (features, keys, nucleus, bounds, merged, op_role, out(torch.int64, n), kept, counts, flags()))
    gather = library.bind("gather_rows", sized(GatherParams), (merged, bounds),
                          (merged, kept, counts, bounds, gathered, op_ends, flags()))

    def ops():
        merge()
        gather()

    ops()
    require(bool((op_role == role).all()) and int(op_ends[-1]) == total and torch.equal(gathered[:total], packed[:total]),
            "contextual_merge+gather_rows: other rows than prune's")
    theirs = lambda: authors_compact(images_of, keys_of, own)
    times = clock.race(with_graph({"ours": ours, "ops": ops, "authors": theirs}, "ours", device))
    name = {torch.bfloat16: "bf16", torch.float32: "f32"}[dtype]
    case, shape = f"{name} {images}x{tokens}x{hidden}", f"[{n}, {hidden}] in {images} segments, {total} rows kept"
    work = (n + total) * hidden * features.element_size() + n * dim * 4
    authors = {"authors": "PyTorch: one-hot matrix, bmm and a copy per image, then boolean indexing; nuclei given"}
    alone = {"ops": "the library's contextual_merge and gather_rows alone; nuclei given"}
    check = f"same tokens kept and rows within {apart:.1e} relative of the authors' in f32 given the nuclei"
    return [row("prune", case, shape, name, device, work + n * 4, times, "ours", authors | alone, check, ours.workspace_bytes)
            | {"trace": lambda: enqueued_alone(ours, theirs)},
            *(row("prune", case + " graph", shape, name, device, work + n * 4, times, "graph", authors | alone, check,
                  ours.workspace_bytes) for _ in range("graph" in times)),
            row("contextual_merge+gather_rows", case, shape, name, device, work, times, "ops", authors,
                check + "; rows equal prune's", merge.workspace_bytes + gather.workspace_bytes)
            | {"trace": lambda: enqueued_alone(ops, theirs)}]


def stage2_case(library, clock, device, dtype, images, patches, heads, dim, hidden):
    tokens = patches // GROUP
    n = images * tokens
    query = normal(21, device, dtype, images * patches, heads, dim)
    key = normal(22, device, dtype, images * patches, heads, dim)
    features = normal(31, device, dtype, n, hidden)
    bounds = offsets(images, tokens, device)
    out = lambda kind, *size: torch.empty(*size, dtype=kind, device=device)
    mass, keys = out(torch.float32, n), out(torch.float32, n, dim)
    packed, ends, role = out(dtype, n, hidden), out(torch.int64, images + 1), out(torch.uint8, n)
    params = sized(PruneParams, attention=sized(MassParams, group=GROUP),
                   nucleus=sized(NucleusParams, tau=TAU, temperature=TEMPERATURE), merge=sized(MergeParams, ratio=RATIO))
    ours = library.bind(
        "prune", params, (query, key, keys, features, bounds, None),
        (query, key, None, mass, keys, features, bounds, None, None, packed, out(torch.int64, n), ends, role,
         out(torch.int64, n), out(torch.float64, images), out(torch.int32, images).view(torch.uint32)))
    per_image = lambda t: list(t.view(images, patches, heads, dim).transpose(1, 2))
    queries, keys_of = per_image(query), per_image(key)
    theirs = lambda: authors_stage2(queries, keys_of, features.view(images, tokens, hidden))
    ours()
    # In the model's dtype the authors' scores are rounded, so lists can differ; masses are compared in f32,
    # and the rest given our masses and keys.
    worst = 0.0
    for i in {0, images - 1}:
        m, k = authors_mass(queries[i].float(), keys_of[i].float())
        worst = max(worst, float((mass.view(images, tokens)[i] - m).abs().max()),
                    float((keys.view(images, tokens, dim)[i] - k[0]).abs().max()))
    require(worst < 1e-3, f"stage 2: masses or keys differ by {worst}")
    nuclei = batched_nuclei(mass.view(images, tokens))
    require(int((nuclei.view(-1) != (role == 1)).sum()) <= images, "stage 2: other nuclei")
    total, difference = required_rows("stage 2", role, ends, packed, features.view(images, tokens, hidden),
                                      keys.view(images, tokens, dim))
    times = clock.race(with_graph({"ours": ours, "authors": theirs}, "ours", device))
    name = {torch.bfloat16: "bf16", torch.float32: "f32"}[dtype]
    case = f"{name} {images}x{patches}x{heads}x{dim} to {tokens}x{hidden}"
    check = (f"masses and keys within {worst:.1e} of the authors' in f32, same tokens kept and rows within "
             f"{difference:.1e} relative given them")
    graph = "graph" in times
    rows = [row("stage 2", case, f"[{images * patches}, {heads}, {dim}] in {images} segments, [{n}, {hidden}]", name,
                device, 2 * query.numel() * query.element_size() + (n + total) * hidden * features.element_size(), times,
                "graph" if graph else "ours",
                {"authors": "PyTorch: the authors' formulation image by image"},
                check + ("; captured as one CUDA graph" if graph else ""), ours.workspace_bytes,
                2 * images * heads * patches * patches * dim)
            | {"trace": lambda: enqueued_alone(ours, theirs)}]
    return rows


# ---- what the file says about where it comes from ----

def git(*arguments):
    try:
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def commit():
    """Of the checkout, or of the folder that `./medpruner gpu-pack` made."""
    packed = pathlib.Path(__file__).resolve().with_name("COMMIT")
    if packed.is_file():
        name = packed.read_text().strip()
        return {"id": name.removesuffix("-dirty"), "dirty": name.endswith("-dirty")}
    return {"id": git("rev-parse", "HEAD") or "unknown",
            "dirty": bool(git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results"))}


def cpu_name():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def describe(device, library, threads):
    gpu = None
    if device.type == "cuda":
        p = torch.cuda.get_device_properties(device)
        try:
            driver = pathlib.Path("/sys/module/nvidia/version").read_text().strip()
        except OSError:
            driver = None
        gpu = {"name": p.name, "compute": f"{p.major}.{p.minor}", "multiprocessors": p.multi_processor_count,
               "memory_bytes": p.total_memory, "driver": driver, "cuda": f"PyTorch's runtime {torch.version.cuda}"}
    return {"machine": {
        "cpu": cpu_name(), "cores": os.cpu_count(), "isa": library.c.medpruner_cpu_isa().decode(), "threads": threads,
        "memory_bytes": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "os": f"{platform.system()} {platform.release()} {platform.machine()}", "compiler": library.build(), "jdk": None,
        "torch": f"PyTorch {torch.__version__}"}, "gpu": gpu}


def judge(rows):
    """Attaches the bars of bars.json that these rows have a figure for."""
    for bar in json.loads((pathlib.Path(__file__).resolve().parent / "bars.json").read_text()):
        for r in rows:
            key = (bar["backend"], bar["op"], bar["case"])
            if bar["metric"] != "ratio" or key != (r["backend"], r["op"], r["case"]):
                continue
            for b in r["baselines"]:
                if b["name"] == bar["over"]:
                    met = b["ratio"] >= bar["limit"] if bar["sense"] == "at_least" else b["ratio"] <= bar["limit"]
                    r["bars"].append({"id": bar["id"], "text": bar["text"], "metric": "ratio", "over": bar["over"],
                                      "limit": bar["limit"], "figure": b["ratio"], "met": met})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=pathlib.Path, required=True, help="libmedpruner.so")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--small", action="store_true", help="small sizes, to see that it runs")
    parser.add_argument("--no-triton", action="store_true", help="without its forms, which take some time to compile")
    parser.add_argument("--runs", type=int, default=15, help="at least 5")
    parser.add_argument("--threads", type=int, default=2, help="of both, with --device cpu")
    parser.add_argument("--output", type=pathlib.Path)
    options = parser.parse_args()
    if options.runs < 5:
        parser.error("--runs: at least 5")
    if not options.library.is_file():
        parser.error(f"--library: {options.library} was not found; build it or give another path")
    if options.device == "cuda" and not torch.cuda.is_available():
        print("gpu_baselines: no CUDA device for PyTorch; --device cpu --small runs here", file=sys.stderr)
        return 2
    device = torch.device(options.device, 0) if options.device == "cuda" else torch.device("cpu")
    library = Library(options.library)
    torch.set_num_threads(options.threads)
    library.must(library.c.medpruner_set_cpu_threads(options.threads))
    torch.set_grad_enabled(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    clock = Clock(device, options.runs)
    forms, without = triton_forms(device, not options.no_triton)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    small = options.small
    nuclei = [(16, 256)] if small else [(512, 256), (512, 4096), (1, 131072)]
    cases = [
        lambda: anchor_case(library, clock, device, *((8, 64) if small else (32, 896))),
        lambda: merge_case(library, clock, device, dtype, *((2, 64, 72, 320) if small else (32, 256, 72, 2560))),
        lambda: stage2_case(library, clock, device, dtype, *((2, 512, 4, 72, 320) if small else (32, 4096, 16, 72, 2560))),
        *(lambda size=size: nucleus_case(library, clock, device, forms, without, *size) for size in nuclei),
        lambda: mass_case(library, clock, device, forms, without, dtype,
                          *((2, 256, 2, 72) if small else (32, 4096, 16, 72)))]
    report = {"format": "medpruner-bench/1", "program": "gpu_baselines",
              "created": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
              "command": " ".join(["gpu_baselines.py", *(os.path.basename(argument) for argument in sys.argv[1:])]), "commit": commit(),
              **describe(device, library, options.threads), "ceilings": [], "rows": []}
    traces = []

    def write():  # after each case: a fault of a later one's kernels ends the process
        if options.output:
            options.output.write_text(json.dumps(report, indent=2) + "\n")

    for case in cases:
        try:
            rows = case()
        except CheckFailed as failure:
            print(f"gpu_baselines: check failed, so there are no figures: {failure}", file=sys.stderr)
            if options.output:
                options.output.unlink(missing_ok=True)
            return 1
        traces += [(r, r.pop("trace", None)) for r in rows]
        judge(rows)
        for r in rows:
            print(f"{r['op']} {r['case']}: {r['seconds']['median'] * 1e6:.1f} us")
            for b in r["baselines"]:
                print(f"    {b['ratio']:8.2f} x  {b['name']}: {b['how']}")
        sys.stdout.flush()
        report["rows"] += rows
        write()
    status = 1 if DISAGREED else 0
    for r, trace in traces:
        try:
            r["check"] += trace() if trace is not None and device.type == "cuda" else ""
        except CheckFailed as failure:
            print(f"gpu_baselines: {r['op']} {r['case']}: {failure}", file=sys.stderr)
            status = 1
    write()
    return status


if __name__ == "__main__":
    sys.exit(main())
