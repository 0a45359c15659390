#!/usr/bin/env python3
"""Writes the values that the tests of java/eval's metrics compare with: see README.md."""

import argparse
import collections
import importlib
import io
import json
import math
import re
import sys
import tempfile
import types
import warnings
from contextlib import redirect_stdout
from pathlib import Path

from pairs import CLOSED, PAIRS, REPORTS, STEMS, SYNONYMS

warnings.simplefilter("ignore")


def load_reference(root):
    """The reference's evaluation modules, without the package around them, which loads models, and
    without three packages that no score depends on."""
    sys.modules.setdefault("tqdm", types.SimpleNamespace(tqdm=lambda items, **_: items))
    sys.modules.setdefault("tabulate", types.SimpleNamespace(tabulate=lambda *a, **k: ""))
    sys.modules.setdefault("bert_score", types.SimpleNamespace(BERTScorer=None))
    package = types.ModuleType("reference")
    package.__path__ = [str(root / "MedUniEval" / "utils")]
    sys.modules["reference"] = package
    evaluation = importlib.import_module("reference.eval_3d")
    words = importlib.import_module("reference.eval_metrics.evaluate_metrics")
    return evaluation, words.normalize_word


def quietly(f, *args):
    with redirect_stdout(io.StringIO()):
        return f(*args)


# --- the reference -------------------------------------------------------------------------------


def reference_questions(evaluation, pairs, category):
    samples = [
        {"conversations": [{"value": ""}, {"value": gold}], "response": prediction,
         "type": category(i), "Question_Type": "OPEN"}
        for i, (prediction, gold) in enumerate(pairs)
    ]
    return quietly(evaluation.evaluate_m3d, samples)[1]


def reference_open(evaluation, prediction, gold):
    metrics = reference_questions(evaluation, [(prediction, gold)], lambda i: 1)
    return {k: v / 100 for k, v in metrics["by_category"]["Plane"]["open"].items()}


def reference_overlap(evaluation, prediction, gold):
    """Exact match and F1, which the script for reports has none of, by the code for open questions."""
    p, g = (t.strip().lower() for t in (prediction.replace("Findings:", "").replace("Impression:", ""), gold))
    f1, precision, recall = evaluation.calculate_f1score(p, g)
    return dict(exact_match=float(evaluation.calculate_exactmatch(p, g)), f1=float(f1),
                precision=float(precision), recall=float(recall))


def reference_reports(evaluation, root, pairs):
    """Runs the script as it is, on a folder of its layout."""
    source = (root / "MedUniEval/utils/Metrics_Compute/cal_report_metrics.py").read_text()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "Qwen3-VL" / "origin" / "Amos"
        place.mkdir(parents=True)
        samples = [{"response": p, "conversations": [{"value": ""}, {"value": g}]} for p, g in pairs]
        (place / "results.json").write_text(json.dumps(samples), encoding="utf-8")
        source = re.sub(r'base_path = ".*"', f"base_path = {folder!r}", source)
        quietly(exec, compile(source, "cal_report_metrics.py", "exec"), {})
        metrics = json.loads((place / "metrics_2.json").read_text())
    overlaps = [reference_overlap(evaluation, p, g) for p, g in pairs]
    return metrics | {k: sum(o[k] for o in overlaps) / len(pairs) for k in overlaps[0]}


# --- the strict definitions: words are split here, libraries count them ---------------------------

ARTICLES = ("a", "an", "the")
HEADING = re.compile(r"(?<!\w)(?:#+[ \t]*)?[*_]*(?:findings|impression)[*_]*:[*_]*"
                     r"|^[ \t]*(?:#+[ \t]*[*_]*|[*_]+)(?:findings|impression)[*_]*[ \t]*$", re.I | re.M)
NUMBERS = {w: str(i) for i, w in enumerate(
    "zero one two three four five six seven eight nine ten".split())} | {"none": "0"}


def strict_words(text, contractions):
    text = re.sub(r"(?<=\d),(?=\d)", "", text)
    text = "".join(" " if c in ';/[]"{}()=+\\_-><@`,?!' else c for c in text)
    text = re.sub(r"\.(?!\d)", "", text).lower()
    words = [NUMBERS.get(w, w) for w in text.split()]
    return [contractions.get(w, w) for w in words if w not in ARTICLES]


def strict_overlap(prediction, gold, contractions):
    """nltk's measures of sets, on words that carry how often they came before: an overlap of multisets."""
    from nltk.metrics.scores import accuracy, f_measure, precision, recall
    p, g = strict_words(prediction, contractions), strict_words(gold, contractions)
    if not p and not g:  # "A", "the", ".": the texts themselves, of which an empty one equals none
        p, g = ([t.strip().lower()] for t in (prediction, gold))
        p = p if p[0] else ["no answer"]
    equal = float(accuracy([" ".join(g)], [" ".join(p)]))
    if not p or not g:
        return dict(exact_match=equal, f1=equal, precision=equal, recall=equal)
    g, p = numbered(g), numbered(p)
    return dict(exact_match=equal, f1=float(f_measure(g, p)), precision=float(precision(g, p)),
                recall=float(recall(g, p)))


def numbered(words):
    seen = collections.Counter()
    pairs = set()
    for word in words:
        seen[word] += 1
        pairs.add((word, seen[word]))
    return pairs


def sentences(text):
    return [s.split() for s in re.split(r"\.(?!\d)", text.lower()) if s.split()]


class Spaces:
    """For rouge-score, whose own tokenizer drops everything but a to z and digits."""

    def tokenize(self, text):
        return text.split(" ")


