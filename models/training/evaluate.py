"""Measures an exported pack: quality over held-out prompts, the autoencoder, sizes and speed.

    python evaluate.py --pack ../emoji-ldm --classifier data/classifier.pt --scenes data/scenes.npz --guidance 2

Prompts: every concept in the setting that its training never showed, and in other settings, with captions and
start noise of seeds that no training used. Writes ``quality.csv`` (one row a concept) and ``samples.png`` into the pack.
"""

import argparse
import csv
import time
from pathlib import Path
from random import Random

import numpy
import torch

from autoencoder import peak_signal_to_noise_db, to_network
from captions import CONCEPTS, SETTING_NAMES, held_out_setting, plain_caption, random_caption
from classifier import load_classifier
from onnx_pack import OnnxPack, noise
from sheets import save_sheet

FIRST_SEED = 500_000


def held_out_prompts(per_concept: int) -> list[tuple[str, str, str]]:
    """(concept, setting, caption): half in the never-seen setting, half in random others."""
    prompts = []
    for concept in CONCEPTS:
        for number in range(per_concept):
            random = Random(f"evaluation {concept} {number}")
            unseen = held_out_setting(concept)
            setting = unseen if number % 2 == 0 else random.choice([name for name in SETTING_NAMES if name != unseen])
            prompts.append((concept, setting, random_caption([concept], setting, random)))
    return prompts


@torch.no_grad()
def judge(classifier, pictures: numpy.ndarray) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Probabilities of the objects [n, 54] and of the settings [n, 8]."""
    objects, settings = classifier(torch.from_numpy(pictures))
    return objects.softmax(1).numpy(), settings.softmax(1).numpy()


def quality(pack: OnnxPack, classifier, guidance: float, steps: int, per_concept: int) -> list[dict]:
    """Generates, judges, and returns one row a concept; prints the means."""
    prompts = held_out_prompts(per_concept)
    latents = noise([FIRST_SEED + index for index in range(len(prompts))])
    latents = pack.denoise(latents, [caption for _, _, caption in prompts], guidance, steps)
    objects, settings = judge(classifier, pack.decode(latents))
    concept_index = numpy.array([CONCEPTS.index(concept) for concept, _, _ in prompts])
    setting_index = numpy.array([SETTING_NAMES.index(setting) for _, setting, _ in prompts])
    unseen = numpy.array([setting == held_out_setting(concept) for concept, setting, _ in prompts])
    confidence = objects[numpy.arange(len(prompts)), concept_index]
    top1 = objects.argmax(1) == concept_index
    scene = settings.argmax(1) == setting_index
    print(
        f"steps {steps} guidance {guidance} n = {len(prompts)}: object top-1 {top1.mean():.4f} (unseen pairs {top1[unseen].mean():.4f}), "
        f"confidence {confidence.mean():.4f}, setting {scene.mean():.4f} (unseen {scene[unseen].mean():.4f}), "
        f"latent standard deviation {latents.std():.3f}, largest {abs(latents).max():.2f}", flush=True,
    )
    rows = []
    for index, concept in enumerate(CONCEPTS):
        own = concept_index == index
        rows.append({"concept": concept, "n": int(own.sum()), "object_top1": round(top1[own].mean(), 4),
                     "confidence": round(float(confidence[own].mean()), 4), "setting_top1": round(scene[own].mean(), 4)})
    return rows


def autoencoder_psnr(pack: OnnxPack, scenes: Path) -> None:
    with numpy.load(scenes) as data:
        target = to_network(torch.from_numpy(data["held_out_pictures"]))
    output = [pack.decode(pack.encoder.run(None, {"sample": chunk.numpy()})[0]) for chunk in target.split(32)]
    ratio = peak_signal_to_noise_db(torch.from_numpy(numpy.concatenate(output)), target)
    print(f"autoencoder on {len(target)} held-out scenes: PSNR {ratio.mean():.2f} dB (5th percentile {ratio.quantile(0.05):.2f})", flush=True)


def speed(pack: OnnxPack, repeats: int = 15) -> None:
    """Milliseconds of one call on one thread: the smallest and the median of several."""

    def measure(name, session, inputs, batch):
        times = []
        for _ in range(repeats + 2):
            start = time.perf_counter()
            session.run(None, inputs)
            times.append(1e3 * (time.perf_counter() - start))
        times = sorted(times[2:])
        print(f"{name} batch {batch}: {times[0]:.2f} ms smallest, {times[len(times) // 2]:.2f} ms median", flush=True)

    for batch in (1, 2, 8, 32):
        inputs = {"sample": noise(list(range(batch))), "timestep": numpy.full(batch, 500),
                  "encoder_hidden_states": pack.encode_captions(["a dog on the beach"] * batch)}
        measure("unet", pack.unet, inputs, batch)
    measure("vae_decoder", pack.decoder, {"latent_sample": noise([0])}, 1)
    measure("vae_encoder", pack.encoder, {"sample": numpy.zeros((1, 3, 64, 64), numpy.float32)}, 1)
    measure("text_encoder", pack.text_encoder, {"input_ids": numpy.zeros((1, 16), numpy.int64)}, 1)
    size = sum(path.stat().st_size for path in pack.folder.rglob("*") if path.is_file())
    print(f"pack {size / 1e6:.2f} MB")


def sample_sheet(pack: OnnxPack, guidance: float, steps: int) -> None:
    """Every concept once, settings in turn, and ten pairs."""
    captions = [plain_caption([concept], SETTING_NAMES[index % 8]) for index, concept in enumerate(CONCEPTS)]
    captions += [plain_caption([CONCEPTS[5 * index], CONCEPTS[5 * index + 2]], SETTING_NAMES[index % 8]) for index in range(10)]
    latents = pack.denoise(noise([FIRST_SEED + 10_000 + index for index in range(len(captions))]), captions, guidance, steps)
    save_sheet(pack.folder / "samples.png", pack.decode(latents), captions, columns=8, colours=256)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--per-concept", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    pack, classifier = OnnxPack(arguments.pack, arguments.threads), load_classifier(arguments.classifier)
    rows = quality(pack, classifier, arguments.guidance, arguments.steps, arguments.per_concept)
    with open(arguments.pack / "quality.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    print("weakest:", ", ".join(f"{row['concept']} {row['object_top1']:.2f}/{row['confidence']:.2f}" for row in sorted(rows, key=lambda row: row["confidence"])[:10]))
    sample_sheet(pack, arguments.guidance, arguments.steps)
    autoencoder_psnr(pack, arguments.scenes)
    speed(OnnxPack(arguments.pack, 1))
