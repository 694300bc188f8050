"""The VLM judge against transformers on the same tiny model, the same questions and one thread, in turns.

    python benches/transformers_judge.py            (needs models/training/requirements.txt, and cargo)

The model is that of tests/reference/tiny_llava.py, in torch here and as the exported pack there: two personas before each of 16
pictures, one score each from the logits after the prompt. transformers is asked one picture at a time, as its examples do, and in
batches of 8 prompts. latentlink (`cargo bench --bench judge -- PACK --seconds`) reads the text before the picture once for each persona.
A model this small shows what is spent around the arithmetic, not in it.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy
import torch
from PIL import Image
from transformers import CLIPImageProcessor

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/reference"))
from tiny_llava import model, prompt, tokenizer  # noqa: E402

PICTURES, TURNS = 16, 5
PERSONAS = [[0.1, 0.8, 0.7, 0.8, 0.1], [0.9, 0.2, 0.1, 0.1, 0.8]]
REQUEST = "a tiger sits in front of a bush"


@torch.no_grad()
def scores(llava, words, processor, pictures, batch: int) -> list[float]:
    marks = [words.token_to_id(str(mark)) for mark in range(10)]
    found = []
    for persona in PERSONAS:
        for begin in range(0, len(pictures), batch):
            part = pictures[begin : begin + batch]
            before, after = prompt(persona, REQUEST)
            ids = words.encode(before).ids + [3] * 16 + words.encode(after, add_special_tokens=False).ids
            ids = torch.tensor([ids] * len(part))
            pixels = processor([Image.fromarray(picture) for picture in part], return_tensors="pt")["pixel_values"]
            logits = llava(input_ids=ids, pixel_values=pixels, attention_mask=torch.ones_like(ids), use_cache=False).logits[:, -1]
            found += (torch.softmax(logits[:, marks], 1) @ torch.arange(10.0) / 9).tolist()
    return found


def main() -> None:
    torch.set_num_threads(1)
    llava, words = model(), tokenizer()
    processor = CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    pictures = [numpy.random.default_rng(index).integers(0, 256, (64, 64, 3), dtype=numpy.uint8) for index in range(PICTURES)]
    ratios = {1: [], 8: []}
    for turn in range(TURNS + 1):
        ours = subprocess.run(
            ["cargo", "bench", "--quiet", "--bench", "judge", "--", "tests/vectors/tiny_llava/pack", "--seconds"],
            check=True, capture_output=True, text=True, cwd=ROOT,
        )
        ours_s = float(ours.stdout.split()[-1])
        for batch in ratios:
            start = time.perf_counter()
            count = len(scores(llava, words, processor, pictures, batch))
            theirs_s = (time.perf_counter() - start) / count
            if turn > 0:  # the first turn warms all up
                ratios[batch].append(theirs_s / ours_s)
                print(f"turn {turn}: transformers in batches of {batch} {1e3 * theirs_s:.2f} ms a score, latentlink {1e3 * ours_s:.2f} ms")
    for batch, values in ratios.items():
        print(f"against batches of {batch}: latentlink is faster by a factor of {statistics.median(values):.1f} (median of {TURNS} turns)")


if __name__ == "__main__":
    main()
