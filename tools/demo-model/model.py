"""Shape of the demo model: Gemma 3's architecture at 1.2 million parameters."""

VISION = dict(
    hidden_size=96, intermediate_size=192, num_hidden_layers=4, num_attention_heads=4, image_size=112,
    patch_size=7, vision_use_head=False, model_type="siglip_vision_model", dtype="float32")
TOKENS_PER_SLICE = 64


def config(tokenizer):
    """The Gemma3Config, with the tokenizer's ids."""
    from transformers import Gemma3Config

    ident = tokenizer.token_to_id
    text = dict(
        hidden_size=128, intermediate_size=384, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, vocab_size=tokenizer.get_vocab_size(),
        query_pre_attn_scalar=32, sliding_window=1024,
        layer_types=["sliding_attention", "full_attention"] * 2, max_position_embeddings=8192,
        bos_token_id=ident("<bos>"), eos_token_id=ident("<eos>"), pad_token_id=0, dtype="float32")
    return Gemma3Config(
        text_config=text, vision_config=VISION, mm_tokens_per_image=TOKENS_PER_SLICE,
        image_token_index=ident("<image_soft_token>"), boi_token_index=ident("<start_of_image>"),
        eoi_token_index=ident("<end_of_image>"), eos_token_id=[ident("<eos>"), ident("<end_of_turn>")],
        bos_token_id=ident("<bos>"), pad_token_id=0, dtype="float32")
