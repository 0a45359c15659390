#!/usr/bin/env python3
"""What gpu_baselines.py times and says where a form of another library fails: python3 bench/gpu_baselines_test.py

Runs without a GPU, and without PyTorch but for what compares tensors, which is then skipped.
"""

import contextlib
import importlib
import io
import pathlib
import sys
import tempfile
import types
import unittest


class Nothing(types.ModuleType):
    """Stands in for PyTorch where only the names of its types are looked at."""

    def __getattr__(self, name):
        value = object()
        setattr(self, name, value)
        return value


try:
    import torch
    WHY_NOT = "" if hasattr(torch, "uint32") else f"PyTorch {torch.__version__} has no uint32, 2.3 has"
except ImportError:
    WHY_NOT = "PyTorch is not installed"
    sys.modules["torch"] = Nothing("torch")

import gpu_baselines  # noqa: E402, behind the stand-in

RIGHT = """
import torch
def top_p_renorm_probs(p, tau):
    ordered, indices = torch.sort(p, dim=-1, descending=True)
    inside = torch.cumsum(ordered, -1) - ordered < tau
    return torch.zeros_like(p).scatter_(1, indices, torch.where(inside, ordered, torch.zeros_like(p)))
"""
TIES = RIGHT.replace("return ", "kept = ").rstrip() + """
    least = torch.where(kept > 0, kept, torch.ones_like(kept)).min(-1, keepdim=True).values
    return torch.where(p >= least, p, torch.zeros_like(p))
"""
WRONG = "def top_p_renorm_probs(p, tau):\n    return p\n"
FAILS = "def top_p_renorm_probs(p, tau):\n    raise RuntimeError('ninja was not found\\nsecond line')\n"
BROKEN = "raise OSError('libcudart.so.12: cannot open shared object file')\n"


@contextlib.contextmanager
def flashinfer(source):
    """A package of that name before all others."""
    with tempfile.TemporaryDirectory() as folder:
        package = pathlib.Path(folder) / "flashinfer"
        package.mkdir()
        (package / "__init__.py").write_text("")
        (package / "sampling.py").write_text(source)
        sys.path.insert(0, folder)
        importlib.invalidate_caches()
        try:
            yield
        finally:
            sys.path.remove(folder)
            for name in ("flashinfer", "flashinfer.sampling"):
                sys.modules.pop(name, None)
            importlib.invalidate_caches()


class Quiet(unittest.TestCase):
    def setUp(self):
        gpu_baselines.DISAGREED.clear()
        self.said = io.StringIO()
        redirected = contextlib.redirect_stderr(self.said)
        redirected.__enter__()
        self.addCleanup(redirected.__exit__, None, None, None)


class OtherForms(Quiet):
    def test_one_that_agrees_says_nothing(self):
        self.assertEqual(gpu_baselines.other_form("a form", lambda: 1, 1), (1, ""))
        self.assertEqual(self.said.getvalue(), "")

    def test_one_that_fails_is_left_out_of_the_row_and_no_disagreement(self):
        def fails():
            raise RuntimeError("no nvcc\nmuch more")

        self.assertEqual(gpu_baselines.other_form("a form", fails, 1),
                         (None, "; a form left out: RuntimeError: no nvcc"))
        self.assertIn("much more", self.said.getvalue())
        self.assertEqual(gpu_baselines.DISAGREED, [])

    def test_one_that_disagrees_is_left_out_and_remembered(self):
        for apart in (2, float("nan")):
            self.assertEqual(gpu_baselines.other_form("a form", lambda: apart, 1),
                             (None, f"; a form left out: it differs by {apart}"))
        self.assertEqual(gpu_baselines.DISAGREED, ["a form"] * 2)


class FakeEvent:
    def __init__(self, log, done):
        self.log, self.done = log, done

    def record(self):
        self.log.append("record")

    def query(self):
        self.log.append("query")
        return self.done

    def synchronize(self):
        self.log.append("wait")

    def elapsed_time(self, end):
        return 3.0


