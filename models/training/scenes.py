"""Pictures of the small world: one or two emoji drawings in one of eight settings.

A scene is drawn at 128×128 and halved, so edges are smooth:

    background of the setting ──► shadow ──► drawing(s), standing on the ground ──► light ──► 64×64 RGB
    (sky, ground, one landmark)
"""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy
from PIL import Image, ImageDraw, ImageFilter

from captions import CONCEPTS, SETTING_NAMES, held_out_setting, random_caption

PICTURE_SIZE_PX = 64
_CANVAS_PX = 2 * PICTURE_SIZE_PX
_SHARE_OF_PAIRS = 0.3


@dataclass
class Scene:
    """A picture [64, 64, 3] uint8, its caption, and what is in it."""

    picture: numpy.ndarray
    caption: str
    concepts: list[str]
    setting: str


def load_drawings(folder: Path) -> dict[str, Image.Image]:
    """The RGBA drawings that ``render_emoji.mjs`` made, cut to their visible part, by concept."""
    drawings = {}
    for concept in CONCEPTS:
        drawing = Image.open(Path(folder) / f"{concept}.png").convert("RGBA")
        drawings[concept] = drawing.crop(drawing.getchannel("A").getbbox())
    return drawings


def draw_scene(seed: int, drawings: dict[str, Image.Image], held_out: bool = False, on_grid: bool = False) -> Scene:
    """The scene of this seed.

    Training scenes (``held_out=False``) never show a concept in its held-out setting;
    ``held_out=True`` shows nothing else (first object). ``on_grid`` is for the denoiser: see ``_places``.
    """
    random = Random(f"scene {seed} {held_out} {on_grid}" if on_grid else f"scene {seed} {held_out}")
    concepts = random.sample(CONCEPTS, 2 if random.random() < _SHARE_OF_PAIRS else 1)
    if held_out:
        setting = held_out_setting(concepts[0])
    else:
        forbidden = {held_out_setting(concept) for concept in concepts}
        setting = random.choice([name for name in SETTING_NAMES if name not in forbidden])
    picture = compose([drawings[concept] for concept in concepts], setting, random, on_grid)
    return Scene(picture, random_caption(concepts, setting, random), concepts, setting)


def compose(objects: list[Image.Image], setting: str, random: Random, on_grid: bool) -> numpy.ndarray:
    """Places one or two drawings, left to right, in a setting: [64, 64, 3] uint8."""
    canvas = Image.new("RGB", (_CANVAS_PX, _CANVAS_PX))
    _BACKGROUNDS[setting](ImageDraw.Draw(canvas), random)
    for drawing, (centre, bottom, size) in zip(objects, _places(len(objects), random, on_grid)):
        scale = size / max(drawing.size)
        width, height = (max(1, round(side * scale)) for side in drawing.size)
        _shadow(canvas, centre, bottom, width)
        small = drawing.resize((width, height), Image.LANCZOS)
        canvas.paste(small, (round(centre - width / 2), round(bottom - height)), small)
    pixels = numpy.asarray(canvas.reduce(2), dtype=numpy.float32)
    light = random.uniform(0.93, 1.04)
    return numpy.clip(pixels * light, 0, 255).round().astype(numpy.uint8)


def _places(count: int, random: Random, on_grid: bool) -> list[tuple[float, float, float]]:
    """Centre, bottom and size [canvas px] of one or two objects.

    Anywhere in a range for the autoencoder and the classifier. On a grid of one latent cell (8 canvas px) and in one
    size for the denoiser: an object moved by a whole cell has the same latents, so that a small network trained for
    an hour learns shapes instead of sixteen shifted versions of each.
    """
    if on_grid:
        if count == 1:
            return [(random.choice((56, 64, 72)), random.choice((112, 120)), 84)]
        return [(centre, random.choice((112, 120)), 57) for centre in (32, 96)]
    if count == 1:
        places = [(64 + random.uniform(-9, 9), random.uniform(76, 90))]
    else:
        places = [(centre + random.uniform(-3, 3), random.uniform(54, 60)) for centre in (33, 95)]
    return [(centre, 116 + random.uniform(-5, 5), size) for centre, size in places]


def _shadow(canvas: Image.Image, centre: float, bottom: float, width: float) -> None:
    """A soft dark ellipse on the ground, under the object."""
    mask = Image.new("L", canvas.size)
    ImageDraw.Draw(mask).ellipse((centre - 0.42 * width, bottom - 6, centre + 0.42 * width, bottom + 5), fill=70)
    canvas.paste((0, 0, 0), mask=mask.filter(ImageFilter.GaussianBlur(2)))


