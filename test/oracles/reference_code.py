"""Runs the editors' own repositories on the tiny GPT-2 of the oracles, and prints how far their changes are from the fixtures'.

    python test/oracles/reference_code.py rome=DIR r-rome=DIR p-rome=DIR wilke=DIR memit=DIR pmet=DIR emmet=DIR alpha-edit=DIR

DIR is a checkout of kmeng01/rome, scalable-model-editing/rebuilding-rome (r-rome and p-rome), ChenhuiHu/WilKE, kmeng01/memit,
xpq-tech/PMET (its folder `edit`), scalable-model-editing/unified-model-editing (emmet), or jianghoucheng/AlphaEdit. Their code runs
as it is, in float64 on the processor: what it asks of a GPU is answered by the CPU, context prefixes and second moments are put where
it keeps its own, and packages that it imports for other things need not be there. Exits with 1 where a change is further off than 1e-3.
"""

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

BOUND = 1e-3
HERE = Path(__file__).resolve().parent


def on_processor():
    """A mode of torch under which whatever is sent to a GPU stays where it is."""
    import torch
    from torch.overrides import TorchFunctionMode

    class OnProcessor(TorchFunctionMode):
        def __torch_function__(self, function, _types, args=(), kwargs=None):
            if function is torch.Tensor.cuda:
                return args[0]
            here = lambda value: "cpu" if isinstance(value, str) and value.startswith("cuda") else value
            return function(*[here(arg) for arg in args], **{key: here(value) for key, value in (kwargs or {}).items()})

    return OnProcessor()


def settings_of(config):
    """The hyperparameters of a fixture under the names that all descendants of ROME's repository have."""
    return SimpleNamespace(
        layers=config.get("layers") or [config["layer"]], layer_selection="all", fact_token="subject_last",
        v_num_grad_steps=config["steps"], v_lr=config["learning_rate"], v_loss_layer=3, v_weight_decay=config["weight_decay"],
        clamp_norm_factor=config["clamp_factor"], kl_factor=config["kl_factor"],
        mom2_adjustment=config.get("second_moment", True), mom2_update_weight=config.get("second_moment_weight", 1),
        mom2_dataset="given", mom2_n_samples=1, mom2_dtype="float64", context_template_length_params=[],
        rewrite_module_tmp="transformer.h.{}.mlp.c_proj", layer_module_tmp="transformer.h.{}", mlp_module_tmp="transformer.h.{}.mlp",
        attn_module_tmp="transformer.h.{}.attn", ln_f_module="transformer.ln_f", lm_head_module="transformer.wte",
        original_implementation=False, calculate_objective_value=False, update_norm_lambda=0, emmet_lambda=config.get("alpha", 0), L2=config.get("ridge"),
        nullspace_threshold=config.get("null_threshold"), rewrite_module_tmps=["transformer.h.{}.mlp.c_proj"], nll_loss_factor=1,
    )


def requests_of(names, edits):
    """Edits as these repositories have them: the subject is where its braces are."""
    return [
        {"case_id": i, "prompt": edits[name]["prompt"].replace(edits[name]["subject"], "{}"), "subject": edits[name]["subject"],
         "target_new": {"str": edits[name]["target_new"]}}
        for i, name in enumerate(names)
    ]


def rome(given, case, hparams):
    from rome import compute_u, rome_main

    hparams.enable_prompt_keys, hparams.enable_random_prefix_keys = given.editor == "p-rome", given.editor == "r-rome"
    rome_main.CONTEXT_TEMPLATES_CACHE = ["{}", *(f"{prefix}. {{}}" for prefix in given.prefixes)]
    compute_u.inv_mom2_cache.update({("tiny", name): moment.inverse() for name, moment in given.moments(hparams).items()})
    rome_main.apply_rome_to_model(given.model, given.tokenizer, requests_of(case["edits"], given.edits), hparams)


def wilke(given, case, hparams):
    from wilke import compute_u, wilke_main

    hparams.scanning_ceiling = len(hparams.layers)
    wilke_main.CONTEXT_TEMPLATES_CACHE = ["{}", *(f"{prefix}. {{}}" for prefix in given.prefixes)]
    compute_u.inv_mom2_cache.update({("tiny", name): moment.inverse() for name, moment in given.moments(hparams).items()})
    requests = requests_of(case["edits"], given.edits)
    wilke_main.apply_wilke_to_model(given.model, given.tokenizer, requests, hparams, return_orig_weights=True)


def templates(given):
    """Of MEMIT and what came from it: bare prompts apart from those behind prefixes."""
    return [["{}"], [f"{prefix}. {{}}" for prefix in given.prefixes]]


def memit(given, case, hparams):
    from memit import memit_main

    memit_main.CONTEXT_TEMPLATES_CACHE = templates(given)
    memit_main.COV_CACHE.update({("tiny", name): moment for name, moment in given.moments(hparams).items()})
    memit_main.apply_memit_to_model(given.model, given.tokenizer, requests_of(case["edits"], given.edits), hparams)