class DeviceClock(unittest.TestCase):
    def clock(self, done):
        log = []
        cuda = types.SimpleNamespace(Event=lambda enable_timing: FakeEvent(log, done),
                                     _sleep=lambda cycles: log.append(f"sleep {cycles}"))
        saved = gpu_baselines.torch
        gpu_baselines.torch = types.SimpleNamespace(cuda=cuda)
        self.addCleanup(setattr, gpu_baselines, "torch", saved)
        clock = gpu_baselines.Clock(types.SimpleNamespace(type="cpu"), 5)
        clock.cuda, clock.spoiler = True, types.SimpleNamespace(zero_=lambda: log.append("flush"))
        return clock, log

    def test_a_call_is_queued_while_the_device_waits(self):
        clock, log = self.clock(False)
        self.assertEqual(clock.once(lambda: log.append("call")), (0.003, False))
        self.assertEqual(log, ["flush", f"sleep {clock.HEAD_START}", "record", "call", "record", "query", "wait"])

    def test_whom_the_device_overtakes_is_known(self):
        for done, overtaken in ((False, set()), (True, {"batched"})):
            clock, _ = self.clock(done)
            times = clock.race({"batched": lambda: None})
            self.assertEqual(times["batched"], {"median": 0.003, "min": 0.003, "max": 0.003, "runs": 5})
            self.assertEqual(clock.overtaken, overtaken)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Nuclei(Quiet):
    """nucleus_case with a library that gives what PyTorch's batched form gives."""

    def rows(self, authors=None):
        class Library:
            def bind(self, op, params, query, call):
                def run():
                    scores, bounds, _, mask = call[:4]
                    shape = bounds.numel() - 1, -1
                    mask.copy_(gpu_baselines.batched_nuclei(scores.view(shape)).view(-1))

                run.workspace_bytes = 0
                return run

        if authors is not None:
            self.addCleanup(setattr, gpu_baselines, "authors_nucleus", gpu_baselines.authors_nucleus)
            gpu_baselines.authors_nucleus = authors
        device = torch.device("cpu")
        return gpu_baselines.nucleus_case(Library(), gpu_baselines.Clock(device, 5), device, None, "", 4, 64)

    def names(self, row):
        return {b["name"] for b in row["baselines"]}

    def test_flashinfer_is_timed_where_it_agrees_but_for_ties(self):
        for source in (RIGHT, TIES):
            with flashinfer(source):
                row, = self.rows()
            self.assertEqual(self.names(row), {"batched", "authors", "flashinfer"})
            self.assertNotIn("left out", row["check"])

    def test_flashinfer_that_fails_costs_itself_alone(self):
        for source, why in ((FAILS, "RuntimeError: ninja was not found"),
                            (BROKEN, "OSError: libcudart.so.12: cannot open shared object file"),
                            ("", "AttributeError: module 'flashinfer.sampling' has no attribute")):
            with flashinfer(source):
                row, = self.rows()
            self.assertEqual(self.names(row), {"batched", "authors"})
            self.assertIn("; nucleus_select 4x64 in FlashInfer left out: " + why, row["check"])
        self.assertEqual(gpu_baselines.DISAGREED, [])

    def test_flashinfer_with_another_mask_is_left_out_and_remembered(self):
        with flashinfer(WRONG):
            row, = self.rows()
        self.assertEqual(self.names(row), {"batched", "authors"})
        self.assertIn("FlashInfer left out: it differs by", row["check"])
        self.assertEqual(gpu_baselines.DISAGREED, ["nucleus_select 4x64 in FlashInfer"])

    def test_the_authors_form_is_compared_too(self):
        with self.assertRaisesRegex(gpu_baselines.CheckFailed, "the authors' form differs by"):
            self.rows(authors=lambda scores: torch.zeros_like(scores, dtype=torch.bool))

    def test_scores_are_read_once_and_mask_and_list_written_once(self):
        row, = self.rows()
        self.assertEqual(row["bytes"], 256 * (4 + 1 + 8))


