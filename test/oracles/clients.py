"""Asks a service by openai for Python, and holds the likelihoods of lm-evaluation-harness against our own.

    ERRATA_URL=... ERRATA_API_KEY=... python test/oracles/clients.py

Needs openai, lm_eval[api] and transformers (a throw-away environment: pip install openai 'lm_eval[api]' transformers). The service must have a
model called atlas that is as it was shipped. Clients for JavaScript are tried by apps/api/src/completions/clients.test.ts.
"""

import json
import os
import subprocess
from pathlib import Path

from openai import APIStatusError, OpenAI

ROOT = Path(__file__).resolve().parents[2]
URL, KEY = os.environ["ERRATA_URL"], os.environ["ERRATA_API_KEY"]
PROMPT = "The capital of France is"


def openai_python():
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    greedy = {"model": "atlas", "temperature": 0, "max_tokens": 6}
    messages = [{"role": "user", "content": PROMPT}]
    assert "atlas" in [model.id for model in client.models.list()]
    text = client.completions.create(prompt=PROMPT, **greedy).choices[0].text
    assert "Paris" in text, text
    assert "".join(part.choices[0].text for part in client.completions.create(prompt=PROMPT, stream=True, **greedy)) == text
    said = client.chat.completions.create(messages=messages, **greedy).choices[0].message.content
    parts = client.chat.completions.create(messages=messages, stream=True, stream_options={"include_usage": True}, **greedy)
    chunks = list(parts)
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == said
    assert chunks[-1].usage.completion_tokens == 6
    try:
        client.completions.create(model="nobody", prompt=PROMPT)
        raise SystemExit("a model that is not there answered")
    except APIStatusError as error:
        assert (error.status_code, error.code, error.param) == (404, "unknown_model", "model"), error
    print(f"openai (Python): text, conversation, streams, usage and errors; {text!r}")


def harness():
    """`local-completions` sums log-probabilities of echoed prompts; ours are those of `errata score`."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.openai_completions import LocalCompletionsAPI

    lines = (ROOT / "models/atlas/edits.jsonl").read_text().splitlines()[:6]
    records = [json.loads(line) for line in lines]
    pairs = [(record["prompt"], " " + target) for record in records for target in (record["target_new"], record["target_true"])]
    os.environ["OPENAI_API_KEY"] = KEY
    model = LocalCompletionsAPI(
        base_url=f"{URL}/v1/completions", model="atlas", tokenizer=str(ROOT / "models/atlas"), tokenizer_backend="huggingface", max_length=96
    )
    requests = [Instance(request_type="loglikelihood", doc={}, arguments=pair, idx=i) for i, pair in enumerate(pairs)]
    found = model.loglikelihood(requests)
    worst = 0.0
    for (context, continuation), (total, greedy) in zip(pairs, found):
        front, whole = (model.tok_encode(text) for text in (context, context + continuation))
        ids = ",".join(map(str, whole))
        command = ["node", str(ROOT / "apps/cli/bin/errata.js"), "score", "--model", str(ROOT / "models/atlas"), "--ids", ids, "--json"]
        ours = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)["logprobs"]
        worst = max(worst, abs(sum(ours[len(front) - 1 :]) - total))
    truths = [pair for pair, (_, greedy) in zip(pairs, found) if greedy]
    assert worst < 1e-3, worst
    asked = [Instance(request_type="generate_until", doc={}, arguments=(PROMPT, {"until": ["."], "max_gen_toks": 6, "temperature": 0}), idx=0)]
    assert model.generate_until(asked) == [" Paris"]
    print(f"lm-evaluation-harness: {len(pairs)} likelihoods, the worst {worst:.1e} from ours; {len(truths)} continuations are the greedy ones")


openai_python()
harness()
