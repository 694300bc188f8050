"""Final latents of diffusers' schedulers with a real ONNX pack, as reference for the executor.

    python tests/reference/diffusers_chains.py models/emoji-ldm tests/vectors/diffusers_chains

Needs diffusers 0.31.0, torch 2.8.0, tokenizers 0.21.4, onnxruntime and numpy. Writes OUT.json, an index, and OUT.bin, little-endian
float32 values: the start noise, then ten noises for the steps of stochastic chains, then the final latent of each case. Every
array is one latent in CHW order; the index gives its offset in values.

The start noise is standard normal. diffusers' Euler schedulers multiply it by init_noise_sigma and keep latents scaled by
sqrt(1 + sigma^2); their last sigma is 0, so final latents are on one scale for all samplers. The noise i mod 10 goes to step i.

"fields" of a case replace fields of the pack's scheduler_config.json. The pack's model predicts v: told that it is epsilon,
the chain makes no picture, but the same numbers in both.
"""

import argparse
import itertools
import json
from pathlib import Path

import diffusers
import numpy as np
import onnxruntime
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
from tokenizers import Tokenizer

PROMPT = "a tiger sits in front of a bush"
GUIDANCE = 3.0
SEED = 41
SAMPLERS = {
    "ddim": DDIMScheduler,
    "euler": EulerDiscreteScheduler,
    "ddpm": DDPMScheduler,
    "euler-ancestral": EulerAncestralDiscreteScheduler,
    "pndm": PNDMScheduler,
    "dpm-solver++": DPMSolverMultistepScheduler,
    "lcm": LCMScheduler,
}
CASES = [(sampler, steps, {}) for sampler in SAMPLERS for steps in (10, 20)] + [("ddim", 11, {})]
EPSILON = {"prediction_type": "epsilon", "timestep_spacing": "leading"}
CASES += [(sampler, 10, EPSILON) for sampler in ("pndm", "dpm-solver++", "euler-ancestral")]
NOISES = 10


class Model:
    """One ONNX graph, fed with the types and ranks that it declares."""

    TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64, "tensor(int32)": np.int32}

    def __init__(self, path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = {value.name: value for value in self.session.get_inputs()}

    def __call__(self, **feeds):
        typed = {}
        for name, value in feeds.items():
            declared = self.inputs[name]
            array = np.asarray(value, dtype=self.TYPES[declared.type])
            typed[name] = array.reshape([1]) if array.ndim == 0 and len(declared.shape) == 1 else array
        return self.session.run(None, typed)[0].astype(np.float32)


def tokens(tokenizer, text, length):
    ids = tokenizer.encode(text).ids
    if length is not None and isinstance(length, int) and len(ids) != length:
        raise SystemExit(f"the tokenizer gives {len(ids)} tokens, the text encoder takes {length}")
    return [ids]


def scheduler_of(sampler, config):
    # What the file leaves out is what its own class takes, not what the sampler's class would.
    own = getattr(diffusers, config["_class_name"]).from_config(config).config
    silent = {"clip_sample": False} if "clip_sample" not in own else {}
    options = {**{key: value for key, value in own.items() if not key.startswith("_")}, **silent}
    if sampler in ("euler", "euler-ancestral", "dpm-solver++") and (options.get("trained_betas") or [0])[-1] == 1.0:
        # Puts 2**-24 for the terminal 0, whose sigma is infinite; the rescaling itself changes nothing then.
        options["rescale_betas_zero_snr"] = True
    if sampler == "pndm":
        options["skip_prk_steps"] = True
    return SAMPLERS[sampler].from_config(options)


def run(sampler, steps, config, unet, embeddings, start, noises):
    scheduler = scheduler_of(sampler, config)
    scheduler.set_timesteps(steps)
    used = itertools.cycle(noises)

    def recorded_noise(shape, generator=None, device=None, dtype=None, layout=None):
        return torch.from_numpy(next(used)).reshape(shape).to(dtype)

    diffusers.schedulers.scheduling_ddpm.randn_tensor = recorded_noise
    diffusers.schedulers.scheduling_euler_ancestral_discrete.randn_tensor = recorded_noise
    diffusers.schedulers.scheduling_lcm.randn_tensor = recorded_noise
    latent = torch.from_numpy(start)[None] * scheduler.init_noise_sigma
    if sampler == "pndm":
        # Its formula takes differences that cancel at the pack's first level of 6e-8: in single precision they are off by 1e-3.
        betas = torch.tensor(config["trained_betas"], dtype=torch.float64)
        scheduler.alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
        latent = latent.double()
    for timestep in scheduler.timesteps:
        sample = scheduler.scale_model_input(latent, timestep).numpy()
        outputs = [
            torch.from_numpy(unet(sample=sample, timestep=timestep.item(), encoder_hidden_states=embedding))
            for embedding in embeddings
        ]
        without, with_prompt = outputs
        guided = without + GUIDANCE * (with_prompt - without)
        latent = scheduler.step(guided, timestep, latent).prev_sample
    return latent[0].float().numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", type=Path)
    parser.add_argument("out", type=Path, help="path without extension")
    parser.add_argument("--shape", type=int, nargs=3, default=[4, 16, 16], metavar=("C", "H", "W"))
    arguments = parser.parse_args()
    pack = arguments.pack

    config = json.loads((pack / "scheduler/scheduler_config.json").read_text())
    tokenizer = Tokenizer.from_file(str(pack / "tokenizer/tokenizer.json"))
    text_encoder = Model(pack / "text_encoder/model.onnx")
    unet = Model(pack / "unet/model.onnx")
    length = text_encoder.inputs["input_ids"].shape[1]
    embeddings = [text_encoder(input_ids=tokens(tokenizer, text, length)) for text in ("", PROMPT)]

    noise = np.random.default_rng(SEED)
    start = noise.standard_normal(arguments.shape, dtype=np.float32)
    step_noises = [noise.standard_normal(arguments.shape, dtype=np.float32) for _ in range(NOISES)]

    arrays = [start, *step_noises]
    cases = []
    for sampler, steps, fields in CASES:
        final = run(sampler, steps, {**config, **fields}, unet, embeddings, start, step_noises)
        size = float(np.abs(final).max())
        print(f"{sampler} {steps}: standard deviation {final.std():.4f}, largest {size:.3f}")
        case = dict(sampler=sampler, steps=steps, fields=fields, final_offset=len(arrays) * start.size)
        cases.append(case)
        arrays.append(final)

    index = dict(
        made_by="tests/reference/diffusers_chains.py",
        diffusers=diffusers.__version__,
        onnxruntime=onnxruntime.__version__,
        prompt=PROMPT,
        guidance=GUIDANCE,
        shape=arguments.shape,
        start_offset=0,
        step_noise_offsets=[(1 + step) * start.size for step in range(NOISES)],
        cases=cases,
    )
    arguments.out.with_suffix(".json").write_text(json.dumps(index, separators=(",", ":")) + "\n")
    np.concatenate([array.ravel() for array in arrays]).astype("<f4").tofile(arguments.out.with_suffix(".bin"))


if __name__ == "__main__":
    main()
