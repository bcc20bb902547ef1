"""Writes packages/models/src/fixtures/adapters: LoRA adapters on tiny random models, and what PEFT makes of them when it merges them.

Run with a Python that has torch, transformers, peft and safetensors:
    python test/oracles/adapters.py
The bases are the fixtures of models.py. Of each merged model the tensors that the adapter changed are kept.
"""

import json
import shutil
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "packages/models/src/fixtures"
OUT = FIXTURES / "adapters"

ADAPTERS = {
    # Ranks and alphas of their own, biases, a module saved whole, the scale of rank-stabilised LoRA.
    "llama": ("llama-grouped", dict(
        r=2, lora_alpha=3, use_rslora=True, bias="all",
        target_modules=["q_proj", "v_proj", "down_proj", "embed_tokens"], modules_to_save=["lm_head"],
        rank_pattern={"layers.0.mlp.down_proj": 3}, alpha_pattern={r".*\.1\.self_attn\.q_proj": 5},
    )),
    # Conv1D: the matrices are stored the other way round, and c_proj is square in attention.
    "gpt2": ("gpt2-tied", dict(
        r=2, lora_alpha=4, fan_in_fan_out=True, target_modules=["c_attn", "c_proj"], lora_bias=True, bias="none",
    )),
}


def randomise(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name or parameter.requires_grad:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    for seed, (name, (base, settings)) in enumerate(ADAPTERS.items()):
        folder = OUT / name
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(FIXTURES / base), LoraConfig(**settings))
        randomise(model, seed)
        model.save_pretrained(folder)
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = f"../../{base}"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
        (folder / "README.md").unlink(missing_ok=True)

        loaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(FIXTURES / base), folder)
        merged = loaded.merge_and_unload().state_dict()
        before = AutoModelForCausalLM.from_pretrained(FIXTURES / base).state_dict()
        changed = {key: value.contiguous().clone() for key, value in merged.items() if not torch.equal(value, before[key])}
        save_file(changed, folder / "merged.safetensors")
        print(name, sorted(changed))


main()
