"""The search of ROME and MEMIT for what to add at the subject's last token (methods card ROME, step 2)."""

import torch


def search(one, layer, site, contexts, subject, config):
    """The vector to add to the output of an MLP (`mlp`) or of a block (`block`), and how often its loss was looked at.

    The loss: mean over contexts of the mean over target tokens of -log p; `kl_factor` times KL(p || p0) after the subject in
    "{subject} is a", as torch's kl_div(log p0, log p) gives it; `weight_decay` times |d| / |v|^2.
    """
    module = one.blocks[layer].mlp if site == "mlp" else one.blocks[layer]
    added = torch.zeros(one.model.config.hidden_size, requires_grad=True)
    state = {"position": 0, "value": None}

    def add(_, __, output):
        hidden = output[0] if isinstance(output, tuple) else output
        if state["value"] is None:
            state["value"] = hidden[0, state["position"]].detach().clone()
        there = torch.zeros(hidden.shape[1], 1)
        there[state["position"]] = 1
        hidden = hidden + there * added
        return (hidden, *output[1:]) if isinstance(output, tuple) else hidden

    def logits(ids, position):
        state["position"] = position
        return one.logits(ids)

    essence = one.tokenizer.encode(f"{subject} is a")
    after_subject = next(i for i, (a, b) in enumerate(essence.offsets) if a < len(subject) <= b)
    optimiser = torch.optim.Adam([added], lr=config["learning_rate"])
    handle = module.register_forward_hook(add)
    before = None
    steps = 0
    for step in range(config["steps"]):
        steps = step + 1
        per_context = []
        for laid in contexts:
            rows = logits(laid.ids, laid.subject_last)[laid.target_start :].log_softmax(-1)
            per_context.append(-rows[range(len(laid.target)), laid.target].mean())
        now = logits(essence.ids, after_subject)[after_subject].log_softmax(-1)
        before = now.detach() if before is None else before
        divergence = torch.nn.functional.kl_div(before, now, log_target=True, reduction="sum")
        size = state["value"].norm()
        loss = torch.stack(per_context).mean() + config["kl_factor"] * divergence
        loss = loss + config["weight_decay"] * added.norm() / size**2
        if loss < config["stop_loss"] or step == config["steps"] - 1:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        bound = config["clamp_factor"] * size
        with torch.no_grad():
            if added.norm() > bound:
                added *= bound / added.norm()
    handle.remove()
    return added.detach(), steps