@unittest.skipIf(WHY_NOT, WHY_NOT)
class Merge(Quiet):
    """merge_case with a library that packs what PyTorch's form of the authors packs, but for what `spoil` does to it."""

    def rows(self, op="prune", spoil=lambda role, ends, packed: None):
        case = self

        class Library:
            def bind(self, name, params, query, call):
                def pack(features, keys, nuclei, role, ends, packed):
                    rows, mask = gpu_baselines.authors_compact(features.view(2, 40, -1), keys.view(2, 40, -1), nuclei)
                    role.copy_(torch.where(nuclei.view(-1), 1, torch.where(mask, 2, 0)))
                    ends[1:] = mask.view(2, 40).sum(-1).cumsum(0)
                    packed[:len(rows)] = rows

                def prune():
                    mass, keys, features, role, ends, packed = (call[i] for i in (3, 4, 5, 12, 11, 9))
                    pack(features, keys, gpu_baselines.batched_nuclei(mass.view(2, 40)), role, ends, packed)

                def contextual_merge():
                    case.given = call[:3] + (call[5],)

                def gather_rows():
                    features, keys, mask, role = case.given
                    pack(features, keys, mask.view(2, 40) == 1, role, call[5], call[4])

                def run():
                    {"prune": prune, "contextual_merge": contextual_merge, "gather_rows": gather_rows}[name]()
                    if name == op:
                        spoil(*((call[12], call[11], call[9]) if op == "prune" else (case.given[3], call[5], call[4])))

                run.workspace_bytes = {"prune": 3, "contextual_merge": 5, "gather_rows": 7}[name]
                return run

        device = torch.device("cpu")
        return gpu_baselines.merge_case(Library(), gpu_baselines.Clock(device, 5), device, torch.float32, 2, 40, 8, 16)

    def test_both_rows_stand_beside_the_authors_form(self):
        prune, ops = self.rows()
        self.assertEqual([r["op"] for r in (prune, ops)], ["prune", "contextual_merge+gather_rows"])
        self.assertEqual([r["case"] for r in (prune, ops)], ["f32 2x40x16"] * 2)
        self.assertEqual([[b["name"] for b in r["baselines"]] for r in (prune, ops)], [["authors", "ops"], ["authors"]])
        self.assertEqual([r["memory"]["workspace_bytes"] for r in (prune, ops)], [3, 12])

    def test_bytes_are_those_of_each_row_once(self):
        prune, ops = self.rows()
        kept = int(prune["shape"].split()[-3])
        self.assertEqual(ops["bytes"], (80 + kept) * 16 * 4 + 80 * 8 * 4)
        self.assertEqual(prune["bytes"], ops["bytes"] + 80 * 4)

    def test_other_results_end_the_run(self):
        def another_row(role, ends, packed):
            packed[3, 5] += 1e-3

        def another_token(role, ends, packed):
            role[(role == 2).nonzero()[0]] = 0

        def other_nuclei(role, ends, packed):
            role[(role == 1).nonzero()[:2]] = 2

        def one_less(role, ends, packed):
            ends[-1] -= 1

        for op, spoil, why in (("prune", another_row, "prune: rows differ by"), ("prune", another_token, "prune: other tokens kept"),
                               ("prune", other_nuclei, "prune: other nuclei"), ("prune", one_less, "prune: other tokens kept"),
                               ("gather_rows", another_row, "other rows than prune's"),
                               ("gather_rows", another_token, "other rows than prune's"),
                               ("gather_rows", one_less, "other rows than prune's")):
            with self.assertRaisesRegex(gpu_baselines.CheckFailed, why):
                self.rows(op, spoil)


if __name__ == "__main__":
    unittest.main(verbosity=2)
