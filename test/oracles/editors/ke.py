"""KE (De Cao et al. 2021): a reader of an edit says how its gradient is masked, scaled and shifted, and one step of its training (methods card KE).

Gradients of whole matrices, oriented as PyTorch's linear maps are, masked by outer products; PyTorch's own LSTM and weight normalisation.
"""

import torch
from torch.func import functional_call

from common import NAMES, tiny, write_updates
from mend import BATCH, LAYERS, Networks, changes, divergence, laid_out, rows_of, write_step

HIDDEN, SMOOTHING, MARGIN = 5, 0.1, 0.01
# What the reader puts out.
CONDITION = 8 * HIDDEN


class Readers(Networks):
    method, kind = "ke", "conditioned-transform"
    singles = {"multiplier": (1, 0)}

    def draw(self, draw):
        width = self.one.model.get_input_embeddings().weight.shape[1]
        for direction in ("forward", "backward"):
            self.learned |= {f"{direction}.input": draw(0.4, 4 * HIDDEN, width), f"{direction}.hidden": draw(0.4, 4 * HIDDEN, HIDDEN),
                             f"{direction}.bias": draw(0.2, 4 * HIDDEN)}
        self.learned |= {"condition.weight": draw(0.5, CONDITION, 2 * HIDDEN), "condition.bias": draw(0.2, CONDITION)}
        for index, path in enumerate(self.maps):
            for layer, (rows, columns) in enumerate(((HIDDEN, CONDITION), (2 * sum(self.shape(path)) + 1, HIDDEN))):
                self.learned |= {f"{index}.{layer}.direction": draw(0.3, rows, columns), f"{index}.{layer}.length": 1 + draw(0.3, rows),
                                 f"{index}.{layer}.bias": draw(0.2, rows)}
        self.learned["multiplier"] = torch.tensor([0.7])

    def read(self, laid):
        """The condition of an edit in words."""
        apart = lambda text: self.one.tokenizer.encode(text, add_special_tokens=False).ids
        old = self.one.logits(laid.ids)[laid.target_start :].argmax(1).tolist()
        ids = old + apart(" >> ") + laid.target + apart(" || ") + laid.ids[: laid.target_start + 1]
        embedded = self.one.model.get_input_embeddings()(torch.tensor([ids])).detach()
        lstm = torch.nn.LSTM(embedded.shape[2], HIDDEN, bidirectional=True, batch_first=True)
        weights = {}
        for direction, suffix in (("forward", ""), ("backward", "_reverse")):
            weights |= {f"weight_ih_l0{suffix}": self.learned[f"{direction}.input"], f"weight_hh_l0{suffix}": self.learned[f"{direction}.hidden"],
                        f"bias_ih_l0{suffix}": self.learned[f"{direction}.bias"], f"bias_hh_l0{suffix}": torch.zeros(4 * HIDDEN)}
        _, (last, _) = functional_call(lstm, weights, (embedded,))
        return (last[:, 0].flatten() @ self.learned["condition.weight"].T + self.learned["condition.bias"]).tanh()

    def factors(self, laid):
        return super().factors(laid) | {"condition": self.read(laid)}

    def change(self, path, all_factors):
        index, (size_in, size_out) = self.maps.index(path), self.shape(path)

        def linear(layer, x):
            part = lambda name: self.learned[f"{index}.{layer}.{name}"]
            return x @ torch._weight_norm(part("direction"), part("length")[:, None], 0).T + part("bias")

        total = 0
        for factors in all_factors:
            x, slope = factors[path]
            made = linear(1, linear(0, factors["condition"]).tanh())
            column_a, row_a, column_b, row_b, strength = made.split([size_in, size_out, size_in, size_out, 1])
            mask = row_a.softmax(0)[:, None] * column_a[None]
            shift = row_b.softmax(0)[:, None] * column_b[None]
            total = total + (strength.sigmoid() * (slope.T @ x * mask + shift)).T
        return total


def losses(one, networks, per_update):
    all_factors = [networks.factors(laid_out(one, edit)) for edit, *_ in BATCH]
    new, kept = [], []
    for start in range(0, len(BATCH), per_update):
        weights = networks.edited(all_factors[start : start + per_update])
        for edit, other, away, _ in BATCH[start : start + per_update]:
            for laid in (laid_out(one, edit), laid_out(one, other)):
                rows = rows_of(one, weights, laid)
                wanted = torch.full_like(rows, SMOOTHING / (rows.shape[1] - 1))
                wanted[range(len(laid.target)), laid.target] = 1 - SMOOTHING
                new.append(-(wanted * rows).sum(1).mean())
            kept.append(divergence(one, weights, laid_out(one, away)))
    generality, locality = torch.stack(new).mean(), torch.stack(kept).mean()
    networks.learned["multiplier"].register_hook(lambda slope: -slope)
    return generality + (networks.learned["multiplier"] * (locality - MARGIN)).sum(), generality, locality


def main():
    for name in NAMES:
        Readers(tiny(name)).save()
    config = {"layers": LAYERS, "batch_size": 10, "stop_loss": 0}
    variants = [([["anna"]], config), ([["anna", "boris", "clara"]], {**config, "batch_size": 2}), ([["boris"], ["clara"]], config)]
    write_updates("ke", changes(Readers, variants))
    write_step("ke", Readers, (1, 3), losses, {"smoothing": SMOOTHING, "largest_margin": MARGIN})
