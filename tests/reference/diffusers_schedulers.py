"""Final latents of diffusers' schedulers with a closed-form denoiser, as reference for the samplers.

    python tests/reference/diffusers_schedulers.py tests/vectors/diffusers_schedulers.json

Needs diffusers 0.31.0, torch 2.5.1 and numpy. The "denoiser" is the same smooth function of latent and timestep here and in
the Rust test, so that only the scheduler is compared:

    output_i = 0.95 z_i + 0.2 sin(1.3 z_i + 0.002 t) + 0.1 cos(0.7 z_{(i+1) mod n} - 0.001 t)

The linear term keeps epsilon prediction at high noise, which divides by a small alpha, within bounds.

diffusers keeps its tables in single precision. All else runs in double precision here, so that what is left between the two is
the table alone. Start and step noises are written to the file, as float32 values.
"""

import json
import sys

import diffusers
import numpy as np
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler

VALUES = 8
STEPS = (10, 20, 11, 7)


def cosine_betas(count):
    """Betas of a cosine schedule shifted towards less noise, as a trained_betas list that ends at 1."""
    level = lambda t: 1.0 / (1.0 + np.tan(0.5 * np.pi * t) ** 2 / 16.0) if t < 1.0 else 0.0
    return [1.0 - level((i + 1) / count) / level(i / count) for i in range(count)]


CONFIGS = {
    "stable diffusion 1": dict(
        _class_name="DDIMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
        # Spelt out, as are all defaults that differ between classes: from_config would take the target's.
        timestep_spacing="leading",
    ),
    "trailing v trained betas": dict(
        _class_name="DDIMScheduler",
        num_train_timesteps=200,
        trained_betas=cosine_betas(200),
        clip_sample=False,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
    ),
    "linspace linear epsilon": dict(
        _class_name="DDPMScheduler",
        num_train_timesteps=1000,
        beta_start=0.0001,
        beta_end=0.02,
        beta_schedule="linear",
        clip_sample=False,
        timestep_spacing="linspace",
    ),
    "squared cosine sample": dict(
        _class_name="DDIMScheduler",
        beta_schedule="squaredcos_cap_v2",
        clip_sample=False,
        prediction_type="sample",
        timestep_spacing="trailing",
    ),
    "zero terminal snr": dict(
        _class_name="DDIMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
    ),
    "clipped to 0.8": dict(
        _class_name="DDIMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=True,
        clip_sample_range=0.8,
        set_alpha_to_one=True,
        prediction_type="epsilon",
        timestep_spacing="trailing",
    ),
}


def denoiser(latent, timestep):
    rolled = torch.roll(latent, -1, dims=-1)
    t = float(timestep)
    return 0.95 * latent + 0.2 * torch.sin(1.3 * latent + 0.002 * t) + 0.1 * torch.cos(0.7 * rolled - 0.001 * t)


class Noise:
    """Hands the recorded noise to diffusers in place of its random generator."""

    def __init__(self, noises):
        self.noises = noises
        self.used = 0

    def __call__(self, shape, generator=None, device=None, dtype=None, layout=None):
        noise = self.noises[self.used]
        self.used += 1
        return noise.reshape(shape).to(dtype)


def scheduler_of(sampler, config):
    classes = {"ddim": DDIMScheduler, "ddim half": DDIMScheduler, "ddpm": DDPMScheduler, "euler": EulerDiscreteScheduler}
    config = dict(config)
    if sampler == "euler" and config.get("trained_betas", [0])[-1] == 1.0:
        # Puts 2**-24 for the terminal 0, whose sigma is infinite; the rescaling itself changes nothing then.
        config["rescale_betas_zero_snr"] = True
    return classes[sampler].from_config(config)


def run(sampler, config, steps, start, noises):
    scheduler = scheduler_of(sampler, config)
    scheduler.set_timesteps(steps)
    noise = Noise(noises)
    diffusers.schedulers.scheduling_ddim.randn_tensor = noise
    diffusers.schedulers.scheduling_ddpm.randn_tensor = noise
    latent = start.clone() * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        output = denoiser(scheduler.scale_model_input(latent, timestep), timestep)
        options = {"eta": 0.5} if sampler == "ddim half" else {}
        # Euler casts its sample to float32 but for the last operation.
        latent = scheduler.step(output, timestep, latent, **options).prev_sample
    return scheduler.timesteps, latent


def main(out):
    generator = torch.Generator().manual_seed(41)
    # One row of VALUES; a noise for each step of the longest chain.
    start = torch.randn(1, 1, VALUES, generator=generator)
    noises = [torch.randn(1, 1, VALUES, generator=generator) for _ in range(max(STEPS))]
    cases = []
    for name, config in CONFIGS.items():
        for sampler in ("ddim", "ddim half", "ddpm", "euler"):
            if sampler == "euler" and config.get("prediction_type") == "sample":
                continue  # diffusers' Euler scheduler has no such prediction
            for steps in STEPS:
                timesteps, latent = run(sampler, config, steps, start.double(), [n.double() for n in noises])
                cases.append(
                    dict(
                        config=name,
                        sampler=sampler,
                        steps=steps,
                        timesteps=[float(t) for t in timesteps],
                        final=[float(value) for value in latent.flatten()],
                    )
                )
    reference = dict(
        made_by="tests/reference/diffusers_schedulers.py",
        diffusers=diffusers.__version__,
        configs=CONFIGS,
        start=[float(value) for value in start.flatten()],
        noises=[[float(value) for value in noise.flatten()] for noise in noises],
        cases=cases,
    )
    with open(out, "w") as file:
        json.dump(reference, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
