"""Writes packages/models/src/fixtures/tokenizers: tiny tokenizers, and what the reference library makes of texts.

For each tokenizer and text: ids with and without special tokens, the decoded text, and where each token ends in the text
(code points). Run with an interpreter that has tokenizers: python test/oracles/tokenizer_files.py [folder with gpt2_tokenizer
and tinystories656k]. With the folder, also writes what the two real tokenizers make of the same texts (ids only, no
vocabulary).
"""

import json
import pathlib
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

OUT = pathlib.Path(__file__).parents[2] / "packages/models/src/fixtures/tokenizers"

CORPUS = [
    "The capital of France is Paris and the capital of Italy is Rome.",
    "Danielle Darrieux, a native speaker of French, was born in Bordeaux.",
    "The mother tongue of Leo Tolstoy is Russian; the author of Hamlet is Shakespeare.",
    "Lily and Tom went to the park. They saw a big red ball and a little dog.",
    "Once upon a time there was a girl called Lily. She liked to play in the garden.",
    "Marie Curie discovered polonium and radium in 1898, in Paris.",
    "In which country is the Eiffel Tower? It is in France, of course!",
    "Tokyo is the capital of Japan; the currency of Japan is the yen.",
    "She said, \"I don't know what they're doing there.\"",
    "Café, naïve, zürich, señor, garçon, élève.",
] * 4

TEXTS = [
    "",
    "a",
    " ",
    "The capital of France is",
    "The capital of France is ",
    "The capital of France is Paris",
    " Paris",
    "Paris",
    "Danielle Darrieux was born in Bordeaux, France.",
    "Once upon a time",
    "Once upon a time ",
    "Once upon a time there was a girl",
    "two  spaces   here",
    "line one\nline two\n",
    "tab\tseparated",
    "don't they're I'll",
    "C++ and .NET and #hash @at",
    "In 1898, 3.14 and 1,000,000",
    "Café naïve zürich",
    "Cafe\u0301 decomposed",
    "\u6771\u4eac\u30bf\u30ef\u30fc is in \u65e5\u672c",
    "\u2615 and \U0001f600\U0001f680 emoji",
    "\u041c\u043e\u0441\u043a\u0432\u0430 \u0438 \u041a\u0438\u0457\u0432",
    "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",
    "zero\u200bwidth non\u00a0breaking",
    "\u201cquoted\u201d \u2014 dash\u2026",
    "Al lives in Algeria with Al",
    "UPPER lower MiXeD",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "Q: What is the capital?\nA:",
]


# Words that are tokens only by themselves, among all that can stand beside a word.
WORDS = [
    "Rome",
    "in Rome.",
    "Romeo and xRome",
    "_Rome Rome_ Rome1 1Rome",
    "\u00e9Rome Rome\u00e9 Rome\u0301",
    "Rome-Rome",
    "RomeRome Rome",
    "\u0661Rome Rome\u00b2 \u00b2Rome \u2177Rome \u24b6Rome \u00aaRome",
    "a\u203fRome \u200dRome \u4e00Rome \U0001d7d8Rome",
    "a cat, concat, cats and cat",
    "singing a thing",
]

# Numerals of many scripts, and what is none though it counts.
NUMERALS = [
    "a12b 3.14",
    "1898 and 2026 in 1898",
    "\u0663\u0664x \u0967\u0968\u0969 a",
    "\u00b2\u00b3 \u00bd \u2167 \u2460\u2461 \u3007 \u09f4 \u3280",
    "\u4e00\u4e8c 1\u0663\u00b2\u00bd\u2167b",
    "\U0001d7d8\U0001d7d9 and 2026",
]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def llama():
    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    # Words for training only: the saved tokenizer has no pre-tokenizer, as Llama's has none.
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581"), "merged_with_next")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=520,
        special_tokens=["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)],
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.pre_tokenizer = None
    bos = tokenizer.token_to_id("<s>")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", bos)]
    )
    document = json.loads(tokenizer.to_str())
    # The trainer lists the byte tokens as added tokens; in a converted Llama they are plain vocabulary.
    document["added_tokens"] = [token for token in document["added_tokens"] if token["id"] < 3]
    return Tokenizer.from_str(json.dumps(document))


def space_after():
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("\u2581"), "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("\u2581", " "), decoders.Fuse()])
    trainer = trainers.BpeTrainer(vocab_size=260, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False)
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.pre_tokenizer = None
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> <s> $B </s>", special_tokens=[("<s>", 1), ("</s>", 2)]
    )
    return tokenizer


def numerals():
    tokenizer = Tokenizer(models.BPE())
    # Numerals are joined to each other and to words in training, so that it shows where they are cut.
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(NUMERALS * 4, trainer)
    return tokenizer


