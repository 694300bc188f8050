"""Draws the pictures that the judge is trained and tested on, with the diffusion pack itself, over its whole range of use.

    python judge_pictures.py --pack ../emoji-ldm --scenes data/scenes.npz --out data/judge_pictures.npz --count 16000 --held-out 2400

Each picture is one split chain (joint, guidance 2): the server draws ``first`` for t0 of N steps, the latent crosses a link of
some codec and bit error probability, the device goes on with ``second``, and sometimes stops before the end. A part of them are
composed scenes, clean or damaged by noise, blur, darkness, pale or strong colours. The held-out pictures have seeds
that no training picture has, and where server and device draw different objects (56 % of all), ordered pairs of objects that none has.
"""

import argparse
from multiprocessing import Pool
from pathlib import Path
from random import Random

import numpy
import torch
from PIL import Image, ImageEnhance, ImageFilter

from captions import CONCEPTS, SETTING_NAMES, random_caption
from latent_codec import CODECS, corrupt
from onnx_pack import OnnxPack, noise

GUIDANCE = 2.0
CHAINS_AT_ONCE = 32
SCENES_SHARE = 0.2
FIRST_SEED = {"train": 10_000_000, "held_out": 20_000_000}
NONE = -1


def is_held_out_pair(first: int, second: int) -> bool:
    """One ordered pair of objects in eight is never shown in training."""
    return first != second and (7 * first + 11 * second) % 8 == 0


def random_pair(split: str, random: Random) -> tuple[int, int]:
    """(server's object, device's object)."""
    if random.random() < 0.3:
        same = random.randrange(len(CONCEPTS))
        return same, same
    while True:
        first, second = random.randrange(len(CONCEPTS)), random.randrange(len(CONCEPTS))
        if first != second and is_held_out_pair(first, second) == (split == "held_out"):
            return first, second


def random_chain(split: str, random: Random, seed: int) -> dict:
    """What one picture is drawn from; N and t0 are the group's."""
    first, second = random_pair(split, random)
    setting = random.randrange(len(SETTING_NAMES))
    other_setting = setting if random.random() < 0.85 else random.randrange(len(SETTING_NAMES))
    third = random.choice([concept for concept in range(len(CONCEPTS)) if concept not in (first, second)]) if random.random() < 0.12 else NONE
    second_objects = [second] if third == NONE else [second, third]
    return {
        "first": first, "second": second, "third": third, "setting": setting, "first_setting": other_setting, "seed": seed,
        "first_caption": random_caption([CONCEPTS[first]], SETTING_NAMES[other_setting], random),
        "second_caption": random_caption([CONCEPTS[index] for index in second_objects], SETTING_NAMES[setting], random),
        "bit_error_probability": 0.0 if random.random() < 0.3 else random.choice([0.005, 0.01, 0.02, 0.03, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.25]),
        "codec": random.choices(CODECS, weights=[6, 2, 1, 1])[0],
    }


def draw_chains(pack: OnnxPack, chains: list[dict], steps: int, t0: int, stop: int, seed: int) -> numpy.ndarray:
    """Pictures [n, 3, 64, 64] in [−1, 1] after ``stop`` of ``steps`` steps, the first ``t0`` of them the server's."""
    latents = noise([chain["seed"] for chain in chains])
    latents = pack.denoise(latents, [chain["first_caption"] for chain in chains], GUIDANCE, steps, 0, t0)
    if t0 > 0:
        generator = numpy.random.default_rng(seed)
        latents = numpy.stack([
            corrupt(latent, chain["codec"], chain["bit_error_probability"], generator) for latent, chain in zip(latents, chains)
        ])
    return pack.decode(pack.denoise(latents, [chain["second_caption"] for chain in chains], GUIDANCE, steps, t0, stop))


