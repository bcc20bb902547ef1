"""MELO (Yu et al. 2024): LoRA blocks beside the first maps of MLPs, and clusters of prompts that say which one a prompt gets (methods card MELO).

Blocks act at the tokens of a prompt, in training too; the index is filled one prompt after another, and no split grows a ball.
"""

import math

import torch

from common import EDITS, NAMES, lay_out, tiny, write_updates
from lora import uniform

CONFIG = {"layer": 1, "targets": [2, 3], "rank": 2, "scale": 5.0, "block_edits": 2, "radius": 0.5, "steps": 45, "learning_rate": 2e-3, "stop_loss": 0}


def first_map(one, layer):
    mlp = one.blocks[layer].mlp
    return mlp.c_fc if one.name == "gpt2" else mlp.gate_proj


class Blocks:
    def __init__(self, one, config):
        self.one, self.prompt, self.factors, self.key = one, 0, None, None
        for target, layer in enumerate(config["targets"]):
            first_map(one, layer).register_forward_hook(self.adding(target, config["scale"]))
        first_map(one, config["layer"]).register_forward_hook(self.note)

    def adding(self, target, scale):
        def hook(_, given, output):
            if self.factors is None:
                return output
            a, b = self.factors[target]
            acting = (torch.arange(output.shape[1]) < self.prompt)[:, None]
            return output + acting * (given[0] @ a @ b) * scale

        return hook

    def note(self, _, given, output):
        self.key = output[0].detach()


def train(model, edits, config, stream):
    one, count = model.one, len(config["targets"])
    width, hidden = (one.model.config.hidden_size, first_map(one, 0).weight.numel() // one.model.config.hidden_size)
    bound = 1 / math.sqrt(config["scale"] * config["rank"])
    factors = []
    for target in range(count):
        numbers = uniform(0, stream * count + target)
        a = torch.tensor([bound * (2 * next(numbers) - 1) for _ in range(width * config["rank"])]).float().double()
        factors.append((a.reshape(width, -1).requires_grad_(True), torch.zeros(config["rank"], hidden, requires_grad=True)))
    optimiser = torch.optim.Adam([part for pair in factors for part in pair], lr=config["learning_rate"])
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, step_size=20, gamma=0.5)
    model.factors = factors
    for _ in range(config["steps"]):
        losses = []
        for laid in edits:
            model.prompt = laid.target_start + 1
            rows = one.logits(laid.ids)[laid.target_start :].log_softmax(-1)
            losses.append(-rows[range(len(laid.target)), laid.target].mean())
        optimiser.zero_grad()
        torch.stack(losses).mean().backward()
        optimiser.step()
        schedule.step()
    model.factors = None
    return [(a @ b).detach() * config["scale"] for a, b in factors]


def index(points, config):
    """Centres and radii, of (key, label) in order."""
    clusters, seen = [], set()
    for key, label in points:
        distances = [(cluster["centre"] - key).norm().item() for cluster in clusters]
        at = min(range(len(clusters)), key=distances.__getitem__, default=None)
        new = {"centre": key, "radius": config["radius"], "label": label, "keys": [key]}
        if at is None or distances[at] > clusters[at]["radius"] + config["radius"]:
            seen.add("added")
            clusters.append(new)
        elif clusters[at]["label"] == label:
            seen.add("joined")
            near = clusters[at]
            near["keys"].append(key)
            near["centre"] = torch.stack(near["keys"]).mean(0)
            near["radius"] = max(config["radius"], *((each - near["centre"]).norm().item() for each in near["keys"]))
        else:
            seen.add("split")
            near = clusters[at]
            new["radius"] = min(config["radius"], distances[at] / 2 + 1e-5)
            near["radius"] = min(near["radius"], distances[at] / 2 - 1e-5)
            near["keys"] = [each for each in near["keys"] if (each - near["centre"]).norm() <= near["radius"]]
            clusters.append(new)
    return clusters, seen


def main():
    cases, seen = {}, set()
    sequence = ["anna", "boris-home", "clara", "boris", "clara-home"]
    for name in NAMES:
        variants = [(["anna"], CONFIG), (sequence, {**CONFIG, "radius": 3.0 if name == "gpt2" else 1.5, "targets": [3], "layer": 2}),
                    (sequence, {**CONFIG, "radius": 20.0, "steps": 10, "block_edits": 1})]
        for number, (edits, config) in enumerate(variants):
            model = Blocks(tiny(name), config)
            laid = [lay_out(model.one, EDITS[edit]) for edit in edits]
            points, updates = [], {}
            for stream, start in enumerate(range(0, len(laid), config["block_edits"])):
                run = laid[start : start + config["block_edits"]]
                for target, change in enumerate(train(model, run, config, stream)):
                    updates[f"block {stream} {target}"] = change
                for one in run:
                    with torch.no_grad():
                        model.one.logits(one.ids[: one.target_start + 1])
                    points.append((model.key[-1].clone(), one.target))
            clusters, own = index(points, config)
            seen |= own
            updates["centres"] = torch.stack([cluster["centre"] for cluster in clusters])
            updates["radii"] = torch.tensor([cluster["radius"] for cluster in clusters])
            cases[f"{name} {number}"] = {"model": name, "edits": edits, "config": config, "updates": updates}
    assert seen == {"added", "joined", "split"}, seen
    write_updates("melo", cases)
