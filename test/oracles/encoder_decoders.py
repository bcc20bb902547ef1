"""Writes packages/models/src/fixtures/encoder-decoders: tiny random models with the logits, outputs and gradients of transformers.

Run with a Python that has torch, transformers and safetensors:
    python test/oracles/encoder_decoders.py
"""

import json

import torch
from models import OUT, randomise, rounded
from safetensors.torch import save_file
from transformers import BartConfig, BartForConditionalGeneration, T5Config, T5ForConditionalGeneration
from transformers.models.t5.modeling_t5 import T5Attention

ITEMS = [
    {"input": [14, 15, 9, 26, 5, 1], "target": [7, 3, 22, 1]},
    {"input": [8, 9, 7, 1], "target": [30, 4, 4, 19, 6, 11, 1]},
    {"input": [38, 4, 6, 12, 6, 9, 33, 8, 5, 27, 2, 31, 1], "target": [2]},
]

KEEP = {
    "vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads", "relative_attention_num_buckets",
    "relative_attention_max_distance", "layer_norm_epsilon", "feed_forward_proj", "tie_word_embeddings", "decoder_start_token_id",
    "pad_token_id", "model_type", "encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads",
    "encoder_ffn_dim", "decoder_ffn_dim", "activation_function", "max_position_embeddings", "scale_embedding",
}


def write(name, model, seed, dropped):
    """`dropped` are the names under which a tied matrix is stored again."""
    randomise(model, seed)
    with torch.no_grad():
        # Larger than the embeddings, or a tied head says again what was said last, whatever the input.
        for key, parameter in model.named_parameters():
            if parameter.dim() > 1 and "shared" not in key and "positions" not in key:
                parameter.mul_(2)
    model.eval()
    for module in model.modules():
        # Torch keeps the row of padding from learning.
        if isinstance(module, torch.nn.Embedding):
            module.padding_idx = None
    folder = OUT / "encoder-decoders" / name
    folder.mkdir(parents=True, exist_ok=True)
    config = {key: value for key, value in model.config.to_dict().items() if key in KEEP}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    state = {key: value.contiguous().clone() for key, value in model.state_dict().items() if key not in dropped}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    expected = {"items": ITEMS, "logits": [], "greedy": []}
    loss = 0.0
    for item in ITEMS:
        ids, target = torch.tensor([item["input"]]), torch.tensor([item["target"]])
        begun = torch.cat([torch.tensor([[model.config.decoder_start_token_id]]), target[:, :-1]], 1)
        logits = model(input_ids=ids, decoder_input_ids=begun).logits[0]
        expected["logits"].append(rounded(logits.detach()))
        loss = loss + torch.nn.functional.cross_entropy(logits, target[0], reduction="sum")
        # A token of padding inside of an input is a token like others.
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=9, do_sample=False,
                             num_beams=1, eos_token_id=None, forced_eos_token_id=None)
        expected["greedy"].append(out[0][1:].tolist())
    model.zero_grad()
    loss.backward()
    expected["loss"] = loss.item()
    # Every fifth number: each tensor is compared, and the file stays small.
    expected["gradients"] = {key: rounded(parameter.grad.ravel()[::5]) for key, parameter in model.named_parameters()
                             if key not in dropped}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def buckets():
    """Buckets of keys at a distance from the query, from far before it to far behind."""
    distances = torch.arange(-300, 301)
    cases = [(32, 128), (8, 20), (6, 50)]
    (OUT / "encoder-decoders/buckets.json").write_text(json.dumps([
        {
            "buckets": count,
            "maxDistance": most,
            "laterKeys": later,
            "of": T5Attention._relative_position_bucket(distances, later, count, most).tolist(),
        }
        for count, most in cases for later in (True, False)
    ]) + "\n")


def main():
    torch.manual_seed(0)
    tied = T5Config(vocab_size=40, d_model=16, d_kv=6, d_ff=28, num_layers=2, num_heads=3, relative_attention_num_buckets=8,
                    relative_attention_max_distance=12, feed_forward_proj="relu", decoder_start_token_id=0)
    write("t5", T5ForConditionalGeneration(tied), 34,
          ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight", "lm_head.weight"])
    gated = T5Config(vocab_size=40, d_model=16, d_kv=4, d_ff=20, num_layers=3, num_decoder_layers=1, num_heads=4,
                     relative_attention_num_buckets=6, feed_forward_proj="gated-gelu", tie_word_embeddings=False,
                     decoder_start_token_id=0)
    write("t5-gated", T5ForConditionalGeneration(gated), 31, ["encoder.embed_tokens.weight", "decoder.embed_tokens.weight"])
    bart = BartConfig(vocab_size=40, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
                      decoder_attention_heads=2, encoder_ffn_dim=28, decoder_ffn_dim=20, max_position_embeddings=24,
                      scale_embedding=True, decoder_start_token_id=2, pad_token_id=1, bos_token_id=0, eos_token_id=2)
    bart = BartForConditionalGeneration(bart)
    bart.final_logits_bias += torch.sin(torch.arange(40.0))
    write("bart", bart, 23, ["model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight", "lm_head.weight"])
    buckets()


if __name__ == "__main__":
    main()