def strict_rouge(prediction, gold):
    """ROUGE-1 and -2 by rouge 1.0.1 with n-grams as multisets, ROUGE-L by rouge-score's rougeLsum, which
    is ROUGE-1.5.5's; both get the sentences and words that are split here. rouge 1.0.1 counts as
    multisets too where both texts are one sentence; of several it counts a word once for each."""
    from rouge.rouge_score import rouge_l_summary_level, rouge_n
    from rouge_score.rouge_scorer import RougeScorer
    p, g = ([" ".join(words) for words in sentences(text)] for text in (prediction, gold))
    if not p or not g:
        return dict(rouge_1=0.0, rouge_2=0.0, rouge_l=0.0)
    scores = {f"rouge_{n}": f_score(rouge_n(p, g, n, raw_results=True, exclusive=False)) for n in (1, 2)}
    # rouge-score takes a line for a sentence in rougeLsum alone.
    grams = RougeScorer(["rouge1", "rouge2"], tokenizer=Spaces()).score(" ".join(g), " ".join(p))
    for n in (1, 2):
        assert math.isclose(scores[f"rouge_{n}"], grams[f"rouge{n}"].fmeasure, abs_tol=1e-12), (p, g)
    lines = RougeScorer(["rougeLsum"], tokenizer=Spaces()).score("\n".join(g), "\n".join(p))
    scores["rouge_l"] = float(lines["rougeLsum"].fmeasure)
    if len(p) == len(g) == 1:
        l = f_score(rouge_l_summary_level(p, g, raw_results=True, exclusive=False))
        assert math.isclose(scores["rouge_l"], l, abs_tol=1e-12), (p, g)
    return scores


def f_score(counts):
    """Without the epsilon that rouge adds to the divisor."""
    return 2 * counts["overlap"] / (counts["hyp"] + counts["ref"]) if counts["overlap"] else 0.0


def bleu(prediction, gold, smooth):
    from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
    method = SmoothingFunction().method1 if smooth else None
    return {f"bleu_{n}": float(sentence_bleu([gold], prediction, weights=(1 / n,) * n,
                                             smoothing_function=method))
            for n in range(1, 5)}


def meteor(prediction, gold, wordnet=None):
    from nltk.translate.meteor_score import meteor_score
    options = {} if wordnet is None else {"wordnet": wordnet}
    return float(meteor_score([gold], prediction, **options))


def strict_open(prediction, gold, contractions):
    p, g = prediction.strip().lower(), gold.strip().lower()
    return (strict_overlap(p, g, contractions) | strict_rouge(p, g)
            | bleu(p.split(), g.split(), True) | {"meteor": meteor(p.split(), g.split())})


def strict_report(prediction, gold, contractions):
    p, g = (re.sub(HEADING, " ", t).strip() for t in (prediction, gold))
    if not p:
        return None
    tokens = [re.sub(r"\.(?!\d)", " .", t.lower()).split() for t in (p, g)]
    return (strict_overlap(p, g, contractions) | strict_rouge(p, g) | bleu(*tokens, False)
            | {"meteor": meteor(*tokens)})


# --- output --------------------------------------------------------------------------------------


class NoSynonyms:
    def synsets(self, word):
        return []


def synonyms(wordnet, word):
    return sorted({l.name() for s in wordnet.synsets(word) for l in s.lemmas() if "_" not in l.name()})


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, required=True, help="checkout of Saint-lsy/MedPruner")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder that holds corpora/wordnet")
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    args = parser.parse_args()

    import nltk
    nltk.data.path[:] = [str(args.wordnet)]
    from nltk.corpus import wordnet
    from nltk.stem.porter import PorterStemmer
    assert wordnet.get_version() == "3.0", wordnet.get_version()
    evaluation, normalize = load_reference(args.reference)
    contractions = importlib.import_module("reference.eval_metrics.glossary").contractions

    def tokens(t):
        return t.strip().lower().split()

    stem = PorterStemmer().stem
    golden = {
        "nltk": nltk.__version__,
        "rouge": importlib.import_module("rouge").__version__,
        "pairs": [
            {"prediction": p, "gold": g,
             "normalized": {"reference": normalize(p), "strict": " ".join(strict_words(p, contractions))},
             "reference": reference_open(evaluation, p, g),
             "strict": strict_open(p, g, contractions),
             "meteor_without_synonyms": meteor(tokens(p), tokens(g), NoSynonyms())}
            for p, g in PAIRS
        ],
        "overall": reference_questions(evaluation, PAIRS, lambda i: 1 + i % 3)["overall"]["open"],
        "reports": [
            {"prediction": p, "gold": g, "reference": reference_reports(evaluation, args.reference, [(p, g)]),
             "strict": strict_report(p, g, contractions)}
            for p, g in REPORTS
        ],
        "report_means": reference_reports(evaluation, args.reference, REPORTS),
        "closed": {a: evaluation.extract_choice_letter(a) for a in CLOSED},
        "stems": {w: stem(w) for w in sorted(set(STEMS.split()))},
        "synonyms": {w: synonyms(wordnet, w) for w in sorted(set(SYNONYMS))},
    }
    for entry in golden["pairs"] + golden["reports"]:
        for variant in ("reference", "strict"):
            values = (entry[variant] or {}).values()
            assert all(math.isfinite(v) for v in values), entry
    args.out.write_text(json.dumps(golden, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(PAIRS)} pairs, {len(REPORTS)} reports -> {args.out}")


if __name__ == "__main__":
    main()