def _shade(colour: tuple[int, int, int], random: Random, spread: int = 8) -> tuple[int, ...]:
    """The colour, a little lighter or darker."""
    change = random.randint(-spread, spread)
    return tuple(min(255, max(0, channel + change)) for channel in colour)


def _sky_and_ground(draw: ImageDraw.ImageDraw, random: Random, sky, ground, horizon: float) -> float:
    """Two flat areas; returns the horizon's height [canvas px from the top]."""
    horizon += random.uniform(-4, 4)
    draw.rectangle((0, 0, 128, 128), fill=_shade(sky, random))
    draw.rectangle((0, horizon, 128, 128), fill=_shade(ground, random))
    return horizon


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour) -> None:
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _bush(draw: ImageDraw.ImageDraw, random: Random) -> None:
    horizon = _sky_and_ground(draw, random, (170, 220, 250), (120, 190, 85), 88)
    green, shift = _shade((45, 120, 55), random), random.uniform(-4, 4)
    for x, y, radius in ((28, -6, 25), (64, -28, 34), (100, -6, 25)):
        _disc(draw, x + shift, horizon + y, radius, green)
    draw.rectangle((0, horizon + 12, 128, 128), fill=_shade((120, 190, 85), random, 4))


def _street(draw: ImageDraw.ImageDraw, random: Random) -> None:
    horizon = _sky_and_ground(draw, random, (175, 215, 240), (95, 97, 105), 74)
    for left, right, top, colour in ((0, 30, 34, (205, 150, 135)), (36, 70, 46, (190, 170, 150)), (86, 128, 28, (205, 150, 135))):
        draw.rectangle((left, top, right, horizon), fill=_shade(colour, random))
    for left in range(4, 128, 42):
        draw.rectangle((left, 120, left + 24, 124), fill=(235, 235, 235))


def _beach(draw: ImageDraw.ImageDraw, random: Random) -> None:
    horizon = _sky_and_ground(draw, random, (160, 220, 250), (245, 220, 155), 86)
    draw.rectangle((0, horizon - 30, 128, horizon - 3), fill=_shade((45, 130, 190), random))
    draw.rectangle((0, horizon - 3, 128, horizon), fill=(225, 240, 245))
    _disc(draw, 18 + random.uniform(-4, 4), 18 + random.uniform(-4, 4), 12, (255, 225, 90))


def _table(draw: ImageDraw.ImageDraw, random: Random) -> None:
    horizon = _sky_and_ground(draw, random, (245, 228, 212), (150, 95, 55), 90)
    draw.rectangle((0, horizon + 30, 128, 128), fill=_shade((115, 70, 40), random))


def _tree(draw: ImageDraw.ImageDraw, random: Random) -> None:
    horizon = _sky_and_ground(draw, random, (165, 218, 248), (125, 190, 85), 88)
    shift, green = random.uniform(-5, 5), _shade((60, 150, 65), random)
    draw.rectangle((104 + shift, 30, 116 + shift, horizon + 10), fill=(115, 75, 50))
    for x, y, radius in ((72, 8, 20), (96, 6, 26), (122, 12, 24)):
        _disc(draw, x + shift, y, radius, green)


def _snow(draw: ImageDraw.ImageDraw, random: Random) -> None:
    _sky_and_ground(draw, random, (150, 172, 205), (240, 244, 252), 84)
    for x, y in ((14, 22), (44, 8), (30, 52), (88, 10), (114, 30), (104, 58)):
        _disc(draw, x + random.uniform(-3, 3), y + random.uniform(-3, 3), 4, (240, 244, 252))


def _grass(draw: ImageDraw.ImageDraw, random: Random) -> None:
    _sky_and_ground(draw, random, (165, 220, 250), (115, 190, 80), 84)


def _night(draw: ImageDraw.ImageDraw, random: Random) -> None:
    _sky_and_ground(draw, random, (22, 24, 70), (35, 55, 55), 92)
    _disc(draw, 106 + random.uniform(-4, 4), 20 + random.uniform(-4, 4), 12, (250, 242, 205))
    for x, y in ((18, 20), (48, 10), (76, 26), (26, 56)):
        _disc(draw, x + random.uniform(-3, 3), y + random.uniform(-3, 3), 3, (225, 225, 240))


_BACKGROUNDS = {
    "bush": _bush, "street": _street, "beach": _beach, "table": _table,
    "tree": _tree, "snow": _snow, "grass": _grass, "night": _night,
}
