"""Shows that diffusers' own schedulers accept the pack: DDIM, DDPM and Euler with 10 and 20 steps.

    python check_diffusers.py --pack ../emoji-ldm --classifier data/classifier.pt --guidance 2

For every scheduler and step count: object top-1 over all 54 concepts. For DDIM also the largest difference to
``onnx_pack.py``.
"""

import argparse
from pathlib import Path

import numpy
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler

from captions import CONCEPTS, SETTING_NAMES, plain_caption
from classifier import load_classifier
from evaluate import judge
from onnx_pack import OnnxPack, noise

FIRST_SEED = 600_000


def sample(pack: OnnxPack, scheduler, start: numpy.ndarray, captions: list[str], guidance: float, steps: int) -> numpy.ndarray:
    """Latents [n, 4, 16, 16] drawn with a diffusers scheduler, written as diffusers' pipelines write it."""
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(0)
    latents = torch.from_numpy(start) * scheduler.init_noise_sigma
    texts = numpy.concatenate([numpy.repeat(pack.encode_captions([""]), len(start), 0), pack.encode_captions(captions)])
    for time in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, time).float().numpy()
        inputs = {"sample": numpy.concatenate([scaled, scaled]), "timestep": numpy.full(2 * len(start), int(time)), "encoder_hidden_states": texts}
        without, with_text = torch.from_numpy(pack.unet.run(None, inputs)[0]).chunk(2)
        velocity = without + guidance * (with_text - without)
        extra = {} if isinstance(scheduler, DDIMScheduler) else {"generator": generator}
        latents = scheduler.step(velocity, time, latents, **extra).prev_sample
    return latents.float().numpy()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("--guidance", type=float, default=2.0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pack, classifier = OnnxPack(arguments.pack), load_classifier(arguments.classifier)
    captions = [plain_caption([concept], SETTING_NAMES[index % 8]) for index, concept in enumerate(CONCEPTS)]
    start = noise([FIRST_SEED + index for index in range(len(captions))])
    for kind in (DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler):
        for steps in (10, 20):
            scheduler = kind.from_pretrained(arguments.pack / "scheduler")
            latents = sample(pack, scheduler, start, captions, arguments.guidance, steps)
            objects, _ = judge(classifier, pack.decode(latents))
            line = f"{kind.__name__} {steps} steps: object top-1 {(objects.argmax(1) == numpy.arange(len(CONCEPTS))).mean():.3f} (n = {len(captions)})"
            if kind is DDIMScheduler:
                line += f", largest difference to onnx_pack {abs(latents - pack.denoise(start, captions, arguments.guidance, steps)).max():.1e}"
            print(line, flush=True)
