"""What transformers and tokenizers make of prompts, for the tests of PromptTokenizer.

    python3 tests/reference/tokenizer.py clip
        writes tests/vectors/clip_tokenizer/: a small tokenizer with CLIP's own algorithm (lower-casing, byte-level
        BPE, end-of-word marks, no padding section), and the ids that transformers gives.
    python3 tests/reference/tokenizer.py pack models/emoji-ldm
        writes tests/vectors/pack_tokenizer.json: ids by the pack's own tokenizer.json, padded as diffusers pads.
    python3 tests/reference/tokenizer.py padding
        writes tests/vectors/clip_padding.json: with which token the slow tokenizer of CLIP pads, by what tokenizer_config.json
        and special_tokens_map.json say, over the vocabulary of tests/vectors/tiny_stable_diffusion/sd15.

Needs transformers 4.46 and tokenizers 0.20; the last transformers 4.55.4.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

from tokenizers import Tokenizer
from transformers import CLIPTokenizer, CLIPTokenizerFast, PreTrainedTokenizerFast
from transformers.models.clip.tokenization_clip import bytes_to_unicode

VECTORS = pathlib.Path(__file__).parents[1] / "vectors"
CLIP_LENGTH = 12

CLIP_PROMPTS = [
    "",
    "a tiger sits in front of a bush",
    "A  Tiger,   sits IN front of a bush!",
    "the dog's tail isn't 42 cm long",
    "tigers",
    "un café à Zürich",
    "東京 🐯",
    "a tiger sits in front of a bush in front of a bush in front of a bush",
    "<|endoftext|> a bush",
]

PACK_PROMPTS = [
    "",
    "a tiger sits in front of a bush",
    "A DOG sits in front of a bush",
    "an apple and a lemon on a table",
    "a zebra sits in front of a bush",
    "a dog, a cat",
    "a photo of a dog and a cat on the beach and a photo of a dog and a cat on the beach and a tree",
    "café",
]


def write_json(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def train_merges(words, count):
    """Byte-pair merges over `words`, most frequent pair first, ties by name."""
    alphabet = bytes_to_unicode()
    pieces = []
    for word in words:
        letters = [alphabet[byte] for byte in word.encode()]
        pieces.append(letters[:-1] + [letters[-1] + "</w>"])
    merges = []
    while len(merges) < count:
        pairs = {}
        for piece in pieces:
            for pair in zip(piece, piece[1:]):
                pairs[pair] = pairs.get(pair, 0) + 1
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        for piece in pieces:
            index = 0
            while index < len(piece) - 1:
                if (piece[index], piece[index + 1]) == best:
                    piece[index : index + 2] = ["".join(best)]
                index += 1
    return merges


def clip():
    folder = VECTORS / "clip_tokenizer"
    folder.mkdir(parents=True, exist_ok=True)
    merges = train_merges("a tiger sits in front of the bush dog isn't long tail café".split(), 40)
    letters = list(bytes_to_unicode().values())
    vocab = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    vocab += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as slow_folder:
        slow_folder = pathlib.Path(slow_folder)
        write_json(slow_folder / "vocab.json", {token: number for number, token in enumerate(vocab)})
        lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
        (slow_folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        slow = CLIPTokenizer(slow_folder / "vocab.json", slow_folder / "merges.txt", model_max_length=CLIP_LENGTH)
        slow.save_pretrained(slow_folder)
        fast = CLIPTokenizerFast.from_pretrained(slow_folder)
        fast.save_pretrained(slow_folder)
        description = json.loads((slow_folder / "tokenizer.json").read_text(encoding="utf-8"))
        assert description["padding"] is None and description["truncation"] is None
        for name in ["tokenizer.json", "tokenizer_config.json"]:
            shutil.copy(slow_folder / name, folder / name)
        cases = []
        for prompt in CLIP_PROMPTS:
            arguments = dict(padding="max_length", max_length=CLIP_LENGTH)
            ids = fast(prompt, truncation=True, **arguments).input_ids
            whole = fast(prompt, truncation=False, **arguments).input_ids
            # Without the package ftfy the slow tokenizer splits Chinese characters its own way.
            assert not prompt.isascii() or ids == slow(prompt, truncation=True, **arguments).input_ids
            cases.append({"prompt": prompt, "ids": ids, "truncated": len(whole) > CLIP_LENGTH})
    write_json(folder / "reference.json", {"prompt_length": CLIP_LENGTH, "cases": cases})


def pack(root):
    folder = root / "tokenizer"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    description = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    unknown = tokenizer.token_to_id(description["model"].get("unk_token") or "")
    whole = Tokenizer.from_file(str(folder / "tokenizer.json"))
    whole.no_truncation()
    whole.no_padding()
    if (folder / "tokenizer_config.json").exists():
        fast = PreTrainedTokenizerFast.from_pretrained(folder)
        length = fast.model_max_length
        encode = lambda prompt: fast(prompt, padding="max_length", max_length=length, truncation=True).input_ids
    else:
        length = tokenizer.padding["length"]
        encode = lambda prompt: tokenizer.encode(prompt).ids
    cases = []
    for prompt in PACK_PROMPTS:
        full = whole.encode(prompt)
        words = [prompt[start:end] for token, (start, end) in zip(full.ids, full.offsets) if token == unknown and start < end]
        cases.append({
            "prompt": prompt,
            "ids": encode(prompt),
            "unknown_words": list(dict.fromkeys(words)),
            "truncated": len(full.ids) > length,
        })
    write_json(VECTORS / "pack_tokenizer.json", {"prompt_length": length, "cases": cases})


def padding():
    """An absent setting is not written; without a map there is no such file."""
    source = VECTORS / "tiny_stable_diffusion" / "sd15" / "tokenizer"
    table = json.loads((VECTORS / "tiny_stable_diffusion" / "sd21" / "tokenizer" / "tokenizer_config.json").read_text())
    added = {"content": "!", "lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    usual = {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    named = [{}, {"pad_token": None}, {"pad_token": "<|endoftext|>"}, {"pad_token": "!"}]
    cases = []
    for tables in [{}, {"added_tokens_decoder": table["added_tokens_decoder"]}]:
        for in_config in named + [{"pad_token": {**added, "__type": "AddedToken"}}]:
            for in_map in [None, *(case for case in named if case != {"pad_token": None}), {"pad_token": added}]:
                with tempfile.TemporaryDirectory() as folder:
                    folder = pathlib.Path(folder)
                    for name in ["vocab.json", "merges.txt"]:
                        shutil.copy(source / name, folder / name)
                    config = {**usual, **tables, **in_config}
                    write_json(folder / "tokenizer_config.json", config)
                    if in_map is not None:
                        write_json(folder / "special_tokens_map.json", in_map)
                    slow = CLIPTokenizer.from_pretrained(folder)
                    ids = None
                    if slow.pad_token is not None:
                        ids = slow("a dog!", padding="max_length", max_length=slow.model_max_length, truncation=True).input_ids
                        # The rest is all padding.
                        assert len(set(ids[8:])) == 1
                        ids = ids[:9]
                    cases.append({"config": config, "map": in_map, "pad_token": slow.pad_token, "ids": ids})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (VECTORS / "clip_padding.json").write_text(f'{{"prompt": "a dog!", "cases": [\n{lines}\n]}}\n', encoding="utf-8")


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("kind", choices=["clip", "pack", "padding"])
parser.add_argument("root", nargs="?", type=pathlib.Path)
arguments = parser.parse_args()
if arguments.kind == "clip":
    clip()
elif arguments.kind == "padding":
    padding()
elif arguments.root is None:
    parser.error("name the pack's folder")
else:
    pack(arguments.root)
