"""The picture grid of scenarios/paper/fig09.toml by a diffusers script, timed in turns with latentlink.

    cargo build --release && python benches/diffusers_grid.py target/release/latentlink

Needs diffusers 0.31.0, torch 2.5.1, tokenizers 0.20.3, onnxruntime and numpy. The script is what one writes with diffusers today: for
each cell of the grid a chain of its own, a scheduler of diffusers, the ONNX models of the pack through onnxruntime with its default
threads, guidance as one call of batch 2, the latent quantised, hit by bit errors and clipped after t0 steps; and one unshared reference
picture for each length of chain. Reading the models is not timed on this side, nor is measuring or drawing anything. latentlink is
timed as a whole process: reading and checking the pack, the same pictures and references, metrics, tables and figures.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnxruntime
import torch
from diffusers import DDIMScheduler
from tokenizers import Tokenizer

SERVER_PROMPT = "a tiger sits in front of a bush"
DEVICE_PROMPT = "a dog sits in front of a bush"
SERVER_STEPS = [2, 3, 4]
DEVICE_STEPS = range(1, 9)
BIT_ERROR_PROBABILITY = 0.03
LATENT_RANGE = 5.0


class Pipeline:
    def __init__(self, pack, guidance):
        self.pack, self.guidance = pack, guidance
        self.tokenizer = Tokenizer.from_file(str(pack / "tokenizer/tokenizer.json"))
        open_model = lambda name: onnxruntime.InferenceSession(
            str(pack / name / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        self.text_encoder, self.unet, self.decoder = map(open_model, ["text_encoder", "unet", "vae_decoder"])
        declared = {value.name: value for value in self.unet.get_inputs()}
        self.latent_shape = [1] + declared["sample"].shape[1:]
        self.calls = 0

    def text(self, prompt):
        dtype = np.int64 if "64" in self.text_encoder.get_inputs()[0].type else np.int32
        ids = np.array([self.tokenizer.encode(prompt).ids], dtype)
        return self.text_encoder.run(None, {"input_ids": ids})[0]

    def picture(self, t0, tk, noise, rng):
        scheduler = DDIMScheduler.from_pretrained(self.pack, subfolder="scheduler")
        scheduler.set_timesteps(t0 + tk)
        empty, server, device = map(self.text, ["", SERVER_PROMPT, DEVICE_PROMPT])
        latent = torch.from_numpy(noise)
        for index, timestep in enumerate(scheduler.timesteps):
            if index == t0 > 0:
                latent = send(latent, rng)
            prompt = server if index < t0 else device
            output = self.unet.run(None, {
                "sample": np.concatenate([latent.numpy()] * 2),
                "timestep": np.full(2, timestep.item(), np.int64),
                "encoder_hidden_states": np.concatenate([empty, prompt]),
            })[0]
            self.calls += 2
            unconditional, conditional = torch.from_numpy(output).chunk(2)
            guided = unconditional + self.guidance * (conditional - unconditional)
            latent = scheduler.step(guided, timestep, latent).prev_sample
        return self.decoder.run(None, {"latent_sample": latent.numpy()})[0]


def send(latent, rng):
    """8-bit two's complement over the symmetric range, every bit flipped with the same probability."""
    levels = np.clip(np.round((latent.numpy() / LATENT_RANGE + 1.0) * 127.5), 0, 255).astype(np.uint8) ^ 0x80
    flips = np.packbits(rng.random((*levels.shape, 8)) < BIT_ERROR_PROBABILITY, axis=-1)[..., 0]
    received = (levels ^ flips ^ 0x80).astype(np.float32)
    return torch.from_numpy((received / 127.5 - 1.0) * LATENT_RANGE)


def grid(pipeline):
    rng = np.random.default_rng(41)
    noise = rng.standard_normal(pipeline.latent_shape).astype(np.float32)
    pipeline.calls = 0
    start = time.perf_counter()
    for t0 in SERVER_STEPS:
        for tk in DEVICE_STEPS:
            pipeline.picture(t0, tk, noise, rng)
    for steps in sorted({t0 + tk for t0 in SERVER_STEPS for tk in DEVICE_STEPS}):
        pipeline.picture(0, steps, noise, None)
    return time.perf_counter() - start


def latentlink(program, pack, folder):
    start = time.perf_counter()
    subprocess.run(
        [program, "run", "scenarios/paper/fig09.toml", "--out", folder / "fig09", "--force", "--set", "study.replications=1",
         "--set", f"models.diffusion={json.dumps(str(pack))}"],
        check=True, capture_output=True,
    )
    seconds = time.perf_counter() - start
    return seconds, json.loads((folder / "fig09/manifest.json").read_text())["counts"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--pack", type=pathlib.Path, default=pathlib.Path("models/emoji-ldm"))
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    pipeline = Pipeline(options.pack, options.guidance)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.turns + 1):
            script_s = grid(pipeline)
            ours_s, counts = latentlink(options.program, options.pack, pathlib.Path(folder))
            if turn > 0:  # the first turn warms both up
                ratios.append(script_s / ours_s)
                print(f"turn {turn}: script {script_s:.2f} s, latentlink {ours_s:.2f} s, ratio {ratios[-1]:.2f}")
    print(f"UNet evaluations: script {pipeline.calls}, latentlink {counts['unet_evaluations']} "
          "(both with reference pictures)")
    print(f"latentlink is faster by a factor of {statistics.median(ratios):.2f} (median of {options.turns} turns)")


if __name__ == "__main__":
    main()
