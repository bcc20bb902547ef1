"""Fine-tuning: gradient descent on one MLP matrix (FT-M, FT-L), or on matrices of layers (FT-attn, FT-full) (methods card FT)."""

import torch

from common import EDITS, NAMES, OVER_ENCODER, lay_out, tiny, write_updates

FT_M = {"layer": 1, "learning_rate": 5e-3, "epochs": 25, "batch_size": 1, "weight_decay": 0.0, "stop_loss": 1e-2,
        "norm_constraint": None, "objective": "target_new"}
FT_L = {**FT_M, "learning_rate": 5e-4, "norm_constraint": 2e-3, "objective": "prompt_last"}


FT_ATTN = {**{key: value for key, value in FT_M.items() if key != "layer"}, "layers": [2], "maps": ["attention_input"], "norm_constraint": 2e-2}
FT_FULL = {**FT_ATTN, "layers": [1, 3], "maps": ["attention_input", "attention_output", "mlp_input", "mlp_output"], "learning_rate": 1e-3,
           "weight_decay": 1e-2, "norm_constraint": None}

PARTS = {
    "gpt2": {"attention_input": ["attn.c_attn"], "attention_output": ["attn.c_proj"], "mlp_input": ["mlp.c_fc"], "mlp_output": ["mlp.c_proj"]},
    "llama": {"attention_input": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "attention_output": ["self_attn.o_proj"],
              "mlp_input": ["mlp.gate_proj", "mlp.up_proj"], "mlp_output": ["mlp.down_proj"]},
    # The attention to what was said, and that to what was read.
    "t5": {"attention_input": [f"layer.{i}.{kind}.{part}" for i, kind in enumerate(("SelfAttention", "EncDecAttention")) for part in "qkv"],
           "attention_output": ["layer.0.SelfAttention.o", "layer.1.EncDecAttention.o"],
           "mlp_input": ["layer.2.DenseReluDense.wi_0", "layer.2.DenseReluDense.wi_1"], "mlp_output": ["layer.2.DenseReluDense.wo"]},
}


def trained(one, config):
    """The weights that are trained, by their names."""
    if "layer" in config:
        return {one.value_name(config["layer"]): one.value_map(config["layer"]).weight}
    prefix = {"gpt2": "h", "llama": "model.layers", "t5": "decoder.block"}[one.name]
    return {f"{prefix}.{layer}.{path}.weight": one.blocks[layer].get_submodule(path).weight
            for layer in config["layers"] for name in config["maps"] for path in PARTS[one.name][name]}


def update(one, edits, config):
    """The change of each matrix, as the checkpoint stores it."""
    weights = trained(one, config)
    for weight in weights.values():
        weight.requires_grad_(True)
    starts = {name: weight.detach().clone() for name, weight in weights.items()}
    optimiser = torch.optim.Adam(weights.values(), lr=config["learning_rate"], weight_decay=config["weight_decay"])
    laid = [lay_out(one, edit) for edit in edits]
    size = config["batch_size"]

    def loss_of(sequence):
        rows = one.logits(sequence.ids, sequence.read)[sequence.target_start :].log_softmax(-1)
        at = range(len(sequence.target)) if config["objective"] == "target_new" else [0] * len(sequence.target)
        return -rows[at, sequence.target].mean()

    for _ in range(config["epochs"]):
        total = 0.0
        for batch in (laid[start_at : start_at + size] for start_at in range(0, len(laid), size)):
            optimiser.zero_grad()
            loss = torch.stack([loss_of(sequence) for sequence in batch]).mean()
            total += loss.item() * len(batch)
            if loss.item() >= config["stop_loss"]:
                loss.backward()
                optimiser.step()
            if config["norm_constraint"] is not None:
                with torch.no_grad():
                    for name, weight in weights.items():
                        weight.clamp_(starts[name] - config["norm_constraint"], starts[name] + config["norm_constraint"])
        if total / len(laid) < config["stop_loss"]:
            break
    changes = {name: weight.detach() - starts[name] for name, weight in weights.items()}
    # Where one token has been said queries and keys do not matter.
    return {name: change for name, change in changes.items() if change.any()}


def main():
    for editor, config in (("ft-m", FT_M), ("ft-l", FT_L), ("ft-attn", FT_ATTN), ("ft-full", FT_FULL)):
        cases = {}
        for name in (*NAMES, OVER_ENCODER):
            elsewhere = {"layer": 0} if "layer" in config else {"layers": [0]}
            variants = [(["anna"], config), (["boris"], {**config, **elsewhere}),
                        (["anna", "boris", "clara"], {**config, "batch_size": 2, "weight_decay": 1e-2})]
            for number, (edits, own) in enumerate(variants):
                one = tiny(name)
                updates = update(one, [EDITS[edit] for edit in edits], own)
                cases[f"{name} {number}"] = {"model": name, "edits": edits, "config": own, "updates": updates}
        write_updates(editor, cases)
