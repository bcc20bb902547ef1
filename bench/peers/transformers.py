"""What PyTorch and transformers take for the work of bench/real.ts. Installs nothing; prints one JSON object.

usage: transformers.py MODEL MEASURE THREADS SEQUENCES
MEASURE is load, score, generate-1 or generate-16; SEQUENCES are lists of token ids, as JSON. Float32, eager, no gradients.
"""
import json
import resource
import sys
import time

# This file is named after the package that it imports.
sys.path.pop(0)
import torch
from transformers import AutoModelForCausalLM


def main() -> None:
    directory, measure, threads, given = sys.argv[1:]
    torch.set_num_threads(int(threads))
    torch.set_grad_enabled(False)
    begun = time.perf_counter()
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.float32).eval()
    loading = time.perf_counter() - begun
    ids = torch.tensor(json.loads(given)) if measure != "load" else None

    def score(rows):
        logits = model(input_ids=rows[:, :-1], use_cache=False).logits
        logits.log_softmax(-1).gather(-1, rows[:, 1:, None])
        logits.argmax(-1)

    def generate(rows, tokens):
        mask = torch.ones_like(rows)
        options = dict(do_sample=False, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0)
        return model.generate(input_ids=rows, attention_mask=mask, **options)

    cpu = time.process_time()
    if measure == "load":
        unit, count, seconds = "seconds", 1, loading
    elif measure == "score":
        score(ids[:1])
        begun = time.perf_counter()
        for rows in ids.split(4):
            score(rows)
        unit, count, seconds = "tokens", ids.numel(), time.perf_counter() - begun
    else:
        generate(ids, 2)
        begun = time.perf_counter()
        out = generate(ids, 64)
        unit, count, seconds = "tokens", out.numel() - ids.numel(), time.perf_counter() - begun
    print(json.dumps({
        "found": {"unit": unit, "count": count, "seconds": seconds},
        "cpuSeconds": time.process_time() - cpu,
        "peakBytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        "weightBytes": sum(4 * p.numel() for p in model.parameters()),
        "sequences": "",
    }))


main()
