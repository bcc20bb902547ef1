"""CaliNET (Dong et al. 2022): neurons beside an MLP, trained by Adam on all edits of a batch (methods card CaliNET)."""

import math

import torch
from torch.nn.functional import gelu, relu, silu

from common import EDITS, NAMES, lay_out, tiny, write_updates
from lora import uniform

CONFIG = {"layer": 3, "activation": "own", "neurons": 6, "steps": 25, "learning_rate": 0.02, "warmup_steps": 8, "stop_loss": 0}


class Beside:
    """A model with sets of neurons beside one MLP."""

    def __init__(self, one, config):
        self.one, self.sets = one, []
        own = (lambda x: gelu(x, approximate="tanh")) if one.name == "gpt2" else silu
        self.act = own if config["activation"] == "own" else relu
        one.blocks[config["layer"]].mlp.register_forward_hook(self.hook)

    def hook(self, _, given, output):
        return output + sum(self.act(given[0] @ keys.T + biases) @ values for keys, biases, values in self.sets)


def calibrate(model, edits, config):
    width, n = model.one.model.config.hidden_size, config["neurons"]
    numbers, bound = uniform(0, 0), 1 / math.sqrt(width)
    keys = torch.tensor([bound * (2 * next(numbers) - 1) for _ in range(n * width)]).float().double().reshape(n, width)
    parts = [keys, torch.zeros(n), torch.zeros(n, width)]
    for part in parts:
        part.requires_grad_(True)
    model.sets.append(parts)
    optimiser = torch.optim.Adam(parts, lr=config["learning_rate"])
    warmup = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: min(1, (step + 1) / config["warmup_steps"]))
    laid = [lay_out(model.one, edit) for edit in edits]
    for _ in range(config["steps"]):
        losses = []
        for each in laid:
            rows = model.one.logits(each.ids)[each.target_start :].log_softmax(-1)
            losses.append(-rows[range(len(each.target)), each.target].mean())
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
        optimiser.step()
        warmup.step()
    model.sets[-1] = [part.detach() for part in parts]


def main():
    cases = {}
    for name in NAMES:
        variants = [([["anna"]], CONFIG), ([["boris", "clara", "tina"]], {**CONFIG, "layer": 2, "activation": "relu"}), ([["anna"], ["boris", "ian"]], CONFIG)]
        for number, (batches, config) in enumerate(variants):
            model = Beside(tiny(name), config)
            for edits in batches:
                calibrate(model, [EDITS[edit] for edit in edits], config)
            *before, last = batches
            parts = [torch.cat([each[index] for each in model.sets]) for index in range(3)]
            cases[f"{name} {number}"] = {"model": name, "earlier": before, "edits": last, "config": config,
                                         "updates": dict(zip(("keys", "biases", "values"), parts))}
    write_updates("calinet", cases)
