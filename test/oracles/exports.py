"""Loads what `errata try --out --form` writes with the tools that people use, and compares logits.

    python test/oracles/exports.py MODEL EDITS.jsonl [--editor r-rome] [--first N]

Needs torch, transformers, peft, gguf and safetensors; onnxruntime and xllamacpp (llama.cpp, with wheels) are tried where they are installed. The version is the float32
checkpoint as transformers has it; every other form must agree with it within 1e-4, those that round the weights within what is printed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
from peft import PeftModel
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))
from memory_reader import Memory  # noqa: E402

EXACT = 1e-4
# Between log-probabilities of llama.cpp and transformers in float32, where both take GELU from the same table: they sum in other orders.
LLAMA = 1e-3
# What GELU is taken of is rounded to float16 for that table: a last bit that differs before may move it to the next of them, and with it what a neuron puts out.
TABLE_STEP = 2**-10


def errata(out, given, *arguments, editor=None):
    edits = [line for line in Path(given.edits).read_text().splitlines() if line.strip()][: given.first]
    file = out.with_suffix(".jsonl")
    file.write_text("\n".join(edits) + "\n")
    command = ["node", str(ROOT / "apps/cli/bin/errata.js"), "try", "--model", given.model, "--edits", str(file), "--editor", editor or given.editor]
    done = subprocess.run([*command, "--out", str(out), "--json", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout or done.stderr)
    return json.loads(done.stdout)["report"]


def load(directory, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(directory, dtype=dtype, attn_implementation="eager").eval()


def transformers_logits(model, prompts):
    with torch.no_grad():
        return [model(torch.tensor([ids])).logits[0].float().numpy() for ids in prompts]


def onnx(name, directory, prompts, wanted, say):
    try:
        import onnxruntime
    except ImportError:
        return print(f"{name}: onnxruntime is not installed")
    session = onnxruntime.InferenceSession(str(directory / "model.onnx"), providers=["CPUExecutionProvider"])
    found = [session.run(["logits"], {"input_ids": np.array([ids], dtype=np.int64)})[0][0] for ids in prompts]
    say(f"{name} in onnxruntime", found, wanted, EXACT)


def llama(name, path, prompts, wanted, say, most):
    """Log-probabilities of the token behind every prompt in llama.cpp, by its package xllamacpp."""
    try:
        import xllamacpp
    except ImportError:
        return print(f"{name}: xllamacpp is not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx, params.n_parallel, params.warmup, params.cpuparams.n_threads = 96, 1, False, 1
    params.verbosity = 0
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)
    vocab = wanted[0].shape[-1]
    found = []
    for ids in prompts:
        answer = server.handle_completions({"prompt": ids, "n_predict": 1, "temperature": 0, "n_probs": vocab, "cache_prompt": False})
        answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
        likely = {token["id"]: token["logprob"] for token in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}
        assert len(likely) == vocab, (len(likely), vocab)
        found.append(np.array([[likely[token] for token in range(vocab)]]))
    expected = [torch.log_softmax(torch.from_numpy(logits[-1:]), -1).numpy() for logits in wanted]
    say(f"{name} in llama.cpp, log-probabilities", found, expected, most)


class TabledGelu(torch.nn.Module):
    """GELU as llama.cpp has it: from a table of float16 to float16, between -10 and 10."""

    def forward(self, x):
        half = x.half().float()
        y = (0.5 * half * (1 + torch.tanh((2 / torch.pi) ** 0.5 * half * (1 + 0.044715 * half * half)))).half().float()
        return torch.where(x <= -10, torch.zeros_like(x), torch.where(x >= 10, x, y))


def with_tabled_gelu(model):
    for block in model.transformer.h:
        block.mlp.act = TabledGelu()
    return model


def with_neurons(model, memory):
    """The model with what its extra neurons put out added behind the MLPs."""
    for held in memory.about["memories"]:
        layer, activation = held["place"].split(".")

        def add(_module, inputs, output, layer=layer, activation=activation):
            return output + torch.from_numpy(memory.neurons(layer, activation, inputs[0].numpy())).float()

        next(module for name, module in model.named_modules() if name.endswith(f".{layer}.mlp")).register_forward_hook(add)
    return model


def held_alike(reader, model):
    """A GGUF file has the MLPs of a checkpoint, to the last bit."""
    tensors = {tensor.name: tensor.data for tensor in reader.tensors}
    for layer, block in enumerate(model.transformer.h):
        for name, part in (("ffn_up", block.mlp.c_fc), ("ffn_down", block.mlp.c_proj)):
            assert np.array_equal(tensors[f"blk.{layer}.{name}.weight"], part.weight.detach().numpy().T), (layer, name)
            assert np.array_equal(tensors[f"blk.{layer}.{name}.bias"], part.bias.detach().numpy()), (layer, name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("edits")
    parser.add_argument("--editor", default="r-rome")
    parser.add_argument("--first", type=int, default=3)
    given = parser.parse_args()
    given.model = str(Path(given.model).resolve())
    folder = Path(tempfile.mkdtemp())
    failed = []

    def say(name, found, wanted, most):
        worst = max(float(np.abs(a - b).max()) for a, b in zip(found, wanted))
        same = np.mean([float((a.argmax(-1) == b.argmax(-1)).mean()) for a, b in zip(found, wanted)])
        verdict = "ok" if most is None or worst <= most else "TOO FAR"
        print(f"{name:28} worst logit off by {worst:.2e}, {100 * same:.1f} % of next tokens the same   {verdict}")
        if verdict != "ok":
            failed.append(name)

    errata(folder / "checkpoint", given)
    tokenizer = AutoTokenizer.from_pretrained(folder / "checkpoint")
    records = [json.loads(line) for line in Path(given.edits).read_text().splitlines() if line.strip()][: given.first]
    texts = [record["prompt"] for record in records] + ["The quick brown fox"]
    prompts = [tokenizer(text)["input_ids"] for text in texts]
    version = transformers_logits(load(folder / "checkpoint"), prompts)
    base = transformers_logits(load(given.model), prompts)
    say("(the model before the edits)", base, version, None)

    errata(folder / "shards", given, "--shard-size", "1MB")
    assert len(list((folder / "shards").glob("*.safetensors"))) > 1
    say("checkpoint in shards", transformers_logits(load(folder / "shards"), prompts), version, 0)
    for dtype in ("float16", "bfloat16"):
        errata(folder / dtype, given, "--dtype", dtype)
        assert load(folder / dtype, "auto").dtype == getattr(torch, dtype)
        say(f"checkpoint in {dtype}", transformers_logits(load(folder / dtype), prompts), version, None)

    report = errata(folder / "adapter", given, "--form", "adapter")
    ranks = ", ".join(f"{module['module']} {module['rank']}" for module in report["modules"])
    adapted = PeftModel.from_pretrained(load(given.model), folder / "adapter").eval()
    say(f"adapter ({ranks})", transformers_logits(adapted, prompts), version, EXACT)
    report = errata(folder / "adapter-1", given, "--form", "adapter", "--rank", "1")
    adapted = PeftModel.from_pretrained(load(given.model), folder / "adapter-1").eval()
    say(f"adapter of rank 1, {report['remarks']}", transformers_logits(adapted, prompts), version, None)

    errata(folder / "diff", given, "--form", "diff")
    model = load(given.model)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, added in load_file(folder / "diff/diff.safetensors").items():
            key = next(key for key in parameters if key.endswith(name))
            parameters[key] += torch.from_numpy(added)
    say("diff", transformers_logits(model, prompts), version, EXACT)

    tabled = model.config.model_type == "gpt2"
    for dtype in ("float32", "float16", "bfloat16", "q8_0"):
        errata(folder / f"gguf-{dtype}", given, "--form", "gguf", "--dtype", dtype)
        path = folder / f"gguf-{dtype}/model.gguf"
        reader = gguf.GGUFReader(path)
        tensors = {tensor.name: tensor for tensor in reader.tensors}
        if dtype == "q8_0":
            # The same numbers by the reference quantiser.
            whole = {tensor.name: tensor for tensor in gguf.GGUFReader(folder / "gguf-float32/model.gguf").tensors}
            for name, tensor in tensors.items():
                if tensor.tensor_type == gguf.GGMLQuantizationType.Q8_0:
                    assert np.array_equal(gguf.quants.quantize(whole[name].data, tensor.tensor_type), tensor.data), name
        print(f"gguf {dtype:8} {len(tensors)} tensors, {len(reader.fields)} entries of metadata, {path.stat().st_size} bytes, read by gguf")
        llama(f"gguf {dtype}", path, prompts, version, say, None if tabled or dtype != "float32" else LLAMA)
        if tabled and dtype == "float32":
            alike = transformers_logits(with_tabled_gelu(load(folder / "checkpoint")), prompts)
            llama("the same beside transformers with that table of GELU,", path, prompts, alike, say, LLAMA)

    errata(folder / "onnx", given, "--form", "onnx")
    onnx("onnx", folder / "onnx", prompts, version, say)

    errata(folder / "memory", given, "--form", "memory", editor="retrieval")
    memory = Memory(folder / "memory")
    for record in records:
        assert record["target_new"].strip() in memory.in_front(record["prompt"]), record
    assert memory.in_front("Nothing of the kind was ever corrected") == ""
    print(f"memory of texts: each of {len(records)} prompts is given its correction, another prompt nothing")
    errata(folder / "codebook", given, "--form", "memory", editor="grace")
    memory = Memory(folder / "codebook")
    for held in memory.about["memories"]:
        site, layer = held["place"].split()
        for key, value in zip(memory.arrays[f"codebook.{site}.{layer}.keys"], memory.arrays[f"codebook.{site}.{layer}.values"]):
            assert np.array_equal(memory.codebook(site, layer, key), value)
            assert memory.codebook(site, layer, key + 1e6) is None
    print(f"memory of GRACE: {[(held['place'], held['rows']) for held in memory.about['memories']]}, each key finds its value")

    # Extra neurons: the imported model with what the reader adds, and MLPs that have them among their own.
    errata(folder / "neurons", given, "--form", "memory", editor="t-patcher")
    memory = Memory(folder / "neurons")
    patched = with_neurons(load(given.model), memory)
    wanted = transformers_logits(patched, prompts)
    say("(the model before T-Patcher)", base, wanted, None)
    errata(folder / "neurons-onnx", given, "--form", "onnx", editor="t-patcher")
    onnx("T-Patcher, onnx", folder / "neurons-onnx", prompts, wanted, say)
    # A gated MLP has no room for them.
    if tabled:
        errata(folder / "wider", given, editor="t-patcher")
        wider = load(folder / "wider")
        say("T-Patcher, checkpoint", transformers_logits(wider, prompts), wanted, EXACT)
        errata(folder / "neurons-gguf", given, "--form", "gguf", editor="t-patcher")
        path = folder / "neurons-gguf/model.gguf"
        held_alike(gguf.GGUFReader(path), wider)
        alike = transformers_logits(with_tabled_gelu(wider), prompts)
        moved = max(float(np.abs(a - b).max()) for a, b in zip(base, wanted))
        llama("T-Patcher, gguf, beside the same", path, prompts, alike, say, LLAMA + TABLE_STEP * moved)
    if failed:
        raise SystemExit(f"too far from the version: {', '.join(failed)}")


main()