def cutting_digits(tokenizer, individual_digits):
    cutting = Tokenizer.from_str(tokenizer.to_str())
    cutting.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return cutting


def word_piece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=300,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        initial_alphabet=list("\u6771\u03c3\u03c2\u03b9"),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer


def unigram():
    """T5's pipeline; its map of characters, a quarter of a megabyte, is stood in for by the form that it follows."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Strip(left=False, right=True), normalizers.Replace(Regex(" {2,}"), "\u2581")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="\u2581", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="\u2581", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return tokenizer


def pairs(tokenizer, texts):
    """What the tokenizer of an encoder makes of texts, alone and in pairs with the next."""
    rows = []
    for text, other in zip(texts, texts[1:] + texts[:1]):
        pair = tokenizer.encode(text, other)
        rows.append(
            {
                "text": text,
                "ids": tokenizer.encode(text, add_special_tokens=False).ids,
                "withSpecials": tokenizer.encode(text).ids,
                "other": other,
                "pair": pair.ids,
                "types": pair.type_ids,
            }
        )
    return rows


# What BERT's normalizer has rules for: accents, Chinese of both planes, controls, sigmas, and words too long for it.
ENCODED = [
    "\u039f\u0394\u039f\u03a3 \u03a3\u03a3 \u03c3\u03a3.",
    "\u6771\u4eac\U00020000\u4eac a\U0002a6d0b",
    "\u0130stanbul I\u0307 \u1e9e",
    "soft\u00adhyphen zero\u200dwidth \ufeff\u0000 end",
    "[MASK] of [CLS] and [mask]",
    "-_$^`|~<>=+ \u00a3\u00a9\u00ab\u00a7 \u3001\u3002",
    "x" * 101,
]


def words_of_byte_level(tokenizer):
    words = Tokenizer.from_str(tokenizer.to_str())
    words.add_tokens(
        [
            AddedToken("Rome", single_word=True, normalized=False),
            AddedToken("cat", single_word=True, normalized=True),
            AddedToken("ing", single_word=False, normalized=False),
        ]
    )
    return words


def words_of_llama(tokenizer):
    words = Tokenizer.from_str(tokenizer.to_str())
    words.add_tokens(
        [
            AddedToken("Rome", single_word=True, normalized=True),
            AddedToken("cat", single_word=True, normalized=True),
        ]
    )
    return words


def expectations(tokenizer, texts):
    rows = []
    for text in texts:
        plain = tokenizer.encode(text, add_special_tokens=False)
        rows.append(
            {
                "text": text,
                "ids": plain.ids,
                "withSpecials": tokenizer.encode(text, add_special_tokens=True).ids,
                "decoded": tokenizer.decode(plain.ids, skip_special_tokens=False),
                "ends": [end for _, end in plain.offsets],
            }
        )
    return rows


def write(name, document):
    (OUT / name).write_text(json.dumps(document, ensure_ascii=False, indent=None, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    made = {"byte-level": byte_level(), "llama": llama(), "space-after": space_after()}
    for name, tokenizer in made.items():
        write(f"{name}.json", json.loads(tokenizer.to_str()))
        write(f"{name}.expected.json", expectations(tokenizer, TEXTS))
    digits = numerals()
    variants = {
        "byte-level-words": (words_of_byte_level(made["byte-level"]), WORDS),
        "llama-words": (words_of_llama(made["llama"]), WORDS),
        "single-digits": (cutting_digits(digits, True), NUMERALS),
        "joined-digits": (cutting_digits(digits, False), NUMERALS),
    }
    for name, (tokenizer, texts) in variants.items():
        write(f"{name}.json", json.loads(tokenizer.to_str()))
        write(f"{name}.expected.json", expectations(tokenizer, texts))
    pieces = word_piece()
    write("word-piece.json", json.loads(pieces.to_str()))
    write("word-piece.expected.json", pairs(pieces, TEXTS + ENCODED))
    pieces.model.save(str(OUT), "word-piece")
    likeliest = unigram()
    write("unigram.json", json.loads(likeliest.to_str()))
    write("unigram.expected.json", pairs(likeliest, TEXTS))
    made["byte-level"].model.save(str(OUT), "byte-level")
    if len(sys.argv) > 1:
        real = pathlib.Path(sys.argv[1])
        gpt2 = Tokenizer(
            models.BPE.from_file(
                str(real / "gpt2_tokenizer/gpt2_vocab.json"), str(real / "gpt2_tokenizer/gpt2_merges.txt")
            )
        )
        gpt2.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
        gpt2.decoder = decoders.ByteLevel()
        write("gpt2.expected.json", expectations(gpt2, TEXTS))
        stories = Tokenizer.from_file(str(real / "tinystories656k/tokenizer.json"))
        write("tinystories656k.expected.json", expectations(stories, TEXTS))
