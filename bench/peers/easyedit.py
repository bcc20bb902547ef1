"""What EasyEdit's own code takes for the edits of bench/locate. Prints one JSON object in its last line.

usage: easyedit.py CHECKOUT MODEL EDITOR THREADS GIVEN
CHECKOUT is a checkout of zjunlp/EasyEdit, EDITOR one of rome, r-rome, memit, emmet and ultra-edit, GIVEN the edits, context prefixes and settings
as JSON, and how many edits are a batch. Float32, on the processor. Second moments are at hand, as they are for us: unit matrices, since what a solve
takes does not depend on what is in them. Packages that EasyEdit imports for other things need not be there.
"""

import importlib
import io
import json
import resource
import statistics
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

# A file beside this one has the name of a package that is imported here.
sys.path.pop(0)
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

PLACES = {
    "gpt2": dict(rewrite_module_tmp="transformer.h.{}.mlp.c_proj", layer_module_tmp="transformer.h.{}", mlp_module_tmp="transformer.h.{}.mlp",
                 attn_module_tmp="transformer.h.{}.attn", ln_f_module="transformer.ln_f", lm_head_module="transformer.wte"),
    "llama": dict(rewrite_module_tmp="model.layers.{}.mlp.down_proj", layer_module_tmp="model.layers.{}", mlp_module_tmp="model.layers.{}.mlp",
                  attn_module_tmp="model.layers.{}.self_attn", ln_f_module="model.norm", lm_head_module="model.embed_tokens"),
}


def open_packages(checkout):
    """Its packages without what they import on their own behalf: only the modules of a method are run."""
    for name in ("", ".models", ".trainer", ".trainer.algs", ".trainer.algs.malmen"):
        package = ModuleType(f"easyeditor{name}")
        package.__path__ = [str(Path(checkout) / "easyeditor" / name.strip(".").replace(".", "/"))]
        sys.modules[package.__name__] = package
    for name in ("datasets", "matplotlib", "matplotlib.style", "hydra", "omegaconf", "higher", "wandb", "sentence_transformers"):
        try:
            importlib.import_module(name)
        except ImportError:
            sys.modules[name] = MagicMock()


def settings_of(config, model):
    """The settings of an editor under EasyEdit's names."""
    return SimpleNamespace(
        layers=config.get("layers") or [config["layer"]], layer_selection="all", fact_token="subject_last", device="cpu", model_parallel=False,
        v_num_grad_steps=config.get("steps"), v_lr=config.get("learning_rate"), v_loss_layer=model.config.num_hidden_layers - 1,
        v_weight_decay=config.get("weight_decay"), clamp_norm_factor=config.get("clamp_factor"), kl_factor=config.get("kl_factor"),
        mom2_adjustment=True, mom2_update_weight=1, mom2_dataset="given", mom2_n_samples=1, mom2_dtype="float32", stats_dir="",
        context_template_length_params=[], original_implementation=False, enable_prompt_keys=False, enable_random_prefix_keys=True,
        calculate_objective_value=False, update_norm_lambda=0, emmet_lambda=100, **PLACES[model.config.model_type],
    )


def editor_of(name, model, tokenizer, given):
    """A function that makes a batch of edits, so many steps each at most."""
    hparams = settings_of(given["config"], model)
    behind = [f"{prefix}. {{}}" for prefix in given["prefixes"]]
    width = model.get_submodule(hparams.rewrite_module_tmp.format(0)).weight.shape
    size = max(width)
    names = [("given", hparams.rewrite_module_tmp.format(layer)) for layer in hparams.layers]

    def run(apply, edits, steps):
        hparams.v_num_grad_steps = steps
        requests = [
            {"case_id": i, "prompt": edit["prompt"], "subject": edit["subject"], "target_new": edit["target_new"]} for i, edit in enumerate(edits)
        ]
        with redirect_stdout(io.StringIO()):
            apply(requests)

    if name in ("rome", "r-rome"):
        package = {"rome": "rome", "r-rome": "r_rome"}[name]
        main = importlib.import_module(f"easyeditor.models.{package}.{package}_main")
        main.CONTEXT_TEMPLATES_CACHE = ["{}", *behind]
        importlib.import_module(f"easyeditor.models.{package}.compute_u").inv_mom2_cache.update({at: torch.eye(size) for at in names})
        apply = getattr(main, f"apply_{package}_to_model")
        return lambda edits, steps: run(lambda requests: [apply(model, tokenizer, [one], hparams) for one in requests], edits, steps)
    if name in ("memit", "emmet"):
        main = importlib.import_module(f"easyeditor.models.{name}.{name}_main")
        main.CONTEXT_TEMPLATES_CACHE = [["{}"], behind]
        main.COV_CACHE.update({at: torch.eye(size) for at in names})
        apply = getattr(main, f"apply_{name}_to_model")
        return lambda edits, steps: run(lambda requests: apply(model, tokenizer, requests, hparams), edits, steps)
    main = importlib.import_module("easyeditor.models.ultraedit.ultraedit_main")

    def ultra_edit(edits, _steps):
        executor = main.UltraEditRewriteExecutor()
        once = min(given["config"]["batch_size"], len(edits))
        settings = SimpleNamespace(
            model_name=model.config.model_type, half=False, device="cpu", model_parallel=False, lr=given["config"]["learning_rate"], token="ans",
            inner_params=[f"{at}.weight" for _, at in names], batch_size=len(edits), batch_size_once=once, editor_batch_size=1024,
        )
        with torch.enable_grad():
            run(lambda requests: executor.apply_to_model(model, tokenizer, requests, settings), edits, 1)

    return ultra_edit


def main(checkout, directory, name, threads, text):
    torch.set_num_threads(int(threads))
    given = json.loads(text)
    open_packages(checkout)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    model.config._name_or_path = "given"
    tokenizer = AutoTokenizer.from_pretrained(directory)
    tokenizer.padding_side = "right"
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    edits, batch = given["edits"], given["batch"]
    make = editor_of(name, model, tokenizer, given)
    make(edits[:1], 1)
    clock, processor = [], []
    for at in range(0, len(edits) - batch + 1, batch):
        begun = time.perf_counter(), time.process_time()
        make(edits[at : at + batch], given["config"].get("steps"))
        clock.append(time.perf_counter() - begun[0])
        processor.append(time.process_time() - begun[1])
    print(json.dumps({
        "clock": statistics.median(clock) / batch,
        "processor": statistics.median(processor) / batch,
        "edits": batch * len(clock),
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }))


main(*sys.argv[1:])
