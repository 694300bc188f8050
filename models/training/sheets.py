"""Sheets of pictures with a line of text over each, as one PNG."""

from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

_TEXT_PX, _GAP_PX = 11, 3


def save_sheet(path: Path, pictures: numpy.ndarray, titles: list[str], columns: int, colours: int = 0) -> None:
    """Pictures [n, 3, 64, 64] in [−1, 1], row by row; ``colours`` > 0 stores a palette of that size, which is smaller."""
    side = pictures.shape[2]
    width, height = side + _GAP_PX, side + _TEXT_PX + _GAP_PX
    rows = -(-len(pictures) // columns)
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(8)
    for index, (picture, title) in enumerate(zip(pictures, titles)):
        left, top = index % columns * width, index // columns * height
        pixels = ((numpy.clip(picture, -1, 1) + 1) * 127.5).round().astype(numpy.uint8)
        while title and draw.textlength(title, font=font) > side + 1:
            title = title[:-1]
        draw.text((left, top), title, fill="black", font=font)
        sheet.paste(Image.fromarray(pixels.transpose(1, 2, 0)), (left, top + _TEXT_PX))
    if colours:
        sheet = sheet.quantize(colours, kmeans=3, dither=Image.Dither.NONE)
    sheet.save(path, optimize=True)
