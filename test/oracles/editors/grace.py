"""GRACE: a codebook beside one linear map of an MLP (methods card GRACE; Hartvigsen et al. 2023, algorithm 1).

A sequence of edits, each trained from where its map's output stands; the cases are chosen so that rows are added, split and widened.
"""

import torch

from common import EDITS, lay_out, tiny, write_updates

# Two of them ask for what another one's target is.
SEQUENCE = ["anna", "boris", "boris-home", "clara", "clara-home"]

CONFIG = {"layer": 2, "site": "c_proj", "replacement": "last", "epsilon": 2.0, "steps": 12, "learning_rate": 0.1,
          "initial_value": "warm", "stop_loss": 1e-4}


def map_of(one, config):
    mlp = one.blocks[config["layer"]].mlp
    if config["site"] == "c_proj":
        return one.value_map(config["layer"])
    return mlp.c_fc if one.name == "gpt2" else mlp.gate_proj


def replaced_rows(sequence, config):
    end = sequence.target_start
    return [end] if config["replacement"] == "last" else list(range(end))


class Hooked:
    """The model with one map's output replaced by `value` at some positions, and what went in and out of it."""

    def __init__(self, one, config, sequence, value=None):
        rows = replaced_rows(sequence, config)

        def hook(_, given, output):
            self.key = given[0][0, sequence.target_start].detach().clone()
            self.output = output[0, rows[-1]].detach().clone()
            if value is None:
                return output
            mask = torch.zeros(output.shape[1], 1)
            mask[rows] = 1
            return output * (1 - mask) + value * mask

        handle = map_of(one, config).register_forward_hook(hook)
        rows_read = one.logits(sequence.ids)[sequence.target_start :].log_softmax(-1)
        handle.remove()
        self.loss = -rows_read[range(len(sequence.target)), sequence.target].mean()


def train(one, config, sequence, start):
    """Adam on the value alone. `steps` losses are looked at, and no step follows the last."""
    value = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([value], lr=config["learning_rate"])
    for step in range(config["steps"]):
        loss = Hooked(one, config, sequence, value).loss
        if loss.item() < config["stop_loss"] or step + 1 == config["steps"]:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return value.detach()


def codebook(one, config, edits):
    book, actions = [], []
    for edit in edits:
        sequence = lay_out(one, edit)
        with torch.no_grad():
            plain = Hooked(one, config, sequence)
        distances = [(row["key"] - plain.key).norm().item() for row in book]
        at = min(range(len(book)), key=distances.__getitem__, default=None)
        near = at is not None and distances[at] <= config["epsilon"] + book[at]["radius"]
        if near and book[at]["label"] == sequence.target:
            row = book[at]
            row["radius"] = max(row["radius"], distances[at])
            row["value"] = train(one, config, sequence, row["value"])
            actions.append("widened")
            continue
        value = train(one, config, sequence, plain.output)
        radius = config["epsilon"]
        if near:
            # Halfway between the two keys, as long as the neighbour's ball reaches that far: the cases see to that.
            assert book[at]["radius"] > distances[at] / 2
            book[at]["radius"] = distances[at] / 2 - 1e-5
            radius = min(radius, distances[at] / 2)
        book.append({"key": plain.key, "value": value, "radius": radius, "label": sequence.target})
        actions.append("split" if near else "added")
    return book, actions


def main():
    cases, seen = {}, set()
    variants = [
        ("gpt2", {}),
        ("gpt2", {"site": "c_fc", "layer": 1}),
        ("gpt2", {"replacement": "prompt", "layer": 1}),
        ("llama", {}),
        ("llama", {"site": "c_fc", "layer": 1}),
        ("llama", {"replacement": "prompt", "layer": 0}),
    ]
    for number, (name, own) in enumerate(variants):
        config = {**CONFIG, **own}
        book, actions = codebook(tiny(name), config, [EDITS[edit] for edit in SEQUENCE])
        seen |= set(actions)
        updates = {f"{part}s": torch.stack([row[part] for row in book]) for part in ("key", "value")}
        updates["radii"] = torch.tensor([row["radius"] for row in book])
        cases[f"{name} {number}"] = {"model": name, "edits": SEQUENCE, "config": config, "updates": updates}
    assert seen == {"added", "split", "widened"}, seen
    write_updates("grace", cases)
