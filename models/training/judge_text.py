"""The words of the shipped judge: its prompt template, its word-level tokenizer, its marks.

The template is the pack's ``judge_template.toml``; the simulator fills the same file.
"""

import re
import tomllib
from pathlib import Path

import numpy
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from captions import vocabulary
from preference import TRAITS

TEMPLATE_FILE = Path(__file__).parents[1] / "emoji-llava/judge_template.toml"
TEMPLATE = tomllib.loads(TEMPLATE_FILE.read_text())
MARKS = range(TEMPLATE["scale"]["lowest"], TEMPLATE["scale"]["highest"] + 1)
BEGIN, END, UNKNOWN, PADDING, PICTURE = "<s>", "</s>", "<unk>", "<pad>", "<image>"


def render(traits: numpy.ndarray, request: str) -> tuple[str, str]:
    """The prompt before and after the picture."""
    percent = {f"{name}_percent": str(round(100 * float(value))) for name, value in zip(TRAITS, traits)}
    text = TEMPLATE["format"].format(
        general=TEMPLATE["general"], agent=TEMPLATE["agent"].format(**percent), picture=PICTURE, question=TEMPLATE["question"].format(request=request)
    )
    before, after = text.split(PICTURE)
    return before.strip(), after.strip()


def build_tokenizer() -> Tokenizer:
    """Lower case, words and punctuation apart; numbers 0 to 100 are words."""
    words = set(vocabulary())
    for text in (TEMPLATE["general"], TEMPLATE["agent"], TEMPLATE["question"], TEMPLATE["format"]):
        words.update(re.findall(r"\w+|[^\w\s]", re.sub(r"\{\w+\}", " ", text).lower()))
    special = [PADDING, BEGIN, END, UNKNOWN, PICTURE]
    numbers = [str(mark) for mark in MARKS]
    tokens = special + numbers + sorted(words - set(numbers))
    tokenizer = Tokenizer(models.WordLevel({token: index for index, token in enumerate(tokens)}, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Punctuation()])
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, tokens.index(BEGIN))])
    return tokenizer