def draw_group(task: tuple) -> list[dict]:
    """One group of chains with the same N and t0."""
    split, number, pack_folder = task
    torch.set_num_threads(1)
    random = Random(f"judge pictures {split} {number}")
    steps = random.randint(3, 12)
    t0 = random.randint(0, steps - 1)
    stop = steps if random.random() < 0.8 else random.randint(max(1, t0), steps)
    first_seed = FIRST_SEED[split] + number * CHAINS_AT_ONCE
    chains = [random_chain(split, random, first_seed + index) for index in range(CHAINS_AT_ONCE)]
    global _PACK
    if "_PACK" not in globals():
        _PACK = OnnxPack(pack_folder)
    pictures = draw_chains(_PACK, chains, steps, t0, stop, first_seed)
    levels = numpy.clip(numpy.round((pictures + 1) * 127.5), 0, 255).astype(numpy.uint8)
    return [chain | {"picture": picture, "steps": steps, "t0": t0, "stop": stop} for chain, picture in zip(chains, levels)]


def damaged(picture: numpy.ndarray, random: Random) -> numpy.ndarray:
    """A composed scene [3, 64, 64] uint8, as it is or with one or two kinds of damage."""
    image = Image.fromarray(picture.transpose(1, 2, 0))
    if random.random() < 0.3:
        return picture
    if random.random() < 0.35:
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 2.0)))
    if random.random() < 0.35:
        image = ImageEnhance.Brightness(image).enhance(random.uniform(0.4, 1.5))
    if random.random() < 0.35:
        image = ImageEnhance.Color(image).enhance(random.uniform(0.0, 1.8))
    levels = numpy.asarray(image, dtype=numpy.float32).transpose(2, 0, 1)
    if random.random() < 0.45:
        generator = numpy.random.default_rng(random.getrandbits(32))
        levels = levels + generator.normal(0, random.uniform(2, 60), levels.shape)
    return numpy.clip(levels, 0, 255).astype(numpy.uint8)


def scene_pictures(scenes: Path, split: str, count: int) -> list[dict]:
    """Composed scenes: of the training part for ``train``, of the held-out part else."""
    prefix = "" if split == "train" else "held_out_"
    with numpy.load(scenes) as data:
        pictures, concepts, settings = (data[prefix + name] for name in ("pictures", "concepts", "settings"))
    random = Random(f"judge scenes {split}")
    rows = []
    for index in random.sample(range(len(pictures)), min(count, len(pictures))):
        second, third = (int(concept) for concept in concepts[index])
        setting = int(settings[index])
        objects = [CONCEPTS[concept] for concept in (second, third) if concept != NONE]
        caption = random_caption(objects, SETTING_NAMES[setting], random)
        picture = pictures[index] if pictures[index].shape[0] == 3 else pictures[index].transpose(2, 0, 1)
        rows.append({
            "picture": damaged(picture, random), "first": second, "second": second, "third": third, "setting": setting, "first_setting": setting,
            "seed": index, "first_caption": caption, "second_caption": caption, "bit_error_probability": 0.0, "codec": "none", "steps": 0, "t0": 0, "stop": 0,
        })
    return rows


def main(arguments) -> None:
    columns = {}
    with Pool(arguments.workers) as pool:
        for split, count in (("train", arguments.count), ("held_out", arguments.held_out)):
            of_scenes = round(SCENES_SHARE * count)
            rows = scene_pictures(arguments.scenes, split, of_scenes)
            groups = -(-(count - of_scenes) // CHAINS_AT_ONCE)
            tasks = [(split, number, arguments.pack) for number in range(groups)]
            for done, group in enumerate(pool.imap(draw_group, tasks)):
                rows += group
                if done % 50 == 0:
                    print(f"{split}: {done} of {groups} groups", flush=True)
            for name in rows[0]:
                columns[f"{split}_{name}"] = numpy.array([row[name] for row in rows])
    numpy.savez(arguments.out, **columns)
    print({name: values.shape for name, values in columns.items() if name.endswith("picture")})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=16_000)
    parser.add_argument("--held-out", type=int, default=2_400)
    parser.add_argument("--workers", type=int, default=2)
    main(parser.parse_args())
