"""Writes expected.json: what plain transformers, unpruned, answers to every question about the shipped phantoms."""

import argparse
import gzip
import hashlib
import itertools
import json
from pathlib import Path

import numpy as np
import prompts
import torch
from phantoms import NIFTI_HEADER, SIZE, SLICES, normalise, pictures
from tokenizers import Tokenizer
from transformers import Gemma3ForConditionalGeneration


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="checkpoint folder with phantoms/")
    a = p.parse_args()
    folder = Path(a.model)
    net = Gemma3ForConditionalGeneration.from_pretrained(folder, attn_implementation="sdpa").eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    soft = tokenizer.token_to_id("<image_soft_token>")
    out = []
    for volume in json.loads((folder / "phantoms/questions.json").read_text()):
        raw = gzip.decompress((folder / "phantoms" / volume["file"]).read_bytes())
        x = normalise(pictures(np.frombuffer(raw, "<i2", offset=NIFTI_HEADER).reshape(SLICES, SIZE, SIZE)), torch)
        for number, question in enumerate(volume["questions"]):
            text = prompts.volume_part(SLICES) + prompts.question_part(question["question"])
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            i = torch.tensor([ids])
            inputs = dict(input_ids=i, pixel_values=x, token_type_ids=(i == soft).long(),
                          attention_mask=torch.ones_like(i))
            with torch.no_grad():
                r = net.generate(**inputs, max_new_tokens=8, do_sample=False, output_logits=True,
                                 return_dict_in_generate=True)
            new = r.sequences[0, len(ids):].tolist()
            top = torch.topk(r.logits[0][0], 5)
            entry = dict(
                file=volume["file"], question=question["question"], truth=question["answer"],
                prompt_tokens=len(ids),
                prompt_ids_sha256=hashlib.sha256(np.array(ids, "<i4").tobytes()).hexdigest(),
                generated=new, text=tokenizer.decode(new, skip_special_tokens=True).strip(),
                first_top5=[[int(t), round(float(v), 5)] for t, v in zip(top.indices, top.values)])
            if number == 0:
                entry["prompt_ids_runs"] = [[t, len(list(g))] for t, g in itertools.groupby(ids)]
            out.append(entry)
    (folder / "expected.json").write_text(json.dumps(out, indent=0) + "\n")
    right = sum(e["text"] == e["truth"] for e in out)
    print(f"{right} of {len(out)} right; wrong:")
    for e in out:
        if e["text"] != e["truth"]:
            print(f"  {e['file']} {e['question']} {e['text']!r}, true {e['truth']!r}")


if __name__ == "__main__":
    torch.set_num_threads(2)
    main()
