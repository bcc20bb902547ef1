"""Writes packages/models/src/fixtures: tiny random checkpoints with the logits, gradients and continuations of transformers.

Run with a Python that has torch, transformers and safetensors, for all of them or for those named:
    python test/oracles/models.py [NAME...]
The committed fixtures are what the tests read; this script is only needed to make them again.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import GPTJConfig, GPTJForCausalLM, GPTNeoXConfig, GPTNeoXForCausalLM
from transformers import Gemma2Config, Gemma2ForCausalLM, Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers import MistralConfig, MistralForCausalLM, Qwen2Config, Qwen2ForCausalLM
from transformers import Olmo2Config, Olmo2ForCausalLM
from transformers import Phi3Config, Phi3ForCausalLM, Qwen3Config, Qwen3ForCausalLM
from transformers import SmolLM3Config, SmolLM3ForCausalLM, StableLmConfig, StableLmForCausalLM

ROOT = Path(__file__).resolve().parents[2]
OUT = ROOT / "packages/models/src/fixtures"
STORIES = ROOT.parent / "shared/data/models/tinystories656k"


def rounded(array, digits=7):
    """Nested lists with few digits: fixtures stay small and readable."""
    flat = [float(f"{x:.{digits}g}") for x in np.asarray(array, dtype=np.float64).ravel()]
    return flat


def randomise(model, seed):
    """Weights large enough that a wrong orientation, mask or norm shows in the logits."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise * 0.25)
            elif "norm" in name.lower() or "ln_" in name:
                parameter.copy_((1.0 if name.endswith("weight") else 0.0) + noise * 0.1)
            else:
                parameter.copy_(noise * 0.1)


def write(name, model, seed, wanted=None, strip=None):
    """Without `wanted`, the gradients of all parameters."""
    randomise(model, seed)
    model.eval()
    sequences = SEQUENCES
    folder = OUT / name
    folder.mkdir(parents=True, exist_ok=True)
    config = model.config.to_dict()
    kept = {k: v for k, v in config.items() if k in KEEP}
    kept["model_type"] = model.config.model_type
    (folder / "config.json").write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    state = {}
    for key, value in model.state_dict().items():
        if key in ("lm_head.weight", "embed_out.weight") and model.config.tie_word_embeddings:
            continue
        state[key[len(strip):] if strip and key.startswith(strip) else key] = value.contiguous().clone()
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    expected = {"sequences": sequences, "logits": [], "rows": []}
    with torch.no_grad():
        for sequence in sequences:
            logits = model(torch.tensor([sequence])).logits[0]
            rows = sorted({0, len(sequence) // 2, len(sequence) - 1})
            expected["rows"].append(rows)
            expected["logits"].append(rounded(logits[rows]))
        expected["greedy"] = []
        for sequence in sequences:
            out = model.generate(
                torch.tensor([sequence]), max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0
            )
            expected["greedy"].append(out[0][len(sequence):].tolist())

    # Gradient of the mean next-token loss over equal-length sequences.
    ids = torch.tensor([s[:6] for s in sequences if len(s) >= 6])
    model.zero_grad()
    loss = torch.nn.functional.cross_entropy(
        model(ids).logits[:, :-1].reshape(-1, model.config.vocab_size), ids[:, 1:].reshape(-1)
    )
    loss.backward()
    named = dict(model.named_parameters())
    wanted = wanted or list(named)
    expected["training"] = {
        "ids": ids.tolist(),
        "loss": loss.item(),
        "gradients": {
            key[len(strip):] if strip and key.startswith(strip) else key: rounded(named[key].grad) for key in wanted
        },
    }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


SEQUENCES = [[3, 14, 15, 9, 26, 5, 35], [8, 9, 7, 9, 3, 2], [38, 4, 6, 2, 6, 4, 33, 8, 3, 27], [1]]

KEEP = {
    "vocab_size", "n_positions", "n_embd", "n_layer", "n_head", "n_inner", "activation_function", "layer_norm_epsilon",
    "tie_word_embeddings", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "head_dim", "hidden_act", "rms_norm_eps", "rope_theta", "rope_scaling", "rope_parameters",
    "max_position_embeddings", "attention_bias", "mlp_bias", "sliding_window", "use_sliding_window", "max_window_layers",
    "layer_types", "hidden_activation", "query_pre_attn_scalar", "rope_local_base_freq",
    "no_rope_layers", "use_qkv_bias", "rotary_dim", "rotary_pct", "rotary_emb_base", "layer_norm_eps", "use_parallel_residual",
    "original_max_position_embeddings", "partial_rotary_factor", "final_logit_softcapping", "attn_logit_softcapping",
}


def gpt2_tied():
    config = GPT2Config(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=4, n_inner=40,
                        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    wanted = ["transformer.wte.weight", "transformer.wpe.weight", "transformer.h.0.attn.c_attn.weight",
              "transformer.h.0.ln_1.weight", "transformer.h.1.mlp.c_proj.weight", "transformer.h.1.mlp.c_fc.bias",
              "transformer.ln_f.bias"]
    write("gpt2-tied", GPT2LMHeadModel(config), 1, wanted)


def gpt2_untied():
    config = GPT2Config(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=2, activation_function="gelu",
                        tie_word_embeddings=False, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0)
    wanted = ["transformer.wte.weight", "transformer.h.0.mlp.c_proj.weight", "lm_head.weight"]
    write("gpt2-untied", GPT2LMHeadModel(config), 2, wanted, strip="transformer.")


def gptj():
    config = GPTJConfig(vocab_size=40, n_positions=24, n_embd=16, n_layer=2, n_head=2, rotary_dim=4,
                        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=0, eos_token_id=0)
    write("gptj", GPTJForCausalLM(config), 13)


def gpt_neox():
    config = GPTNeoXConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                           num_attention_heads=2, rotary_pct=0.5, max_position_embeddings=24)
    write("gpt-neox", GPTNeoXForCausalLM(config), 14)


def gpt_neox_sequential():
    config = GPTNeoXConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                           num_attention_heads=4, rotary_pct=1.0, max_position_embeddings=24,
                           use_parallel_residual=False, attention_bias=False, tie_word_embeddings=True)
    write("gpt-neox-sequential", GPTNeoXForCausalLM(config), 15)


def llama_grouped():
    config = LlamaConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=32,
                         tie_word_embeddings=False)
    wanted = ["model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight",
              "model.layers.0.input_layernorm.weight", "model.layers.1.mlp.down_proj.weight",
              "model.layers.1.mlp.gate_proj.weight", "lm_head.weight"]
    write("llama-grouped", LlamaForCausalLM(config), 3, wanted)


