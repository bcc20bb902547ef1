"""LoRA: adapters of low rank beside linear maps (Hu et al. 2021), trained on the targets as EasyEdit does, without dropout.

A is drawn as the editor draws it, map by map, so that both begin alike; the adapters add to what a map gives, by hooks.
"""

import math

import torch

from common import EDITS, NAMES, OVER_ENCODER, lay_out, tiny, write_updates

CONFIG = {"rank": 3, "alpha": 6.0, "targets": ["query", "value"], "layers": None, "learning_rate": 5e-3, "epochs": 15, "batch_size": 1,
          "weight_decay": 0.0, "stop_loss": 1e-2}

# In order of use: the order that adapters are drawn in.
MAPS = ["query", "key", "value", "attention_output", "mlp_gate", "mlp_up", "mlp_down"]

WORD = 2**32


def uniform(seed, stream):
    """Numbers in [0, 1) by splitmix32."""
    state = (seed * 0x85EBCA6B % WORD) ^ ((stream + 1) * 0xC2B2AE35 % WORD)
    while True:
        state = (state + 0x9E3779B9) % WORD
        z = (state ^ (state >> 16)) * 0x21F0AAAD % WORD
        z = (z ^ (z >> 15)) * 0x735A2D97 % WORD
        yield (z ^ (z >> 15)) / WORD


def place_of(one, layer, name):
    """The module, the name of its weight, and the outputs that are the map's."""
    block, width = one.blocks[layer], one.model.config.hidden_size
    if one.name == "gpt2":
        if name in ("query", "key", "value"):
            at = MAPS.index(name) * width
            return block.attn.c_attn, f"h.{layer}.attn.c_attn.weight", slice(at, at + width)
        path = {"attention_output": "attn.c_proj", "mlp_up": "mlp.c_fc", "mlp_down": "mlp.c_proj"}[name]
        return block.get_submodule(path), f"h.{layer}.{path}.weight", slice(None)
    if one.name == OVER_ENCODER:
        # The attention to what was read.
        path = {"query": "layer.1.EncDecAttention.q", "key": "layer.1.EncDecAttention.k", "value": "layer.1.EncDecAttention.v",
                "attention_output": "layer.1.EncDecAttention.o", "mlp_gate": "layer.2.DenseReluDense.wi_0",
                "mlp_up": "layer.2.DenseReluDense.wi_1", "mlp_down": "layer.2.DenseReluDense.wo"}[name]
        return block.get_submodule(path), f"decoder.block.{layer}.{path}.weight", slice(None)
    path = {"query": "self_attn.q_proj", "key": "self_attn.k_proj", "value": "self_attn.v_proj", "attention_output": "self_attn.o_proj",
            "mlp_gate": "mlp.gate_proj", "mlp_up": "mlp.up_proj", "mlp_down": "mlp.down_proj"}[name]
    return block.get_submodule(path), f"model.layers.{layer}.{path}.weight", slice(None)


class Adapter:
    def __init__(self, one, layer, name, config, seed, stream):
        self.module, self.tensor, self.outputs = place_of(one, layer, name)
        stored = self.module.weight.shape
        size_in, size_out = stored if one.name == "gpt2" else stored[::-1]
        self.size_out = size_out
        bound, rank = 1 / math.sqrt(size_in), config["rank"]
        numbers = uniform(seed, stream)
        drawn = torch.tensor([bound * (2 * next(numbers) - 1) for _ in range(size_in * rank)])
        # As float32 has them.
        self.a = drawn.float().double().reshape(size_in, rank).requires_grad_(True)
        count = len(range(*self.outputs.indices(size_out)))
        self.b = torch.zeros(rank, count, requires_grad=True)
        self.scale = config["alpha"] / rank
        self.module.register_forward_hook(self.hook)

    def hook(self, _, given, output):
        added = torch.zeros_like(output)
        added[..., self.outputs] = self.scale * (given[0] @ self.a @ self.b)
        return output + added

    def change(self):
        """[in, out]."""
        whole = torch.zeros(self.a.shape[0], self.size_out)
        whole[:, self.outputs] = self.scale * (self.a @ self.b).detach()
        return whole


def update(one, edits, config, seed=0):
    """The change of each matrix, as the checkpoint stores it."""
    layers = range(len(one.blocks)) if config["layers"] is None else config["layers"]
    places = [(layer, name) for layer in layers for name in MAPS if name in config["targets"]]
    adapters = [Adapter(one, layer, name, config, seed, stream) for stream, (layer, name) in enumerate(places)]
    factors = [factor for adapter in adapters for factor in (adapter.a, adapter.b)]
    optimiser = torch.optim.Adam(factors, lr=config["learning_rate"], weight_decay=config["weight_decay"])
    laid = [lay_out(one, edit) for edit in edits]
    size = config["batch_size"]

    def loss_of(sequence):
        rows = one.logits(sequence.ids, sequence.read)[sequence.target_start :].log_softmax(-1)
        return -rows[range(len(sequence.target)), sequence.target].mean()

    for _ in range(config["epochs"]):
        total = 0.0
        for batch in (laid[at : at + size] for at in range(0, len(laid), size)):
            optimiser.zero_grad()
            loss = torch.stack([loss_of(sequence) for sequence in batch]).mean()
            total += loss.item() * len(batch)
            if loss.item() >= config["stop_loss"]:
                loss.backward()
                optimiser.step()
        if total / len(laid) < config["stop_loss"]:
            break

    changes = {}
    for adapter in adapters:
        change = adapter.change() if one.name == "gpt2" else adapter.change().T
        changes[adapter.tensor] = changes.get(adapter.tensor, 0) + change
    return changes


def main():
    cases = {}
    for name in (*NAMES, OVER_ENCODER):
        mlp = ["mlp_up", "mlp_down"] if name == "gpt2" else ["mlp_gate", "mlp_up", "mlp_down"]
        variants = [
            (["anna"], CONFIG),
            (["boris"], {**CONFIG, "targets": ["key", "attention_output", *mlp], "layers": [1, 2]}),
            (["anna", "boris", "clara"], {**CONFIG, "batch_size": 2, "weight_decay": 1e-2}),
        ]
        for number, (edits, config) in enumerate(variants):
            changes = update(tiny(name), [EDITS[edit] for edit in edits], config)
            cases[f"{name} {number}"] = {"model": name, "edits": edits, "config": config, "updates": changes}
    write_updates("lora", cases)
