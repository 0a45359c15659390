"""Makes the tiny Gemma 3 checkpoints under ../resources/tiny-gemma3 and what plain transformers computes with them.

Run with transformers 5.18, torch 2.13 (CPU), safetensors 0.8:  python make_tiny_gemma3.py

They differ from each other and from the demo model in every number a loader could be tempted to hard-code: image size, patch, tokens
per image, heads, head sizes, RoPE spelling and scaling, attention pattern, a sliding window smaller than one image, storage dtype and
sharding.
"""

import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import Gemma3Config, Gemma3ForConditionalGeneration

OUT = pathlib.Path(__file__).resolve().parent.parent / "resources" / "tiny-gemma3"

VARIANTS = {
    "window-below-image": dict(
        text=dict(vocab_size=160, hidden_size=32, intermediate_size=48, num_hidden_layers=5, num_attention_heads=4,
                  num_key_value_heads=1, head_dim=12, sliding_window=6, query_pre_attn_scalar=20,
                  layer_types=["sliding_attention", "full_attention", "sliding_attention", "sliding_attention",
                               "full_attention"],
                  max_position_embeddings=512,
                  rope_parameters={"full_attention": {"rope_type": "linear", "factor": 4.0, "rope_theta": 50000.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 5000.0}}),
        vision=dict(hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3, image_size=48,
                    patch_size=6, layer_norm_eps=1e-5),
        tokens=16, ids=(150, 151, 152), slices=3, dtype=torch.float32, shard="5GB"),
    "bf16-sharded": dict(
        text=dict(vocab_size=200, hidden_size=40, intermediate_size=56, num_hidden_layers=4, num_attention_heads=2,
                  num_key_value_heads=2, head_dim=16, sliding_window=64, query_pre_attn_scalar=16,
                  layer_types=["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
                  max_position_embeddings=1024,
                  rope_parameters={"full_attention": {"rope_type": "default", "rope_theta": 1000000.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0}}),
        vision=dict(hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2, image_size=40,
                    patch_size=5),
        tokens=4, ids=(7, 8, 9), slices=4, dtype=torch.bfloat16, shard="40KB"),
}


def build(name, spec):
    torch.manual_seed(sum(map(ord, name)))
    boi, eoi, image = spec["ids"]
    config = Gemma3Config(
        text_config=dict(spec["text"], rms_norm_eps=1e-6, hidden_activation="gelu_pytorch_tanh"),
        vision_config=dict(spec["vision"], model_type="siglip_vision_model", vision_use_head=False,
                           hidden_act="gelu_pytorch_tanh"),
        mm_tokens_per_image=spec["tokens"], boi_token_index=boi, eoi_token_index=eoi, image_token_index=image,
        attn_implementation="eager")
    model = Gemma3ForConditionalGeneration(config).eval()
    with torch.no_grad():
        # Default initialisation (0.02) leaves attention almost uniform; this makes every part matter.
        for key, p in model.named_parameters():
            if p.dim() >= 2:
                p.normal_(0, 1.5 / p.shape[-1] ** 0.5 if "embed_tokens" not in key else 0.08)
            else:
                p.normal_(0, 0.2)
    model = model.to(spec["dtype"])
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder, max_shard_size=spec["shard"])
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [1], "bos_token_id": 2, "pad_token_id": 0}, indent=1) + "\n")

    # The stored (rounded) weights, computed in f32. Not model.to(): that would round the rotary frequencies to the storage dtype
    # as well, which loading does not do (it does round the embedding scale).
    model = Gemma3ForConditionalGeneration.from_pretrained(folder, dtype=spec["dtype"], attn_implementation="eager").eval().float()
    side = spec["vision"]["image_size"]
    pixels = torch.rand(spec["slices"], 3, side, side) * 2 - 1
    lo = max(spec["ids"]) + 1 if max(spec["ids"]) < 100 else 10
    text = lambda n: torch.randint(lo, min(150, spec["text"]["vocab_size"]), (n,)).tolist()
    ids = [2] + text(5)
    for _ in range(spec["slices"]):
        ids += text(2) + [boi] + [image] * spec["tokens"] + [eoi] + text(1)
    ids += text(7)
    input_ids = torch.tensor([ids])
    types = (input_ids == image).long()
    with torch.no_grad():
        features = model.get_image_features(pixels)
        features = getattr(features, "pooler_output", features)
        prefill = model(input_ids=input_ids, pixel_values=pixels, token_type_ids=types, use_cache=False).logits[0]
        out = model.generate(input_ids=input_ids, pixel_values=pixels, token_type_ids=types,
                             attention_mask=torch.ones_like(input_ids), max_new_tokens=10, do_sample=False,
                             eos_token_id=None, pad_token_id=0, output_logits=True, return_dict_in_generate=True)
    save_file({
        "input_ids": input_ids[0].int(), "pixel_values": pixels.contiguous(),
        "image_features": features.reshape(spec["slices"], spec["tokens"], -1).contiguous(),
        "prefill_logits": prefill.contiguous(),
        "generated": out.sequences[0, len(ids):].int().contiguous(),
        "generated_logits": torch.cat(out.logits).contiguous(),
    }, folder / "expected.safetensors")
    gaps = torch.cat(out.logits).topk(2).values
    print(name, len(ids), out.sequences[0, len(ids):].tolist(), "min top-2 gap", (gaps[:, 0] - gaps[:, 1]).min().item())
    for f in sorted(folder.iterdir()):
        print("  ", f.name, f.stat().st_size)


if __name__ == "__main__":
    for variant, specification in VARIANTS.items():
        build(variant, specification)