def llama_tied():
    config = LlamaConfig(vocab_size=40, hidden_size=24, intermediate_size=20, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=1, head_dim=8, max_position_embeddings=64,
                         tie_word_embeddings=True, attention_bias=True, mlp_bias=True, rope_theta=500.0,
                         rope_scaling={"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                       "high_freq_factor": 4.0, "original_max_position_embeddings": 16})
    wanted = ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.bias",
              "model.layers.1.self_attn.v_proj.weight", "model.norm.weight"]
    write("llama-tied", LlamaForCausalLM(config), 4, wanted)


def llama_scaled(name, seed, context, scaling):
    """A Llama whose positions are scaled; the sequences, and more so what is generated, go beyond a context of 8."""
    config = LlamaConfig(vocab_size=40, hidden_size=32, intermediate_size=28, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=context,
                         tie_word_embeddings=True, rope_theta=100.0, rope_scaling=scaling)
    write(name, LlamaForCausalLM(config), seed, ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"])


def llama_linear():
    llama_scaled("llama-linear", 20, 32, {"rope_type": "linear", "factor": 4.0})


def llama_yarn():
    llama_scaled("llama-yarn", 21, 32, {"rope_type": "yarn", "factor": 4.0, "beta_fast": 1.0, "beta_slow": 0.2,
                                        "original_max_position_embeddings": 8})


def llama_dynamic():
    """Its generation ends where the frequencies would begin to change."""
    llama_scaled("llama-dynamic", 22, 18, {"rope_type": "dynamic", "factor": 4.0})


def mistral():
    config = MistralConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                           num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
                           sliding_window=24, rope_theta=1000.0)
    wanted = ["model.embed_tokens.weight", "model.layers.0.self_attn.k_proj.weight",
              "model.layers.1.self_attn.o_proj.weight", "model.layers.1.mlp.down_proj.weight", "model.norm.weight",
              "lm_head.weight"]
    write("mistral", MistralForCausalLM(config), 5, wanted)


def mistral_window():
    config = MistralConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=3,
                           num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                           sliding_window=4, attn_implementation="eager")
    write("mistral-window", MistralForCausalLM(config), 7)


def gemma2():
    config = Gemma2Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=3,
                          num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
                          query_pre_attn_scalar=10, sliding_window=4, final_logit_softcapping=3.0,
                          attn_logit_softcapping=2.0, attn_implementation="eager")
    write("gemma2", Gemma2ForCausalLM(config), 10)


def gemma3():
    config = Gemma3TextConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=3,
                              num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
                              query_pre_attn_scalar=10, sliding_window=4, rope_theta=100.0, rope_local_base_freq=10.0,
                              layer_types=["sliding_attention", "sliding_attention", "full_attention"],
                              rope_scaling={"rope_type": "linear", "factor": 2.0}, attn_implementation="eager")
    write("gemma3", Gemma3ForCausalLM(config), 8)


