"""Runs the editors' own repositories on the tiny GPT-2 of the oracles, and prints how far their changes are from the fixtures'.

    python test/oracles/reference_code.py rome=DIR r-rome=DIR p-rome=DIR wilke=DIR memit=DIR pmet=DIR emmet=DIR alpha-edit=DIR ultra-edit=DIR grace=DIR

DIR is a checkout of kmeng01/rome, scalable-model-editing/rebuilding-rome (r-rome and p-rome), ChenhuiHu/WilKE, kmeng01/memit,
xpq-tech/PMET (its folder `edit`), scalable-model-editing/unified-model-editing (emmet), jianghoucheng/AlphaEdit, XiaojieGu/UltraEdit, or
Thartvigsen/GRACE. Their code runs as it is, in float64 on the processor (UltraEdit's solves in float32, as it casts to that): what it asks of a GPU
is answered by the CPU, context prefixes and second moments are put where it keeps its own, and packages that it imports for other things need not be
there. Two deviations that docs/editors.md gives reasons for are put right in theirs: how UltraEdit counts the variance of a run, and how GRACE
compares labels. Exits with 1 where a change is further off than 1e-3.
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
        v_num_grad_steps=config.get("steps"), v_lr=config["learning_rate"], v_loss_layer=3, v_weight_decay=config.get("weight_decay"),
        clamp_norm_factor=config.get("clamp_factor"), kl_factor=config.get("kl_factor"),
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


def laid_out(given, names):
    """Edits as rows of token ids, with labels where the target is, right-padded."""
    import torch
    from common import lay_out
    from torch.nn.utils.rnn import pad_sequence

    rows, labels = [], []
    for name in names:
        sequence = lay_out(given.one, given.edits[name])
        rows.append(torch.tensor([*sequence.ids, sequence.target[-1]]))
        labels.append(torch.tensor([-100] * (sequence.target_start + 1) + list(sequence.target)))
    return pad_sequence(rows, batch_first=True), pad_sequence(labels, batch_first=True, padding_value=-100)


def ultra_edit(given, case, hparams):
    import tempfile

    import torch
    from editor import base
    from editor.ultraedit import ULTRAEDIT
    from nets import RunningMeanStd

    class Rows(torch.Tensor):
        """Theirs multiplies by n what is over n - 1."""

        def var(self, axis):
            return super().var(axis, unbiased=False)

    update = RunningMeanStd.update
    RunningMeanStd.update = lambda self, x: update(self, x.as_subclass(Rows))
    base.AutoTokenizer = MagicMock()
    config = SimpleNamespace(
        model=SimpleNamespace(name="tiny", name_or_path="tiny", edit_modules=[hparams.rewrite_module_tmp.format(layer) for layer in hparams.layers]),
        editor=SimpleNamespace(name="ultraedit", lr=hparams.v_lr, batch_size=128, token="ans", cache_dir=tempfile.mkdtemp()),
        dataset=SimpleNamespace(name="given", batch_size=case["config"]["batch_size"]), num_seq=1, editor_device="cpu",
    )
    for name in config.model.edit_modules:
        given.model.get_submodule(name).weight.requires_grad = True
    torch.set_default_dtype(torch.float32)
    theirs = ULTRAEDIT(config, given.model)
    for names in [*case["earlier"], case["edits"]]:
        given.mark()
        size = config.dataset.batch_size
        runs = [laid_out(given, names[at : at + size]) for at in range(0, len(names), size)]
        # It reads back as many runs as there are whole ones.
        config.dataset.n_edits = len(runs) * size
        # Labels stand where the token before them is read.
        shifted = [torch.cat([labels[:, 1:], torch.full((len(labels), 1), -100)], 1) for _, labels in runs]
        theirs.cache([{"input_ids": ids, "labels": labels, "attention_mask": torch.ones_like(ids)} for (ids, _), labels in zip(runs, shifted)])
        theirs.edit_model(theirs.predict_param_shifts(), False)
    torch.set_default_dtype(torch.float64)


def grace(given, case, hparams):
    from grace.editors.grace import GRACE, GRACEAdapter

    GRACEAdapter.label_match = lambda _, one, other: one[one != -100].tolist() == other[other != -100].tolist()
    own = case["config"]
    layer = f"transformer.h[{own['layer']}].mlp.{own['site']}"
    # Ours takes no step behind the last loss.
    editor = {"eps": own["epsilon"], "dist_fn": "euc", "replacement": "replace_last", "num_pert": 1, "val_init": own["initial_value"],
              "val_train": "sgd", "eps_expand": "coverage", "n_iter": own["steps"] - 1, "edit_lr": own["learning_rate"]}
    config = {"model": {"inner_params": [f"{layer}.weight"]}, "device": "cpu", "editor": editor, "experiment": {"task": "hallucination"}}
    theirs = GRACE(config, SimpleNamespace(model=given.model, tokenizer=given.tokenizer))
    for name in case["edits"]:
        ids, labels = laid_out(given, [name])
        theirs.edit(config, {"input_ids": ids, "labels": labels}, None)
    book = getattr(given.model.transformer.h[own["layer"]].mlp, own["site"])
    return {"keys": book.keys, "values": book.values.detach(), "radii": book.epsilons.view(-1)}


RUNS = {"rome": rome, "r-rome": rome, "p-rome": rome, "wilke": wilke, "memit": memit, "pmet": pmet, "emmet": emmet, "alpha-edit": alpha_edit,
        "ultra-edit": ultra_edit, "grace": grace}


STOPS = {"ultra-edit": 0, "grace": 1e-4}


def is_theirs(editor, config):
    """Whether the repository has a case's settings: searches stop at 0.05, and variants of others are not in it."""
    return (config["stop_loss"] == STOPS.get(editor, 0.05) and config.get("replacement", "last") == "last" and config.get("distribution", "spread") == "spread" and not config.get("merge_same_subject")
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

    for name in ("datasets", "matplotlib", "matplotlib.style", "dotenv", "wandb", "omegaconf", "hydra"):
        sys.modules.setdefault(name, MagicMock())
    os.chdir(directory)
    greatest, compared = 0.0, 0
    with safe_open(OUT / f"{editor}.safetensors", "pt") as fixture:
        for name, case in json.loads(fixture.metadata()["cases"]).items():
            if case["model"] != "gpt2" or not is_theirs(editor, case["config"]):
                continue
            given = Given(editor)
            with redirect_stdout(io.StringIO()), on_processor():
                found = RUNS[editor](given, case, settings_of(case["config"])) or {}
            for key in fixture.keys():
                part = key.split("/")[1]
                if not key.startswith(f"{name}/") or not (part in found or part.startswith("h.")):
                    continue
                ours = fixture.get_tensor(key).double()
                away = ((found[part] if part in found else given.change(part)) - ours).norm() / ours.norm()
                greatest, compared = max(greatest, away.item()), compared + 1
    print(f"{editor}: {compared} tensors, {greatest:.1e} apart at most", flush=True)
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
