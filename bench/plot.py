#!/usr/bin/env python3
"""Draws bench/results/*.json as bench/results/bars.svg and the README's tables of bars, from those files alone.

    ./medpruner bench plot                 writes them
    ./medpruner bench plot --add FILE...   takes results of another machine in first
    ./medpruner bench plot --check         exit status 1 when one of them is not what the results give

The same results give the same bytes. Standard library only.
"""

import argparse
import json
import math
import pathlib
import shutil
import sys
from xml.sax.saxutils import escape

WIDTH = 960
LEFT = 430          # where bars begin
RIGHT = 780         # where the axis ends
ROW = 34
HEAD = 84
# Mid-tones that read on white and on black.
INK, MUTED, GRID = "#7d8590", "#7d8590", "#7d859055"
MET, MISSED = "#2f9e6e", "#d9822b"


def digits(value):
    """Three of them, without an exponent or zeros behind the point."""
    size = abs(value)
    text = f"{value:.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def show(metric, value):
    if metric == "percent_of_ceiling":
        return f"{value:.0f} %"
    if metric == "ratio":
        return f"{value:.1f} x"
    if metric == "workspace_bytes":
        return f"{value * 1e-6:.1f} MB"
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= 0.9995 * size:  # 999.7 us are 1 ms
            return f"{digits(value / size)} {unit}"
    return f"{digits(value * 1e9)} ns"


def judged(bar, met, device):
    """What people read beside a figure: a missed bar says why, on the device that the reason was found on."""
    return "met" if met else f'missed: {bar["reason"]}' if bar.get("reason_device") == device else "missed"


def name_of(report, backend):
    """Of what the rows of a backend ran on."""
    return report["gpu"]["name"] if backend == "cuda" else report["machine"]["cpu"]


def lead(bar, upper):
    """How far a figure is beyond its bar, as a factor: 1 is exactly on it."""
    figure, limit = max(bar["figure"], 1e-12), bar["limit"]
    return limit / figure if upper else figure / limit


def latest(folder):
    """(device, file, report, row, verdict) of each bar on each device: of several results those made last."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        report = json.loads(file.read_text())
        machine = report["machine"]
        for row in report["rows"]:
            if row["backend"] == "cpu" and machine["threads"] != 2:
                continue  # the bars of a CPU are about two threads
            device = name_of(report, row["backend"])
            if row["backend"] == "cpu":
                device += f", {machine['isa']}, {machine['threads']} threads"
            for bar in row["bars"]:
                key = device, bar["id"]
                if key not in found or found[key][2]["created"] < report["created"]:
                    found[key] = device, file, report, row, bar
    return list(found.values())


def entries(folder, bars):
    """In the order of bars.json."""
    senses = {bar["id"]: bar["sense"] for bar in bars}
    order = {bar["id"]: i for i, bar in enumerate(bars)}
    found = []
    for device, _, _, _, bar in latest(folder):
        upper = senses[bar["id"]] == "at_most"
        found.append((device, bar, lead(bar, upper), upper))
    return sorted(found, key=lambda entry: order[entry[1]["id"]])


def x_of(factor, low, high):
    part = (math.log2(min(max(factor, low), high)) - math.log2(low)) / (math.log2(high) - math.log2(low))
    return LEFT + part * (RIGHT - LEFT)


def draw(found):
    groups = {}
    for where, bar, factor, upper in found:
        groups.setdefault(where, []).append((bar, factor, upper))
    low = 2.0 ** math.floor(math.log2(min([0.5] + [f for _, _, f, _ in found])))
    high = 2.0 ** math.ceil(math.log2(max([4.0] + [min(f, 64.0) for _, _, f, _ in found])))
    low = max(low, 1 / 16)
    height = HEAD + sum(34 + ROW * len(rows) for rows in groups.values()) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'role="img" font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="13">',
        "<title>MedPruner's bars and what was measured</title>",
        f'<text x="20" y="30" font-size="17" font-weight="600" fill="{INK}">Figures against their bars</text>',
        f'<text x="20" y="50" fill="{MUTED}">Length: factor by which the figure is better than its bar (log scale); '
        "the line at 1 is the bar.</text>",
    ]
    tick = low
    while tick <= high:
        x = x_of(tick, low, high)
        label = f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}"
        label += "+" if tick == high else ""
        weight = 2 if tick == 1 else 1
        out.append(f'<line x1="{x:.1f}" y1="{HEAD - 8}" x2="{x:.1f}" y2="{height - 16}" '
                   f'stroke="{INK if tick == 1 else GRID}" stroke-width="{weight}"/>')
        out.append(f'<text x="{x:.1f}" y="{HEAD - 14}" text-anchor="middle" font-size="11" fill="{MUTED}">{label}</text>')
        tick *= 2
    y = HEAD
    one = x_of(1, low, high)
    for where, rows in groups.items():
        out.append(f'<text x="20" y="{y + 20}" font-weight="600" fill="{INK}">{escape(where)}</text>')
        y += 34
        for bar, factor, upper in rows:
            name, _, wanted = bar["text"].partition(": ")
            colour = MET if bar["met"] else MISSED
            end = x_of(factor, low, high)
            begin, width = min(one, end), max(abs(end - one), 2)
            out.append(f'<text x="20" y="{y + 12}" fill="{INK}">{escape(short(name))}</text>')
            out.append(f'<text x="20" y="{y + 26}" font-size="11" fill="{MUTED}">{escape(wanted)}</text>')
            out.append(f'<rect x="{begin:.1f}" y="{y + 4}" width="{width:.1f}" height="18" rx="3" fill="{colour}"/>')
            text = f'{show(bar["metric"], bar["figure"])}  {"met" if bar["met"] else "missed"}'
            out.append(f'<text x="{RIGHT + 16}" y="{y + 18}" fill="{colour}" font-weight="600">{escape(text)}</text>')
            y += ROW
    out.append("</svg>")
    return "\n".join(out) + "\n"


# ---- the README's tables of bars ----

PLACES = {backend: (f"<!-- {name} bars, by ./medpruner bench plot -->", f"<!-- end of {name} bars -->")
          for backend, name in (("cpu", "CPU"), ("cuda", "GPU"))}
NONE = {"cpu": "No results of a CPU are committed: `./medpruner bench` measures them.",
        "cuda": "No results of a GPU are committed: `./medpruner bench gpu` measures them."}
MISSING = {"cpu": "not yet measured", "cuda": "not yet run on a GPU"}
TORCH = ("authors", "batched", "tuned")  # baselines that are LibTorch's


def at_its_best(row, bar):
    """The row beside the fastest of LibTorch's forms, where the bar is about one of them."""
    if bar["over"] not in TORCH:
        return ""
    return show("ratio", min(b["ratio"] for b in row["baselines"] if b["name"] in TORCH))


