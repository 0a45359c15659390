#!/usr/bin/env python3
"""Draws bench/results/*.json as bench/results/bars.svg and the README's table of GPU bars, from those files alone.

    ./medpruner bench plot                 writes both
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


def show(metric, value):
    if metric == "percent_of_ceiling":
        return f"{value:.0f} %"
    if metric == "ratio":
        return f"{value:.1f} x"
    if metric == "workspace_bytes":
        return f"{value * 1e-6:.2g} MB"
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def judged(bar, met):
    """What people read beside a figure: a missed bar says why."""
    return "met" if met else f'missed: {bar["reason"]}' if "reason" in bar else "missed"


def lead(bar, upper):
    """How far a figure is beyond its bar, as a factor: 1 is exactly on it."""
    figure, limit = max(bar["figure"], 1e-12), bar["limit"]
    return limit / figure if upper else figure / limit


def latest(folder):
    """(device, file, report, verdict) of each bar on each device: of several results those made last."""
    found = {}
    for file in sorted(folder.glob("*.json")):
        report = json.loads(file.read_text())
        machine = report["machine"]
        for row in report["rows"]:
            if row["backend"] == "cpu" and machine["threads"] != 2:
                continue  # the bars of a CPU are about two threads
            device = report["gpu"]["name"] if row["backend"] == "cuda" else (
                f"{machine['cpu']}, {machine['isa']}, {machine['threads']} threads")
            for bar in row["bars"]:
                key = device, bar["id"]
                if key not in found or found[key][2]["created"] < report["created"]:
                    found[key] = device, file, report, bar
    return list(found.values())


def entries(folder, bars):
    """In the order of bars.json."""
    senses = {bar["id"]: bar["sense"] for bar in bars}
    order = {bar["id"]: i for i, bar in enumerate(bars)}
    found = []
    for device, _, _, bar in latest(folder):
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


# ---- the README's table of GPU bars ----

BEGIN, END = "<!-- GPU bars, by ./medpruner bench plot -->", "<!-- end of GPU bars -->"


def gpu_table(folder, bars):
    """Each GPU bar with its figures; where they come from stands above."""
    lines, sources = [], {}
    figures = {bar["id"]: [] for bar in bars if bar["backend"] == "cuda"}
    for _, file, report, verdict in latest(folder):
        if verdict["id"] not in figures:
            continue
        gpu, commit = report["gpu"], report["commit"]
        device = f"{gpu['name']}, driver {gpu['driver'] or 'unknown'}"
        source = (f"[{file.name}](bench/results/{file.name}) of commit `{commit['id'][:7]}`"
                  f"{' with changes' if commit['dirty'] else ''}")
        if source not in sources.setdefault(device, []):
            sources[device].append(source)
        figures[verdict["id"]].append(verdict)
    if not sources:
        return "No results of a GPU are committed: `./medpruner bench gpu` measures them."
    for bar in bars:
        name, _, wanted = bar["text"].partition(": ")
        for v in figures.get(bar["id"], []) or ([None] if bar["id"] in figures else []):
            figure = "not yet run on a GPU |" if v is None else (
                f'{show(v["metric"], v["figure"])} | {judged(bar, v["met"])}')
            lines.append(f"| {name} | {wanted} | {figure} |")
    origin = "; ".join(f"{device} ({', '.join(sorted(files))})" for device, files in sources.items())
    return "\n".join([origin + "; times of a call between CUDA events, from a cold L2 cache:", "", "| op and size | bar | figure | |", "|---|---|---|---|", *lines])


def with_table(readme, table):
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"medpruner: the README has no place for the table between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def short(name):
    return name if len(name) <= 58 else name[:57] + "…"


def main():
    parser = argparse.ArgumentParser(prog="./medpruner bench plot",
                                     description="Draws bench/results/*.json and the README's table of GPU bars.")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--add", type=pathlib.Path, nargs="+", default=[], metavar="FILE",
                        help="results to copy into the folder first")
    parser.add_argument("--results", type=pathlib.Path, default=here / "results", help="folder of results and SVG")
    parser.add_argument("--readme", type=pathlib.Path, help="file with the table (default: the project's, for its results)")
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
        wanted[options.readme] = with_table(readme, gpu_table(options.results, bars))
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