def pmet(given, case, hparams):
    from pmet import pmet_main

    # What the MLP and attention add is searched for at the outputs of their last maps.
    for part, module in (("mlp_module_tmp", "mlp.c_proj"), ("attn_module_tmp", "attn.c_proj")):
        setattr(hparams, part, f"transformer.h.{{}}.{module}")
    pmet_main.CONTEXT_TEMPLATES_CACHE = templates(given)
    pmet_main.COV_CACHE.update({("tiny", name): moment for name, moment in given.moments(hparams).items()})
    pmet_main.apply_pmet_to_model(given.model, given.tokenizer, requests_of(case["edits"], given.edits), hparams)


def emmet(given, case, hparams):
    from emmet import emmet_main

    emmet_main.CONTEXT_TEMPLATES_CACHE = templates(given)
    moments = given.moments(hparams)
    emmet_main.get_cov = lambda _model, _tok, name, *_rest, **_others: (moments[name].clone(), None)
    emmet_main.apply_emmet_to_model(given.model, given.tokenizer, requests_of(case["edits"], given.edits), hparams)


def alpha_edit(given, case, hparams):
    import torch
    from AlphaEdit import AlphaEdit_main

    AlphaEdit_main.CONTEXT_TEMPLATES_CACHE = templates(given)

    def projector(moment):
        U, S, _ = torch.linalg.svd(moment)
        off = U[:, S < hparams.nullspace_threshold]
        return off @ off.T

    P = torch.stack([projector(moment) for moment in given.moments(hparams).values()])
    earlier = torch.zeros_like(P)
    for names in [*case.get("earlier", []), case["edits"]]:
        given.mark()
        requests = requests_of(names, given.edits)
        _, earlier = AlphaEdit_main.apply_AlphaEdit_to_model(given.model, given.tokenizer, requests, hparams, cache_c=earlier, P=P)


RUNS = {"rome": rome, "r-rome": rome, "p-rome": rome, "wilke": wilke, "memit": memit, "pmet": pmet, "emmet": emmet, "alpha-edit": alpha_edit}


def is_theirs(config):
    """Whether the repository has a case's settings: the search stops at 0.05, and variants of others are not in it."""
    return (config["stop_loss"] == 0.05 and config.get("distribution", "spread") == "spread" and not config.get("merge_same_subject")
            and config.get("solve_for", "bare_value") == "bare_value" and config.get("won_kl", 0.01) == 0.01
            and config.get("choose_by", "relative_change") == "relative_change")


class Given:
    """The tiny model as transformers has it, and what the oracles were given beside it."""

    def __init__(self, editor):
        import common
        from transformers import PreTrainedTokenizerFast

        one = common.tiny("gpt2")
        self.editor = editor
        self.one, self.model, self.edits, self.prefixes = one, one.model, common.EDITS, common.PREFIXES
        self.model.config._name_or_path = "tiny"
        self.tokenizer = PreTrainedTokenizerFast(
            tokenizer_object=one.tokenizer, pad_token="Ċ", model_input_names=["input_ids", "attention_mask"]
        )
        self.mark()

    def mark(self):
        """Changes are counted from here."""
        self.before = {name: weight.detach().clone() for name, weight in self.model.named_parameters()}

    def moments(self, hparams):
        from moments import second_moments

        if not hasattr(self, "all_moments"):
            self.all_moments = second_moments(self.one)
        return {hparams.rewrite_module_tmp.format(layer): self.all_moments[layer] for layer in hparams.layers}

    def change(self, name):
        full = f"transformer.{name}"
        return self.model.get_parameter(full).detach() - self.before[full]


def compare(editor, directory):
    """Prints the greatest distance of the editor's cases; inside a process of its own, as the repositories' packages share names."""
    import torch
    from safetensors import safe_open

    sys.path[:0] = [directory, str(HERE / "editors")]
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    from common import OUT
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401

    for name in ("datasets", "matplotlib", "matplotlib.style", "dotenv"):
        sys.modules.setdefault(name, MagicMock())
    os.chdir(directory)
    greatest, compared = 0.0, 0
    with safe_open(OUT / f"{editor}.safetensors", "pt") as fixture:
        for name, case in json.loads(fixture.metadata()["cases"]).items():
            if case["model"] != "gpt2" or not is_theirs(case["config"]):
                continue
            given = Given(editor)
            with redirect_stdout(io.StringIO()), on_processor():
                RUNS[editor](given, case, settings_of(case["config"]))
            for key in fixture.keys():
                if key.startswith(f"{name}/h."):
                    ours = fixture.get_tensor(key).double()
                    away = (given.change(key.split("/")[1]) - ours).norm() / ours.norm()
                    greatest, compared = max(greatest, away.item()), compared + 1
    print(f"{editor}: {compared} changes of matrices, {greatest:.1e} apart at most", flush=True)
    return compared > 0 and greatest <= BOUND


def main(arguments):
    if arguments and arguments[0] == "--one":
        return compare(*arguments[1:])
    if not arguments:
        print(__doc__)
        return False
    pairs = [argument.split("=", 1) for argument in arguments]
    results = [subprocess.run([sys.executable, __file__, "--one", editor, str(Path(where).resolve())]) for editor, where in pairs]
    return all(result.returncode == 0 for result in results)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