def guard(rows):
    """What the guard for single patches costs, of rows of CPU results."""
    slower = sorted((1 / b["ratio"], row["dtype"]) for row in rows for b in row["baselines"]
                    if " with patches of " in row["case"] and b["name"] == row["dtype"])
    return "" if not slower else ("\n\n`slice_anchor` with the guard for single patches takes "
                                  + " and ".join(f"{factor:.1f} ({dtype})" for factor, dtype in slower)
                                  + " times as long as without.")


def table(folder, bars, backend):
    """Each bar of a backend with its figures; where they come from stands above."""
    cpu = backend == "cpu"
    lines, sources, rows = [], {}, {}
    figures = {bar["id"]: [] for bar in bars if bar["backend"] == backend}
    for device, file, report, row, verdict in latest(folder):
        if verdict["id"] not in figures:
            continue
        commit = report["commit"]
        device += f", {report['machine']['torch'] or 'no LibTorch'}" if cpu else f", driver {report['gpu']['driver'] or 'unknown'}"
        source = (f"[{file.name}](bench/results/{file.name}){' by `' + report['command'] + '`' if cpu else ''}"
                  f" of commit `{commit['id'][:7]}`{' with changes' if commit['dirty'] else ''}")
        if source not in sources.setdefault(device, []):
            sources[device].append(source)
            rows[file] = report["rows"]
        figures[verdict["id"]].append((verdict, at_its_best(row, verdict), name_of(report, backend)))
    if not sources:
        return NONE[backend]
    for bar in bars:
        name, _, wanted = bar["text"].partition(": ")
        for v, best, device in figures.get(bar["id"], []) or ([(None, "", "")] if bar["id"] in figures else []):
            figure = f"{MISSING[backend]} | |" if v is None else (
                f'{show(v["metric"], v["figure"])} | {judged(bar, v["met"], device)} |')
            lines.append(f"| {name} | {wanted} | {figure}" + (f" {best} |".replace("  ", " ") if cpu else ""))
    origin = "; ".join(f"{device} ({', '.join(sorted(files))})" for device, files in sources.items())
    how = "; ratios within one run:" if cpu else "; times of a call between CUDA events, from a cold L2 cache:"
    head = ["| op and size | bar | figure | |", "|---|---|---|---|"]
    if cpu:
        head = [head[0] + " against LibTorch at its best |", head[1] + "---|"]
    return "\n".join([origin + how, "", *head, *lines]) + (guard(r for of in rows.values() for r in of) if cpu else "")


def with_tables(readme, folder, bars):
    for backend, (begin, end) in PLACES.items():
        before, found, rest = readme.partition(begin)
        _, ended, after = rest.partition(end)
        if not found or not ended:
            raise SystemExit(f"medpruner: the README has no place for the table between {begin} and {end}")
        readme = f"{before}{begin}\n{table(folder, bars, backend)}\n{end}{after}"
    return readme


def short(name):
    return name if len(name) <= 58 else name[:57] + "…"


def main():
    parser = argparse.ArgumentParser(prog="./medpruner bench plot",
                                     description="Draws bench/results/*.json and the README's tables of bars.")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--add", type=pathlib.Path, nargs="+", default=[], metavar="FILE",
                        help="results to copy into the folder first")
    parser.add_argument("--results", type=pathlib.Path, default=here / "results", help="folder of results and SVG")
    parser.add_argument("--readme", type=pathlib.Path, help="file with the tables (default: the project's, for its results)")
    options = parser.parse_args()
    if options.readme is None and options.results == here / "results":
        options.readme = here.parent / "README.md"
    bars = json.loads((here / "bars.json").read_text())
    for file in options.add:
        if json.loads(file.read_text()).get("format") != "medpruner-bench/1":
            parser.error(f"--add: {file} is not a file of results")
        shutil.copyfile(file, options.results / file.name)
    found = entries(options.results, bars)
    if not found:
        print(f"medpruner: no bar was measured in {options.results}", file=sys.stderr)
        return 1
    wanted = {options.results / "bars.svg": draw(found)}
    if options.readme is not None:
        readme = options.readme.read_text(encoding="utf-8")
        wanted[options.readme] = with_tables(readme, options.results, bars)
    for target, text in wanted.items():
        if not options.check:
            target.write_text(text, encoding="utf-8")
            print(f"written: {target}")
        elif not target.is_file() or target.read_text(encoding="utf-8") != text:
            print(f"medpruner: {target} is not what the results give; run ./medpruner bench plot", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
