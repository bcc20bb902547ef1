"""MALMEN (Tan et al. 2024): what trained networks ask of maps for many edits, brought together by the normal equations, and one step of its training.

The normal equations are those of the paper, as many as keys have elements, and gradients go back through their solution by autograd. Of the authors'
code this leaves out what follows from how edits are divided into runs: an edit's own mean loss is taken, and the mean over edits.
"""

import torch

from common import NAMES, tiny, write_updates
from mend import LAYERS, Networks, changes, weighed, write_step



class Shifts(Networks):
    method, kind = "malmen", "shift-transform"
    paths = {"gpt2": ["c_proj"], "llama": ["down_proj"]}
    singles = {"rates": (0.02, 0.005), "ridges": (0.3, 0.5)}

    def is_factor(self, slope, laid):
        return torch.arange(len(slope)) >= laid.target_start

    def residual(self, raw, scale, shift):
        return raw.clamp(min=0) * scale + shift

    def change(self, path, all_factors):
        keys = torch.cat([factors[path][0] for factors in all_factors])
        pseudo_keys, pseudo_slopes = self.transformed(path, keys, torch.cat([factors[path][1] for factors in all_factors]))
        wanted = -self.rate(path) * (keys * pseudo_keys).sum(1, keepdim=True) * pseudo_slopes
        ridge = self.learned["ridges"][self.maps.index(path)].exp()
        return torch.linalg.solve(keys.T @ keys + ridge * torch.eye(keys.shape[1]), keys.T @ wanted)


def main():
    for name in NAMES:
        Shifts(tiny(name)).save()
    config = {"layers": LAYERS, "batch_size": 10, "stop_loss": 0}
    variants = [([["anna"]], config), ([["anna", "boris", "clara"]], {**config, "batch_size": 2}), ([["boris"], ["clara"]], config),
                # More tokens than keys have elements.
                ([2 * ["anna", "boris", "clara", "boris-home", "clara-home", "ian", "tina"]], config)]
    write_updates("malmen", changes(Shifts, variants))
    write_step("malmen", Shifts, (3,), weighed(1), {"edit_weight": 1})
