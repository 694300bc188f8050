"""Final latents of diffusers' Euler and DPM-Solver++ with Karras's noise levels (`use_karras_sigmas`), with the closed-form denoiser of
diffusers_schedulers.py.

    python tests/reference/diffusers_karras.py tests/vectors/diffusers_karras.json

Needs diffusers 0.35.2 (0.31.0 gave the same numbers), torch 2.8.0 and numpy.
"""

import json
import sys

import diffusers
import torch
from diffusers_schedulers import CONFIGS as PLAIN
from diffusers_schedulers import STEPS, VALUES, run

KARRAS = {"use_karras_sigmas": True}
CONFIGS = {
    "stable diffusion 1": PLAIN["stable diffusion 1"] | KARRAS,
    "stable diffusion 2, trailing": PLAIN["stable diffusion 2"] | KARRAS | {"timestep_spacing": "trailing"},
    "linspace": PLAIN["linspace linear epsilon"] | KARRAS,
    "zero terminal snr": PLAIN["zero terminal snr"] | KARRAS,
    "squared cosine v": PLAIN["squared cosine sample"] | KARRAS | {"prediction_type": "v_prediction"},
}
# Their first sigmas are in the thousands, and several of the first timesteps are one when rounded: diffusers' DPM-Solver++ then begins
# at the second of them and runs out of sigmas.
FAR_FROM_SIGNAL = ("zero terminal snr", "squared cosine v")


def main(out):
    start = torch.randn(1, 1, VALUES, generator=torch.Generator().manual_seed(41))
    cases = []
    for name, config in CONFIGS.items():
        for sampler in ("euler", "dpm-solver++"):
            if sampler == "dpm-solver++" and name in FAR_FROM_SIGNAL:
                continue
            for steps in STEPS:
                timesteps, latent = run(sampler, config, steps, start.double(), [])
                final = [float(value) for value in latent.flatten()]
                cases.append(dict(config=name, sampler=sampler, steps=steps, timesteps=[float(t) for t in timesteps], final=final))
    reference = dict(
        made_by="tests/reference/diffusers_karras.py", diffusers=diffusers.__version__, configs=CONFIGS,
        start=[float(value) for value in start.flatten()], noises=[], cases=cases,
    )
    with open(out, "w") as file:
        json.dump(reference, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
