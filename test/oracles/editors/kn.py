"""KN: knowledge neurons by integrated gradients, refined over contexts, edited and erased (methods card KN)."""

import torch

from common import EDITS, NAMES, contexts_of, tiny, write_updates

CONFIG = {"operation": "edit", "steps": 20, "threshold": 0.2, "agreement": 0.7, "old_factor": 1, "new_factor": 8, "stop_loss": 0.05}


def attributions(one, ids, answer, steps):
    """[layers, d_ff]: of each layer, all its neurons scaled together at the last token."""
    found = []
    for layer in range(len(one.blocks)):
        state = {"scaled": None}

        def scale(_, given):
            keys = given[0]
            if state["scaled"] is None:
                state["keys"] = keys[0, -1].detach().clone()
                return None
            return (torch.cat([keys[:, :-1], state["scaled"].reshape(1, 1, -1)], 1),)

        handle = one.value_map(layer).register_forward_pre_hook(scale)
        with torch.no_grad():
            one.logits(ids)
        total = torch.zeros_like(state["keys"])
        for j in range(steps):
            state["scaled"] = (j / steps * state["keys"]).requires_grad_(True)
            one.logits(ids)[-1].softmax(-1)[answer].backward()
            total += state["scaled"].grad
        handle.remove()
        found.append(state["keys"] * total / steps)
    return torch.stack(found)


def refined(contexts, config):
    """Neurons (layer, index) that stand out in most contexts; how many is moved until two to five are left."""
    seen = torch.stack([one >= config["threshold"] * one.max() for one in contexts]).sum(0)
    hundredths, kept = round(config["agreement"] * 100), []
    for _ in range(6):
        needed = max(hundredths * len(contexts), 100 * min(3, len(contexts)))
        kept = [tuple(at) for at in (100 * seen >= needed).nonzero().tolist()]
        if 2 <= len(kept) <= 5:
            break
        hundredths += -5 if len(kept) < 2 else 5
    return kept


def updates(one, edit, config):
    contexts = contexts_of(one, edit)
    prompts = [laid.ids[: laid.target_start + 1] for laid in contexts]
    old = one.logits(prompts[0])[-1].argmax().item()
    neurons = refined([attributions(one, ids, old, config["steps"]) for ids in prompts], config)
    assert neurons
    head = one.model.lm_head.weight
    before, after = head[old], head[contexts[0].target].sum(0)
    changes = {}
    for layer, index in neurons:
        weight = one.keys_to_values(layer, one.value_map(layer).weight)
        change = changes.setdefault(layer, torch.zeros_like(weight))
        value = weight[index]
        if config["operation"] == "erase":
            change[index] = -value
        else:
            size = value.norm()
            change[index] = config["new_factor"] * size / after.norm() * after - config["old_factor"] * size / before.norm() * before
    return changes


def main():
    cases = {}
    for name in NAMES:
        variants = [("anna", CONFIG), ("boris", CONFIG), ("clara", {**CONFIG, "operation": "erase"}),
                    ("anna", {**CONFIG, "steps": 5, "threshold": 0.5, "agreement": 0.4, "old_factor": 2, "new_factor": 2})]
        for number, (edit, config) in enumerate(variants):
            one = tiny(name)
            cases[f"{name} {number}"] = {
                "model": name, "edits": [edit], "config": config,
                "updates": {one.value_name(layer): one.keys_to_values(layer, change) for layer, change in updates(one, EDITS[edit], config).items()},
            }
    write_updates("kn", cases)
