"""FT-M and FT-L: gradient descent on one MLP matrix (methods card FT)."""

import torch

from common import EDITS, NAMES, lay_out, tiny, write_updates

FT_M = {"layer": 1, "learning_rate": 5e-3, "epochs": 25, "batch_size": 1, "weight_decay": 0.0, "stop_loss": 1e-2,
        "norm_constraint": None, "objective": "target_new"}
FT_L = {**FT_M, "learning_rate": 5e-4, "norm_constraint": 2e-3, "objective": "prompt_last"}


def update(one, edits, config):
    """The change of the matrix, as the checkpoint stores it."""
    weight = one.value_map(config["layer"]).weight
    weight.requires_grad_(True)
    start = weight.detach().clone()
    optimiser = torch.optim.Adam([weight], lr=config["learning_rate"], weight_decay=config["weight_decay"])
    laid = [lay_out(one, edit) for edit in edits]
    size = config["batch_size"]

    def loss_of(sequence):
        rows = one.logits(sequence.ids)[sequence.target_start :].log_softmax(-1)
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
                    weight.clamp_(start - config["norm_constraint"], start + config["norm_constraint"])
        if total / len(laid) < config["stop_loss"]:
            break
    return weight.detach() - start


def main():
    for editor, config in (("ft-m", FT_M), ("ft-l", FT_L)):
        cases = {}
        for name in NAMES:
            variants = [(["anna"], config), (["boris"], {**config, "layer": 0}),
                        (["anna", "boris", "clara"], {**config, "batch_size": 2, "weight_decay": 1e-2})]
            for number, (edits, own) in enumerate(variants):
                one = tiny(name)
                change = update(one, [EDITS[edit] for edit in edits], own)
                cases[f"{name} {number}"] = {"model": name, "edits": edits, "config": own,
                                             "updates": {one.value_name(own["layer"]): change}}
        write_updates(editor, cases)
