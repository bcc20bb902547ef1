"""ROME, r-ROME and p-ROME: one rank-one change of one MLP (methods cards ROME and r-ROME)."""

import torch

from common import EDITS, NAMES, Watch, contexts_of, tiny, write_updates
from moments import second_moments
from value_search import search

CONFIG = {"layer": 1, "steps": 20, "learning_rate": 0.5, "weight_decay": 0.5, "clamp_factor": 4, "kl_factor": 0.0625,
          "stop_loss": 0.05, "second_moment": True}


def update(one, edit, config, moment, editor, solve_for):
    """The change of keys to values, [d_ff, d]."""
    layer = config["layer"]
    contexts = contexts_of(one, edit)
    added, _ = search(one, layer, "mlp", contexts, edit["subject"], config)
    seen = [Watch(one, layer, laid.ids, laid.subject_last) for laid in contexts]
    mean_key = torch.stack([w.key for w in seen]).mean(0)
    mean_value = torch.stack([w.value for w in seen]).mean(0)
    solve_key = seen[0].key if editor == "p-rome" else mean_key
    u = torch.linalg.solve(moment, solve_key) if config["second_moment"] else solve_key
    u = u / u.norm()
    if editor != "r-rome":
        return torch.outer(u, added / (seen[0].key @ u))
    change = added if solve_for == "offset" else seen[0].value + added - mean_value
    return torch.outer(u, change / (mean_key @ u))


def cases(editor):
    for name in NAMES:
        moments = second_moments(tiny(name))
        variants = [(CONFIG, "anna"), (CONFIG, "boris"), (CONFIG, "clara"),
                    ({**CONFIG, "weight_decay": 1e-3, "clamp_factor": 1, "stop_loss": 0}, "anna"),
                    ({**CONFIG, "layer": 2, "second_moment": False, "kl_factor": 1}, "boris")]
        for number, (config, edit) in enumerate(variants):
            for solve_for in ["offset", "bare_value"] if editor == "r-rome" else [None]:
                one = tiny(name)
                change = update(one, EDITS[edit], config, moments[config["layer"]], editor, solve_for)
                layer = config["layer"]
                yield f"{name} {number}{' ' + solve_for if solve_for else ''}", {
                    "model": name,
                    "edits": [edit],
                    "config": {**config, **({"solve_for": solve_for} if solve_for else {})},
                    "updates": {one.value_name(layer): one.keys_to_values(layer, change)},
                }


def main():
    for editor in ("rome", "r-rome", "p-rome"):
        write_updates(editor, dict(cases(editor)))
