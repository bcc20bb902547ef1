"""Says what transformers answers with a model directory, such as `errata export` writes: greedy, one JSON object a prompt.

    python test/oracles/exported_model.py DIRECTORY [--chat] [--tokens N] PROMPT...
With --chat each prompt is a message, put into words by the tokenizer's chat template.
"""

import argparse
import json

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("directory")
    parser.add_argument("prompts", nargs="+")
    parser.add_argument("--chat", action="store_true")
    parser.add_argument("--tokens", type=int, default=8)
    given = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(given.directory)
    model = AutoModelForCausalLM.from_pretrained(given.directory, dtype=torch.float32).eval()
    for prompt in given.prompts:
        if given.chat:
            message = [{"role": "user", "content": prompt}]
            ids = tokenizer.apply_chat_template(message, add_generation_prompt=True, return_tensors="pt")
        else:
            ids = tokenizer(prompt, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            said = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=given.tokens, do_sample=False)
        answer = tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True)
        print(json.dumps({"prompt": prompt, "answer": answer}, ensure_ascii=False))


if __name__ == "__main__":
    main()
