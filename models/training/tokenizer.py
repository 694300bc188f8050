"""A word-level tokenizer in CLIP's manner: lower case, start token, words, end token, padded with end tokens to 16.

Commas and full stops are dropped; any other unknown word becomes ``<|unk|>``, which a caller can look for.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from captions import vocabulary

LENGTH = 16
START, END, UNKNOWN = "<|startoftext|>", "<|endoftext|>", "<|unk|>"


def build_tokenizer() -> Tokenizer:
    """The tokenizer of the grammar's words; a word outside it becomes ``<|unk|>``."""
    words = {word: index for index, word in enumerate([START, END, UNKNOWN, *vocabulary()])}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=UNKNOWN))
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in (START, END, UNKNOWN)])
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(",", " "), normalizers.Replace(".", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, words[START]), (END, words[END])]
    )
    tokenizer.enable_truncation(LENGTH)
    tokenizer.enable_padding(length=LENGTH, pad_id=words[END], pad_token=END)
    return tokenizer


def token_ids(tokenizer: Tokenizer, captions: list[str]) -> list[list[int]]:
    """[n][16] token numbers. The empty caption is the unconditional one."""
    return [encoding.ids for encoding in tokenizer.encode_batch(captions)]


def save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    """``tokenizer.json``, and the ``tokenizer_config.json`` that transformers' fast tokenizers read."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": LENGTH,
        "bos_token": START,
        "eos_token": END,
        "pad_token": END,
        "unk_token": UNKNOWN,
        "clean_up_tokenization_spaces": False,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")
