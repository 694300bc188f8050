"""The preference model: how much a person with given Big Five traits likes a picture, in [0, 1]. Synthetic, not human data.

    picture ─► what can be seen ─► utility for a persona and a request ─► how answers scatter around it

Everything that the utility depends on is in the pixels: which objects and setting the classifier recognises, how rough, sharp,
bright and colourful the picture is. The persona decides the weights. The card of ``models/emoji-llava`` gives reasons and sources.
"""

from dataclasses import dataclass

import numpy
import torch

from classifier import Classifier

TRAITS = ["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
GA1 = numpy.array([0.1, 0.8, 0.7, 0.8, 0.1])
GA2 = numpy.array([0.9, 0.2, 0.1, 0.1, 0.8])
GA2_FIG10 = numpy.array([0.9, 0.2, 0.1, 0.1, 0.5])

TEMPERATURE = 2.0  # softens the classifier's object probabilities, so that traces of a second object count
CLEAR_OBJECT = 0.8  # softened probability from which on one object is as clear as it gets
LUMINANCE = torch.tensor([0.299, 0.587, 0.114])


@dataclass
class Seen:
    """What can be seen in n pictures."""

    objects: numpy.ndarray  # [n, 54] softened probabilities of the classifier
    settings: numpy.ndarray  # [n, 8] probabilities
    damage: numpy.ndarray  # [n] in [0, 1]: noise, blocks, unfinished texture
    sharpness: numpy.ndarray  # [n] in [0, 1]
    brightness: numpy.ndarray  # [n] in [0, 1]
    colour: numpy.ndarray  # [n] in [0, 1]

    def rows(self, index) -> "Seen":
        return Seen(*(getattr(self, field)[index] for field in self.__dataclass_fields__))


@torch.no_grad()
def look_at(pictures: numpy.ndarray, classifier: Classifier) -> Seen:
    """What can be seen in pictures [n, 3, 64, 64] uint8."""
    parts = [_look_at(torch.from_numpy(pictures[begin : begin + 256]).float() / 255, classifier) for begin in range(0, len(pictures), 256)]
    return Seen(*(numpy.concatenate(field) for field in zip(*parts)))


def _look_at(pictures: torch.Tensor, classifier: Classifier) -> list[numpy.ndarray]:
    objects, settings = classifier(2 * pictures - 1)
    grey = (pictures * LUMINANCE[:, None, None]).sum(1)
    gradient = torch.hypot(grey[:, :-1, 1:] - grey[:, :-1, :-1], grey[:, 1:, :-1] - grey[:, :-1, :-1])
    roughness = gradient.mean((1, 2))  # clean scenes 0.02–0.07
    edge = gradient.square().mean((1, 2)) / roughness.clamp(min=1e-4)  # how steep edges are; clean 0.1–0.4, blurred below 0.1
    red_green, yellow_blue = pictures[:, 0] - pictures[:, 1], (pictures[:, 0] + pictures[:, 1]) / 2 - pictures[:, 2]
    spread = torch.hypot(red_green.std((1, 2)), yellow_blue.std((1, 2)))
    colourfulness = spread + 0.3 * torch.hypot(red_green.mean((1, 2)), yellow_blue.mean((1, 2)))  # Hasler and Süsstrunk 2003
    values = [
        (objects / TEMPERATURE).softmax(1), settings.softmax(1),
        ((roughness - 0.05) / 0.08).clamp(0, 1), ((edge - 0.03) / 0.09).clamp(0, 1), grey.mean((1, 2)), ((colourfulness - 0.15) / 0.35).clamp(0, 1),
    ]
    return [value.numpy() for value in values]


def recognisable(seen: Seen, requested: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """(requested, strangest): how clear the requested objects [n, 54] 0/1 are, and the clearest object that nobody asked for."""
    count = requested.sum(1)
    clear = numpy.minimum(1, count[:, None] * seen.objects / CLEAR_OBJECT)
    return (clear * requested).sum(1) / count, (clear * (1 - requested)).max(1)


def novelty_seeking(traits: numpy.ndarray) -> numpy.ndarray:
    """ψ in [−1, 1] of personas [n, 5]: open and disagreeable, less so the more conscientious."""
    openness, conscientiousness, _, agreeableness, _ = traits.T
    return numpy.clip(0.8 * (openness - agreeableness) - 0.2 * (conscientiousness - 0.5), -1, 1)


def utility(seen: Seen, requested: numpy.ndarray, setting: numpy.ndarray, traits: numpy.ndarray) -> numpy.ndarray:
    """Utility [n] in [0, 1] of n pictures for n personas who asked for objects [n, 54] 0/1 in a setting [n]."""
    _, conscientiousness, extraversion, agreeableness, neuroticism = traits.T
    clear, stranger = recognisable(seen, requested)
    mixture, novelty = numpy.minimum(clear, stranger), novelty_seeking(traits)
    # What of a mixture counts as the object, and what it adds for those who look for the new.
    content = clear + numpy.clip(0.35 + 0.8 * novelty, -0.1, 1) * mixture + 0.25 * numpy.maximum(novelty, 0) * mixture
    right_setting = seen.settings[numpy.arange(len(setting)), setting]
    value = (0.95 - 0.10 * neuroticism) * (0.08 + 0.87 * numpy.clip(content, 0, 1.1))
    value *= 1 - (0.10 + 0.30 * conscientiousness) * (1 - right_setting)
    value *= 1 - (0.45 + 0.30 * neuroticism) * seen.damage
    value *= 1 - (0.15 + 0.20 * conscientiousness) * (1 - seen.sharpness)
    value += 0.06 * (2 * extraversion - 1) * (2 * seen.colour - 1) * clear
    value += 0.02 * (2 * agreeableness - 1) * clear
    value += 0.05 * (2 * neuroticism - 1) * (1.3 - 2 * seen.brightness) * clear
    return numpy.clip(value, 0, 1)


def answer_deviation(utilities: numpy.ndarray) -> numpy.ndarray:
    """Standard deviation of repeated answers: people agree with themselves more on good pictures than on bad ones."""
    return 0.02 + 0.10 * (1 - utilities)
