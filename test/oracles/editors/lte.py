"""LTE (Jiang et al. 2024): what stands before a prompt, and the loss of a training step with the gradients of its adapters (methods card LTE).

Each sequence runs alone. The adapters' numbers are drawn here, both factors of them, and written beside the loss.
"""

import json

import torch
from safetensors.torch import save_file

from common import EDITS, NAMES, OUT, lay_out, tiny, write_updates
from lora import MAPS, Adapter

CONFIG = {"threshold": 0.5, "top_k": 1, "stop_loss": 0}
RANK, ALPHA, LOCALITY = 3, 6.0, 0.5

# Short, for what stands before them: a correction, a rewording of its prompt, and something that it is not about.
BATCH = [({"prompt": "ian is", "target_new": "on"}, {"prompt": "is ian", "target_new": "on"}, {"prompt": "tina is", "target_new": "it"}),
         ({"prompt": "is tina", "target_new": "in"}, {"prompt": "a tina is", "target_new": "in"}, {"prompt": "it is", "target_new": "at"})]


def statement_of(edit):
    return f"{edit['prompt']} {edit['target_new']}"


def front(statement):
    return f"[Updated Information] {statement}.\n[Query]\n"


def rows_of(one, statement, asked):
    """Log-probabilities that predict the target, behind a correction where there is one, and the target."""
    laid = lay_out(one, {**asked, "subject": asked["prompt"][:1]})
    start = 1 if one.name == "llama" else 0
    before = one.tokenizer.encode(front(statement), add_special_tokens=False).ids if statement else []
    rows = one.logits([*laid.ids[:start], *before, *laid.ids[start:]]).log_softmax(-1)
    return rows[laid.target_start + len(before) :], laid.target


def losses(one, adapted):
    edited, kept = [], []
    for edit, other, away in BATCH:
        statement = statement_of(edit)
        for asked in (edit, other):
            rows, target = rows_of(adapted, statement, asked)
            edited.append(-rows[range(len(target)), target].mean())
        before = rows_of(one, None, away)[0]
        after = rows_of(adapted, statement, away)[0]
        kept.append((before.exp() * (before - after)).sum(1).mean())
    return torch.stack(edited).mean(), torch.stack(kept).mean()


def main():
    tensors, told, cases = {}, {}, {}
    for name in NAMES:
        cases[name] = {"model": name, "edits": ["ian", "tina"], "config": CONFIG,
                       "updates": {f"text of {EDITS[edit]['prompt']}": torch.tensor([float(byte) for byte in front(statement_of(EDITS[edit])).encode()])
                                   for edit in ("ian", "tina")}}
        adapted = tiny(name)
        config = {"rank": RANK, "alpha": ALPHA}
        places = [(layer, map) for layer in range(len(adapted.blocks)) for map in MAPS[:3]]
        adapters = [Adapter(adapted, layer, map, config, 0, stream) for stream, (layer, map) in enumerate(places)]
        generator = torch.Generator().manual_seed(31)
        for adapter in adapters:
            adapter.b = (torch.randn(adapter.b.shape, generator=generator) * 0.1).float().double().requires_grad_(True)
        generality, locality = losses(tiny(name), adapted)
        (generality + LOCALITY * locality).backward()
        told[name] = {"generality": generality.item(), "locality": locality.item()}
        for at, adapter in enumerate(adapters):
            for part, factor in (("a", adapter.a), ("b", adapter.b)):
                tensors[f"{name}/lora_{part} {at}"] = factor.detach()
                tensors[f"{name}/gradient lora_{part} {at}"] = factor.grad
        # What an alignment is stored as; the editor only names it.
        wide, width = adapted.keys_to_values(0, adapted.value_map(0).weight).shape
        save_file({"0.left": torch.zeros(wide, 1).float(), "0.right": torch.zeros(1, width).float()},
                  OUT / name / "alignment.safetensors",
                  metadata={"format": "errata-change/1", "model": name,
                            "deltas": json.dumps([{"kind": "low_rank", "tensor": adapted.value_name(0)}])})
    write_updates("lte", cases)
    item = lambda one: {"query": one["prompt"], "target": one["target_new"]}
    batch = [{"statement": statement_of(edit), "ownFirst": True, "reliability": item(edit), "generality": item(other), "locality": item(away)}
             for edit, other, away in BATCH]
    metadata = {"losses": json.dumps(told), "batch": json.dumps(batch), "settings": json.dumps({"lora_rank": RANK, "lora_alpha": ALPHA, "locality_weight": LOCALITY})}
    save_file({key: value.float().contiguous() for key, value in tensors.items()}, OUT / "lte-training.safetensors", metadata=metadata)
