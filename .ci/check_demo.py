"""Checks what `./medpruner demo` wrote: a whole audit record that agrees with itself, and a report."""

import json
import re
import sys


def main(audit_path, report_path):
    with open(audit_path, encoding="utf-8") as f:
        audit = json.load(f)
    for field in ("input", "model", "policy", "slices", "rates", "savings", "timings", "flags",
                  "question", "answer", "truth"):
        assert field in audit, f"{audit_path}: no field {field}"
    slices = audit["slices"]
    assert [s["index"] for s in slices] == list(range(len(slices))), "slices out of order"
    kept = [s for s in slices if s["kept"]]
    assert 0 < len(kept) < len(slices), f"{len(kept)} of {len(slices)} slices kept"
    for s in slices:
        anchor = slices[s["representative"]]
        assert anchor["kept"] and anchor["index"] <= s["index"], f"slice {s['index']}: bad anchor"
        assert s["kept"] == (s["representative"] == s["index"]), f"slice {s['index']}: kept?"
    assert abs(audit["rates"]["slice"] - len(kept) / len(slices)) < 1e-9, audit["rates"]
    assert audit["savings"]["encoderSlices"] == len(slices) - len(kept), audit["savings"]
    assert audit["savings"]["prefillTokens"] > 0 and audit["savings"]["kvBytes"] > 0
    assert re.fullmatch("[0-9a-f]{64}", audit["input"]["sha256"])
    assert audit["answer"].strip().lower() == audit["truth"].strip().lower(), (
        f"the demo answered {audit['answer']!r}, the truth is {audit['truth']!r}")
    with open(report_path, encoding="utf-8") as f:
        page = f.read()
    assert page.rstrip().endswith("</html>") and audit["question"] in page, "report is not whole"
    assert not re.search(r"(src|href)\s*=\s*[\"']https?:", page), "report refers to the network"
    print(f"demo: answer {audit['answer']!r}, {len(kept)} of {len(slices)} slices, "
          f"{audit['rates']['overall']:.3f} of the visual tokens, "
          f"{sum(audit['timings'].values()):.1f} s in stages")


if __name__ == "__main__":
    main(*sys.argv[1:])
