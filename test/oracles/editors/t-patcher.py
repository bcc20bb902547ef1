"""T-Patcher (Huang et al. 2023): neurons beside an MLP, one for every wrong token, and the losses that train them (methods card T-Patcher)."""

import math

import torch
from torch.nn.functional import gelu, relu, silu

from common import EDITS, NAMES, PREFIXES, lay_out, tiny, write_updates
from lora import uniform

CONFIG = {"layer": 3, "activation": "own", "neurons": 5, "prefixes": [[1, 1]], "steps": 30, "first_check": 10, "check_every": 5, "learning_rate": 0.02,
          "weight_decay": 1e-2, "initial_scale": 10.0, "activation_weight": 1.0, "memory_weight": 5.0, "margin": 3.0, "greatest": 12,
          "memory_loss": 1e-3, "stop_loss": 0}
CLIP = 5.0


class Patched:
    """A model with neurons beside one MLP; those of the edit that is being made come last."""

    def __init__(self, one, config):
        self.one, self.config = one, config
        own = (lambda x: gelu(x, approximate="tanh")) if one.name == "gpt2" else silu
        self.activation = own if config["activation"] == "own" else relu
        self.neurons, self.query = [], None
        one.blocks[config["layer"]].mlp.register_forward_hook(self.hook)

    def hook(self, _, given, output):
        self.query = given[0][0]
        for keys, biases, values, scale in self.neurons:
            output = output + self.activation(given[0] @ keys.T + biases) @ (values * scale)
        return output

    def rows(self, laid):
        return self.one.logits(laid.ids)[laid.target_start :].log_softmax(-1)

    def queries(self, ids):
        with torch.no_grad():
            self.one.logits(ids)
        return self.query.detach().clone()


def patch(model, edit, history, stream, config):
    laid = lay_out(model.one, edit)
    with torch.no_grad():
        rows = model.rows(laid)
    picked = rows[range(len(laid.target)), laid.target]
    wrong = [t for t, target in enumerate(laid.target) if rows[t].argmax() != target]
    wrong = sorted(wrong, key=lambda t: picked[t].item())[: config["neurons"]] or [int(picked.argmin())]
    own = [laid.target_start + t for t in sorted(wrong)]
    queries = model.queries(laid.ids)[own]
    n, width = queries.shape
    numbers = uniform(0, stream)
    bound = 1 / math.sqrt(width)
    values = torch.tensor([bound * (2 * next(numbers) - 1) for _ in range(n * width)]).float().double().reshape(n, width)
    keys = queries / (queries**2).sum(1, keepdim=True)
    parts = [keys.clone(), torch.zeros(n), values, torch.tensor([config["initial_scale"]])]
    for part in parts:
        part.requires_grad_(True)
    model.neurons.append(parts)
    optimiser = torch.optim.Adam(parts, lr=config["learning_rate"], weight_decay=config["weight_decay"])
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=1)
    count = min(config["greatest"], len(history) * n)
    greatest = lambda x: x.flatten().topk(count).values.exp().mean()
    step = 0
    while True:
        rows = model.rows(laid)
        excited = (model.query[own] @ parts[0].T + parts[1]).diagonal()
        away = history @ parts[0].T + parts[1]
        silent = greatest(away + config["margin"])
        nll = -rows[range(len(laid.target)), laid.target].mean()
        loss = (nll + config["activation_weight"] * (-excited).exp().mean()
                + config["memory_weight"] * (greatest(away - excited + config["margin"]) + silent))
        last = step == config["steps"]
        if last or (step >= config["first_check"] and (step - config["first_check"]) % config["check_every"] == 0):
            right = all(rows[t].argmax() == target for t, target in enumerate(laid.target))
            if last or (right and silent < config["memory_loss"]):
                break
            plateau.step(loss.item())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parts, CLIP)
        optimiser.step()
        step += 1
    model.neurons[-1] = [part.detach() for part in parts]
    return laid


def main():
    cases = {}
    for name in NAMES:
        variants = [([["anna"]], CONFIG), ([["boris", "clara"]], {**CONFIG, "layer": 2, "activation": "relu", "greatest": 1000}),
                    ([["anna"], ["boris"]], {**CONFIG, "neurons": 2, "memory_weight": 0.5})]
        for number, (batches, config) in enumerate(variants):
            model = Patched(tiny(name), config)
            for edits in batches:
                history = torch.cat([model.queries(model.one.encode(text)) for text in PREFIXES])
                for stream, edit in enumerate(edits):
                    laid = patch(model, EDITS[edit], history, stream, config)
                    kept, model.neurons = model.neurons, model.neurons[:-1]
                    history = torch.cat([history, model.queries(laid.ids)])
                    model.neurons = kept
            *before, last = batches
            parts = [torch.cat([parts[index] * (parts[3] if index == 2 else 1) for parts in model.neurons]) for index in range(3)]
            cases[f"{name} {number}"] = {"model": name, "earlier": before, "edits": last, "config": config,
                                         "updates": dict(zip(("keys", "biases", "values"), parts))}
    write_updates("t-patcher", cases)
