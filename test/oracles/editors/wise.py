"""WISE (Wang et al. 2024): a masked copy of one W_out, trained on the answer and on how far its outputs lie from W_out's, in shards that TIES merges
(methods card WISE)."""

import torch
from torch.nn.functional import gelu, silu

from common import EDITS, NAMES, PREFIXES, contexts_of, tiny, write_updates
from lora import uniform

CONFIG = {"layer": 2, "mask_ratio": 0.4, "steps": 12, "learning_rate": 0.2, "weight_decay": 1e-2, "norm_constraint": 0.4, "alpha": 0.2, "beta": 0.8,
          "gamma": 0.5, "threshold_ratio": 0.8, "shard_size": 2, "merge_shards": 2, "density": 0.53, "prefixes": [[1, 1]], "unrelated": [[1, 1]],
          "stop_loss": 0}


class Beside:
    """A model one of whose W_out has `change`, [in, out], added, and how far that moves its output at every token."""

    def __init__(self, one, layer):
        self.one, self.change = one, None
        self.act = (lambda x: gelu(x, approximate="tanh")) if one.name == "gpt2" else silu
        one.value_map(layer).register_forward_hook(self.hook)

    def hook(self, _, given, output):
        if self.change is None:
            return output
        changed = output + given[0] @ self.change
        self.moved = torch.linalg.vector_norm(self.act(changed) - self.act(output), dim=-1)[0]
        return changed


def positive_mean(x):
    above = x[x > 0]
    return above.mean() if len(above) else torch.zeros(())


def train(model, config, edit, unrelated, mask, start):
    """The change of the shard after an edit, and what its queries are moved by."""
    original = model.one.keys_to_values(config["layer"], model.one.value_map(config["layer"]).weight).detach()
    change = start.clone().requires_grad_(True)
    optimiser = torch.optim.SGD([change], lr=config["learning_rate"])
    for step in range(config["steps"] + 1):
        model.change = change
        losses, inside = [], []
        for laid in contexts_of(model.one, edit):
            rows = model.one.logits(laid.ids)[laid.target_start :].log_softmax(-1)
            losses.append(-rows[range(len(laid.target)), laid.target].mean())
            inside += [model.moved[: laid.target_start + 1].mean(), *model.moved[laid.target_start + 1 :]]
        inside = torch.stack(inside)
        model.one.logits(model.one.encode(unrelated))
        outside = model.moved.mean()
        loss = (torch.stack(losses).mean() + positive_mean(outside[None] - config["alpha"]) + positive_mean(config["beta"] - inside)
                + positive_mean(outside - inside + config["gamma"]))
        if step == config["steps"]:
            break
        optimiser.zero_grad()
        loss.backward()
        change.grad = (change.grad + config["weight_decay"] * (original + change.detach())) * mask
        optimiser.step()
        with torch.no_grad():
            change.clamp_(-config["norm_constraint"], config["norm_constraint"])
    model.change = None
    return change.detach(), inside.mean().item()


def ties(changes, density):
    count = int(density * changes[0].numel())
    kept = []
    for change in changes:
        mask = torch.zeros_like(change).flatten()
        mask[change.abs().flatten().topk(count).indices] = 1
        kept.append(change * mask.reshape(change.shape))
    kept = torch.stack(kept)
    chosen = torch.where(kept.sum(0) >= 0, 1.0, -1.0)
    agrees = kept.sign() == chosen
    return (kept * agrees).sum(0) / agrees.sum(0).clamp(min=1)


def edited(one, config, edits):
    model = Beside(one, config["layer"])
    shape = one.keys_to_values(config["layer"], one.value_map(config["layer"]).weight).shape
    sides, shard = [], 0
    for number, edit in enumerate(edits):
        if not sides or sides[-1]["edits"] >= config["shard_size"]:
            numbers = uniform(0, shard)
            mask = torch.tensor([1.0 if next(numbers) < config["mask_ratio"] else 0.0 for _ in range(shape.numel())]).reshape(shape)
            sides.append({"edits": 0, "mask": mask, "change": torch.zeros(shape), "threshold": float("inf")})
            shard += 1
        side = sides[-1]
        side["change"], moved = train(model, config, EDITS[edit], PREFIXES[number % len(PREFIXES)], side["mask"], side["change"])
        assert (side["change"] * (1 - side["mask"])).abs().max() == 0
        side["edits"] += 1
        side["threshold"] = min(side["threshold"], config["threshold_ratio"] * moved)
        full = [each for each in sides if each["edits"] == config["shard_size"]]
        if len(full) == config["merge_shards"]:
            one_side = {"edits": sum(each["edits"] for each in full), "change": ties([each["change"] for each in full], config["density"]),
                        "threshold": min(each["threshold"] for each in full)}
            sides = [each for each in sides if each["edits"] != config["shard_size"]] + [one_side]
    return {**{f"change {number}": side["change"] for number, side in enumerate(sides)}, "thresholds": torch.tensor([side["threshold"] for side in sides])}


def main():
    cases = {}
    for name in NAMES:
        variants = [(["anna"], CONFIG), (["boris", "clara", "tina"], {**CONFIG, "layer": 1}),
                    (["anna", "boris", "clara", "ian", "tina"], {**CONFIG, "steps": 6, "density": 0.1, "mask_ratio": 0.6})]
        for number, (edits, config) in enumerate(variants):
            updates = edited(tiny(name), config, edits)
            cases[f"{name} {number}"] = {"model": name, "edits": edits, "config": config, "updates": updates}
    write_updates("wise", cases)
