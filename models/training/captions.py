"""The words of the small world: 54 objects, 8 settings, and the grammar that joins them.

    caption   := [ "a photo of" | "a picture of" ] objects [ verb ] setting
    objects   := object | object joiner object
    object    := [ "a" | "an" | "the" ] concept
    joiner    := "and" | "with" | "next to"
    verb      := "sits" | "stands" | "is"          ("sit", "stand", "are" for two joined by "and")

The article may be left out. Concepts are the keys of ``concepts.json``.
"""

import json
from pathlib import Path
from random import Random

CONCEPTS: list[str] = list(json.loads(Path(__file__).with_name("concepts.json").read_text()))

SETTINGS: dict[str, str] = {
    "bush": "in front of a bush",
    "street": "on the street",
    "beach": "on the beach",
    "table": "on a table",
    "tree": "under the tree",
    "snow": "in the snow",
    "grass": "on the grass",
    "night": "at night",
}
SETTING_NAMES: list[str] = list(SETTINGS)

_OPENINGS = ["a photo of", "a picture of"]
_VERBS = {"one": ["sits", "stands", "is"], "two": ["sit", "stand", "are"]}
_JOINERS = ["and", "with", "next to"]
_ARTICLES = ["a", "an", "the"]


def with_article(concept: str) -> str:
    """"an apple", "a dog"."""
    return f"{'an' if concept[0] in 'aeiou' else 'a'} {concept}"


def plain_caption(concepts: list[str], setting: str) -> str:
    """The one caption used where all captions should look alike: "a dog and a cat on the beach"."""
    return f"{' and '.join(with_article(concept) for concept in concepts)} {SETTINGS[setting]}"


def random_caption(concepts: list[str], setting: str, random: Random) -> str:
    """One caption of the grammar for one or two objects, left to right."""
    style = random.random()
    if style < 0.80:
        names = [with_article(concept) for concept in concepts]
    elif style < 0.92:
        names = list(concepts)
    else:
        names = [f"the {concept}" for concept in concepts]
    joiner = random.choices(_JOINERS, weights=[8, 1, 1])[0]
    plural = len(concepts) == 2 and joiner == "and"
    verb = random.choice(_VERBS["two" if plural else "one"]) + " " if random.random() < 0.55 else ""
    opening = random.choice(_OPENINGS) + " " if random.random() < 0.12 else ""
    return f"{opening}{f' {joiner} '.join(names)} {verb}{SETTINGS[setting]}"


def held_out_setting(concept: str) -> str:
    """The one setting in which this concept is never shown in training.

    Pairs of concept and setting that nobody has seen together test composition, not memory.
    """
    return SETTING_NAMES[(3 * CONCEPTS.index(concept) + 3) % len(SETTING_NAMES)]


def vocabulary() -> list[str]:
    """Every word of the grammar, sorted."""
    words = set(CONCEPTS)
    for phrases in (_OPENINGS, _JOINERS, _ARTICLES, *_VERBS.values(), SETTINGS.values()):
        for phrase in phrases:
            words.update(phrase.split())
    return sorted(words)
