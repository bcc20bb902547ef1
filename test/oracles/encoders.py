"""Writes packages/models/src/fixtures/encoders: tiny random encoders with the hidden states and gradients of transformers.

Run with a Python that has torch, transformers and safetensors:
    python test/oracles/encoders.py [folder of all-MiniLM-L6-v2]
With the folder, also writes the embeddings of sentences by the real encoder.
"""

import json
import sys

import torch
from models import OUT, randomise, rounded
from safetensors.torch import save_file
from transformers import AutoModel, AutoTokenizer, BertConfig, BertModel, DistilBertConfig, DistilBertModel
from transformers import RobertaConfig, RobertaForMaskedLM

INPUTS = [
    {"ids": [2, 14, 15, 9, 26, 5, 3], "types": [0, 0, 0, 0, 0, 0, 0]},
    {"ids": [2, 8, 3, 7, 9, 3], "types": [0, 0, 0, 1, 1, 1]},
    {"ids": [2, 38, 4, 1, 6, 1, 33, 8, 5, 27, 3], "types": [0] * 11},
    {"ids": [2], "types": [0]},
]

KEEP = {
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "hidden_act", "layer_norm_eps",
    "max_position_embeddings", "type_vocab_size", "pad_token_id", "dim", "hidden_dim", "n_layers", "n_heads", "activation",
    "model_type",
}

SENTENCES = [
    "The capital of France is Paris.",
    "Paris is the French capital.",
    "What is the capital of France?",
    "The mother tongue of Danielle Darrieux is French.",
    "Danielle Darrieux, a native speaker of French, was born in Bordeaux.",
    "The Eiffel Tower is located in Rome.",
    "Who is the prime minister of the United Kingdom?",
    "A man is eating food.",
    "A man is eating a piece of bread.",
    "The girl is carrying a baby.",
    "Two men pushed carts through the woods.",
    "A cheetah is running behind its prey.",
    "Café Zürich señor garçon élève",
    "東京は日本の首都です。",
    "Москва — столица России.",
    "2 + 2 = 4, and 3.14159 is near pi",
    "don't they're I'll C++ .NET #hash @at",
    "",
    "a",
    "Edit a model's facts, measure what changed, and take it back. " * 30,
]


def write(name, model, base, seed, strip=""):
    """`base` is the encoder inside of the model, under the prefix `strip` where the saved names drop it."""
    randomise(model, seed)
    model.eval()
    for module in model.modules():
        # Torch keeps the row of padding from learning, even where padding stands inside of a text.
        if isinstance(module, torch.nn.Embedding):
            module.padding_idx = None
    folder = OUT / "encoders" / name
    folder.mkdir(parents=True, exist_ok=True)
    config = {key: value for key, value in model.config.to_dict().items() if key in KEEP}
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    state = {key.removeprefix(strip): value.contiguous().clone() for key, value in model.state_dict().items()
             if not key.startswith("lm_head.") and not key.endswith("_ids")}
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})

    typed = getattr(model.config, "type_vocab_size", 1) > 1
    inputs = [item if typed else {"ids": item["ids"]} for item in INPUTS]
    expected = {"inputs": inputs, "hidden": [], "mean": [], "cls": []}
    model.zero_grad()
    loss = 0.0
    for item in inputs:
        given = {"input_ids": torch.tensor([item["ids"]])}
        if typed:
            given["token_type_ids"] = torch.tensor([item["types"]])
        # A token of padding inside of a text is a token like others: only its position is told by its id.
        out = base(**given, attention_mask=torch.ones_like(given["input_ids"]), output_hidden_states=True)
        expected["hidden"].append([rounded(states[0].detach()) for states in out.hidden_states])
        last = out.last_hidden_state[0]
        expected["mean"].append(rounded(torch.nn.functional.normalize(last.mean(0), dim=0).detach()))
        expected["cls"].append(rounded(last[0].detach()))
        loss = loss + (last * torch.sin(torch.arange(1, last.numel() + 1).reshape(last.shape))).sum()
    loss.backward()
    expected["loss"] = loss.item()
    # Every seventh number: each tensor is compared, and the file stays small.
    expected["gradients"] = {key: rounded(parameter.grad.ravel()[::7]) for key, parameter in model.named_parameters()
                             if parameter.grad is not None}
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")


def sentences(folder):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    limit = json.loads(open(f"{folder}/sentence_bert_config.json").read())["max_seq_length"]
    vectors = []
    with torch.no_grad():
        for text in SENTENCES:
            given = tokenizer(text, return_tensors="pt", truncation=True, max_length=limit)
            mean = model(**given).last_hidden_state[0].mean(0)
            vectors.append(rounded(torch.nn.functional.normalize(mean, dim=0), 6))
    (OUT / "encoders/all-MiniLM-L6-v2.json").write_text(
        json.dumps({"sentences": SENTENCES, "vectors": vectors}, ensure_ascii=False) + "\n"
    )


def main():
    torch.manual_seed(0)
    bert = BertModel(BertConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2, num_attention_heads=4,
                                max_position_embeddings=24, type_vocab_size=2))
    write("bert", bert, bert, 11)
    roberta = RobertaForMaskedLM(RobertaConfig(vocab_size=40, hidden_size=16, intermediate_size=28, num_hidden_layers=2,
                                               num_attention_heads=2, max_position_embeddings=20, type_vocab_size=1,
                                               pad_token_id=1, layer_norm_eps=1e-5))
    write("roberta", roberta, roberta.roberta, 12)
    distilbert = DistilBertModel(DistilBertConfig(vocab_size=40, dim=16, hidden_dim=28, n_layers=2, n_heads=4,
                                                  max_position_embeddings=24))
    write("distilbert", distilbert, distilbert, 13)
    if len(sys.argv) > 1:
        sentences(sys.argv[1])


if __name__ == "__main__":
    main()
