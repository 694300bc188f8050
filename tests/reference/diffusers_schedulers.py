"""Final latents of diffusers' schedulers with a closed-form denoiser, as reference for the samplers.

    python tests/reference/diffusers_schedulers.py tests/vectors/diffusers_schedulers.json

Needs diffusers 0.31.0, torch 2.8.0 and numpy (2.5.1 gave the same numbers). In 0.35
diffusers takes a DDPM step to the next timestep of the chain, not to t - T // N; elsewhere 0.35.2 gives the same numbers.

The "denoiser" is the same smooth function of latent and timestep here and in the Rust test, so that only the scheduler is compared:

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
from diffusers import (
    DDIMScheduler,
    DDPMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    LCMScheduler,
    PNDMScheduler,
)

VALUES = 8
STEPS = (10, 20, 11, 7)
CLASSES = {
    "ddim": DDIMScheduler,
    "ddim half": DDIMScheduler,
    "ddpm": DDPMScheduler,
    "euler": EulerDiscreteScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "pndm": PNDMScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
# Those whose sigma is infinite at a terminal 0. With rescale_betas_zero_snr they put 2**-24 for it; of betas that end at 1 the
# rescaling itself changes nothing.
OF_SIGMAS = ("euler", "euler-ancestral", "dpm-solver++")
# What diffusers' classes do not know.
WITHOUT_SAMPLE_PREDICTION = ("euler", "euler-ancestral", "pndm")


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
    "stable diffusion 2": dict(
        _class_name="PNDMScheduler",
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        skip_prk_steps=True,
        steps_offset=1,
        prediction_type="v_prediction",
        timestep_spacing="leading",
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
    config = dict(config)
    if sampler in OF_SIGMAS and ends_without_signal(config):
        config["rescale_betas_zero_snr"] = True
    if sampler == "pndm":
        # What the files' own classes take.
        config = {"set_alpha_to_one": True, **config, "skip_prk_steps": True}
    return CLASSES[sampler].from_config(config)


def ends_without_signal(config):
    return config.get("rescale_betas_zero_snr", False) or config.get("trained_betas", [0])[-1] == 1.0


def is_known(sampler, config):
    if sampler == "pndm" and ends_without_signal(config):
        return False  # divides by alpha
    return not (sampler in WITHOUT_SAMPLE_PREDICTION and config.get("prediction_type") == "sample")


def written_files():
    """What each class writes into scheduler_config.json, with what it takes of itself."""
    classes = {scheduler.__name__: scheduler for scheduler in CLASSES.values()}
    return {name: scheduler().to_json_string() for name, scheduler in classes.items()}


def run(sampler, config, steps, start, noises):
    scheduler = scheduler_of(sampler, config)
    scheduler.set_timesteps(steps)
    noise = Noise(noises)
    diffusers.schedulers.scheduling_ddim.randn_tensor = noise
    diffusers.schedulers.scheduling_ddpm.randn_tensor = noise
    diffusers.schedulers.scheduling_euler_ancestral_discrete.randn_tensor = noise
    diffusers.schedulers.scheduling_lcm.randn_tensor = noise
    latent = start.clone() * scheduler.init_noise_sigma
    for timestep in scheduler.timesteps:
        output = denoiser(scheduler.scale_model_input(latent, timestep), timestep)
        options = {"eta": 0.5} if sampler == "ddim half" else {}
        # Those of sigmas cast their sample to float32 but for the last operation.
        latent = scheduler.step(output, timestep, latent, **options).prev_sample
    return scheduler.timesteps, latent


def run_in_parts(config, timesteps, restart_after, start):
    """DPM-Solver++ through given timesteps; after some steps it may forget what came before."""
    scheduler = scheduler_of("dpm-solver++", config)
    scheduler.set_timesteps(timesteps=timesteps)
    latent = start.clone()
    for index, timestep in enumerate(scheduler.timesteps):
        if index == restart_after:
            scheduler.model_outputs = [None] * scheduler.config.solver_order
            scheduler.lower_order_nums = 0
        latent = scheduler.step(denoiser(latent, timestep), timestep, latent).prev_sample
    return [float(value) for value in latent.flatten()]


def split_cases(start):
    """Four steps of a chain of eleven, then five over what is left: with the history sent along, and begun anew."""
    cases = []
    for name in ("stable diffusion 1", "stable diffusion 2"):
        scheduler = scheduler_of("dpm-solver++", CONFIGS[name])
        scheduler.set_timesteps(11)
        whole = [int(timestep) for timestep in scheduler.timesteps]
        device = [whole[4]] + [round((whole[4] + 1) * (1 - j / 5)) - 1 for j in range(1, 5)]
        for history, restart_after in (("send", None), ("restart", 4)):
            final = run_in_parts(CONFIGS[name], whole[:4] + device, restart_after, start)
            cases.append(dict(config=name, history=history, device=device, final=final))
    return cases


def main(out):
    generator = torch.Generator().manual_seed(41)
    # One row of VALUES; a noise for each step of the longest chain.
    start = torch.randn(1, 1, VALUES, generator=generator)
    noises = [torch.randn(1, 1, VALUES, generator=generator) for _ in range(max(STEPS))]
    cases = []
    for name, config in CONFIGS.items():
        for sampler in CLASSES:
            if not is_known(sampler, config):
                continue
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
        files=written_files(),
        start=[float(value) for value in start.flatten()],
        noises=[[float(value) for value in noise.flatten()] for noise in noises],
        cases=cases,
        dpm_solver_splits=split_cases(start),
    )
    with open(out, "w") as file:
        json.dump(reference, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main(sys.argv[1])
