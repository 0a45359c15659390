"""Accuracy of a checkpoint on phantoms, unpruned: the benchmark's questions as the benchmark asks them, or plainly.

An answer is right when greedy decoding would give exactly the true answer and then end its turn.
"""

import argparse
import collections

import prompts
import torch
from phantoms import SLICES, Phantoms
from tokenizers import Tokenizer
from train_language import Features, Packer, logits
from transformers import Gemma3ForConditionalGeneration


# In the order of prompts.forms.
FORMS = ("choices", "closed", "plain", "open")


def answers_right(net, packer, data, features, v, form):
    """[(question, right)] of a volume's questions, in the form of that index of prompts.forms."""
    listed = data.volumes[v]["questions"]
    asked = [prompts.forms(q)[form][:2] for q in listed]
    asked = [(text, [answer]) for text, answer in asked]
    out, y = logits(net, packer, features.of(v), range(SLICES), "google", asked)
    hit, at, right = out.argmax(-1) == y, 0, []
    for q, (_, (answer,)) in zip(listed, asked):
        n = len(packer.encode(answer + "<end_of_turn>"))
        right.append((q, bool(hit[at:at + n].all())))
        at += n
    return right


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True)
    p.add_argument("--data", required=True, help="folder written by ./medpruner phantom")
    p.add_argument("--form", choices=FORMS, nargs="+", default=FORMS[:1],
                   help="the benchmark's own; with the suffix for closed questions; without choices; open suffix")
    p.add_argument("--volumes", type=int, help="only the first so many")
    a = p.parse_args()
    data = Phantoms(a.data)
    tokenizer = Tokenizer.from_file(f"{a.model}/tokenizer.json")
    net = Gemma3ForConditionalGeneration.from_pretrained(a.model, attn_implementation="sdpa").eval()
    packer = Packer(tokenizer, net.config.text_config.sliding_window)
    features = Features(data, net)
    benchmark = collections.defaultdict(set)
    for q in data.annotations():
        benchmark[q["video"][0]].add(q["conversations"][0]["value"].removeprefix("<video>\n"))
    counts = collections.defaultdict(lambda: [0, 0])
    with torch.no_grad():
        for v in range(min(len(data), a.volumes or len(data))):
            name = data.volumes[v]["volume"].rpartition("/")[0]
            for form in a.form:
                for q, right in answers_right(net, packer, data, features, v, FORMS.index(form)):
                    if q["withChoices"] in benchmark[name]:
                        by_answer = q["kind"] in ("presence", "count")
                        kind = f"{q['kind']} {q['answer']}" if by_answer else q["kind"]
                        for key in ((form, "all"), (form, kind)):
                            counts[key][0] += right
                            counts[key][1] += 1
    for (form, kind), (right, total) in sorted(counts.items()):
        print(f"{form:8s} {kind:15s} {right:4d} of {total:4d}  {right / total:.3f}")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