def qwen2():
    config = Qwen2Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                         tie_word_embeddings=True)
    wanted = ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.bias",
              "model.layers.1.self_attn.v_proj.bias", "model.layers.1.self_attn.o_proj.weight",
              "model.layers.1.mlp.up_proj.weight", "model.norm.weight"]
    write("qwen2", Qwen2ForCausalLM(config), 6, wanted)


def qwen3():
    config = Qwen3Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=3,
                         num_attention_heads=4, num_key_value_heads=2, head_dim=6, max_position_embeddings=64,
                         attention_bias=True, use_sliding_window=True, sliding_window=5, max_window_layers=2,
                         attn_implementation="eager")
    write("qwen3", Qwen3ForCausalLM(config), 9)


def olmo2():
    config = Olmo2Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                         num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64)
    write("olmo2", Olmo2ForCausalLM(config), 16)


def phi3():
    config = Phi3Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                        original_max_position_embeddings=64, pad_token_id=0, sliding_window=6,
                        attn_implementation="eager")
    write("phi3", Phi3ForCausalLM(config), 11)


def phi3_long():
    config = Phi3Config(vocab_size=40, hidden_size=32, intermediate_size=28, num_hidden_layers=2,
                        num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
                        original_max_position_embeddings=20, partial_rotary_factor=0.75, pad_token_id=0,
                        tie_word_embeddings=True,
                        rope_scaling={"type": "longrope", "short_factor": [1.0, 1.5, 2.5], "long_factor": [2.0, 3.0, 4.0]})
    write("phi3-long", Phi3ForCausalLM(config), 12)


def smollm3():
    config = SmolLM3Config(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=3,
                           num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0,
                           bos_token_id=0, eos_token_id=0, no_rope_layer_interval=2, use_sliding_window=True,
                           sliding_window=5, attn_implementation="eager")
    write("smollm3", SmolLM3ForCausalLM(config), 17)


def stablelm():
    config = StableLmConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                            num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=64,
                            use_qkv_bias=True)
    write("stablelm", StableLmForCausalLM(config), 18)


def stablelm_parallel():
    config = StableLmConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                            num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=64,
                            partial_rotary_factor=0.5, use_parallel_residual=True)
    write("stablelm-parallel", StableLmForCausalLM(config), 19)


def tinystories656k():
    """What transformers makes of real weights, where the shared data is there."""
    if not STORIES.exists():
        print(f"tinystories656k: left as it is, for want of {STORIES}")
        return
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(STORIES)).eval()
    model.load_state_dict(load_file(STORIES / "model.safetensors"), strict=False)
    sequences = [[1, 403, 407, 261, 378, 31, 447], [1, 20, 300, 1000, 2000, 5, 77, 12, 900, 41, 8]]
    expected = {"sequences": sequences, "logits": [], "greedy": []}
    with torch.no_grad():
        for sequence in sequences:
            expected["logits"].append(rounded(model(torch.tensor([sequence])).logits[0, -1]))
            out = model.generate(torch.tensor([sequence]), max_new_tokens=12, do_sample=False, eos_token_id=None,
                                 pad_token_id=0)
            expected["greedy"].append(out[0][len(sequence):].tolist())
    (OUT / "tinystories656k.json").write_text(json.dumps(expected) + "\n")


ENTRIES = {
    "gpt2-tied": gpt2_tied,
    "gpt2-untied": gpt2_untied,
    "gpt-neox": gpt_neox,
    "gpt-neox-sequential": gpt_neox_sequential,
    "gptj": gptj,
    "llama-grouped": llama_grouped,
    "llama-tied": llama_tied,
    "llama-linear": llama_linear,
    "llama-yarn": llama_yarn,
    "llama-dynamic": llama_dynamic,
    "mistral": mistral,
    "mistral-window": mistral_window,
    "gemma2": gemma2,
    "gemma3": gemma3,
    "olmo2": olmo2,
    "phi3": phi3,
    "phi3-long": phi3_long,
    "qwen2": qwen2,
    "qwen3": qwen3,
    "smollm3": smollm3,
    "stablelm": stablelm,
    "stablelm-parallel": stablelm_parallel,
    "tinystories656k": tinystories656k,
}


def main():
    torch.set_default_dtype(torch.float32)
    names = sys.argv[1:] or list(ENTRIES)
    unknown = [name for name in names if name not in ENTRIES]
    if unknown:
        sys.exit(f"no entry {', '.join(unknown)}; there are {', '.join(ENTRIES)}")
    for name in names:
        ENTRIES[name]()


if __name__ == "__main__":
    main()
