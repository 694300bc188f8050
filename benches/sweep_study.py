"""The study that benches/diffusers_sweep.py makes in several ways: its points, its random inputs, and latentlink's own pictures.

    scenario ─ latentlink check ─► Study ─┬─ latentlink_streams ─► start latents, bit flips ─► scripts ─► pictures ┐
                                          └─ latentlink run ─► PNG files ────────────────────────────► pictures ┴─► difference

Needs numpy and pillow.
"""

import itertools
import json
import pathlib
import subprocess
import time
import tomllib
from dataclasses import dataclass

import numpy as np
from latentlink_streams import flipped_bits, start_latent
from PIL import Image

# What is swept, in the order in which latentlink counts points: the last varies fastest.
AXES = ["policy.t0", "policy.tk", "radio.bit_error_probability"]


@dataclass(frozen=True)
class Study:
    """A sweep over AXES, in this order, for all users and replications. Pictures are counted along its `shape`."""

    pack: pathlib.Path
    seed: int
    guidance: float
    latent_range: float
    server_prompt: str
    device_names: list
    device_prompts: list
    t0s: list
    tks: list
    bit_error_probabilities: list
    replications: int

    @property
    def shape(self):
        """t0 × t_k × bit error probabilities × replications × devices."""
        return len(self.t0s), len(self.tks), len(self.bit_error_probabilities), self.replications, len(self.device_names)

    def pictures(self):
        """The index of every picture along `shape`."""
        return list(itertools.product(*map(range, self.shape)))


@dataclass(frozen=True)
class Inputs:
    """What is random in a study, as latentlink draws it."""

    starts: np.ndarray
    """Start latents, float32 [replications, channels, height, width]."""
    flips: np.ndarray
    """Flipped bits, uint8 masks [bit error probabilities, replications, devices, channels, height, width]."""


def read_study(program, scenario, settings):
    """The scenario with `settings` (PATH=VALUE) as `latentlink check` prints it, all defaults filled in."""
    arguments = [argument for setting in settings for argument in ("--set", setting)]
    checked = subprocess.run([program, "check", scenario, *arguments], check=True, capture_output=True, text=True)
    fields = tomllib.loads(checked.stdout)
    diffusion, devices, sweep = fields["diffusion"], fields["device"], fields.get("sweep", {})
    wanted = {
        "sampler": diffusion["sampler"] == {"kind": "ddim", "eta": 0.0},
        "split": diffusion["split"] == "joint",
        "codec": diffusion["codec"] == "int8",
        "metrics_against": diffusion["metrics_against"] == [],
        "guidance": diffusion["guidance"] != 1.0,
        "server.prompt": "prompt" in fields["server"],
        "judge.kind": fields["judge"]["kind"] == "none",
        "sweep": list(sweep) == AXES,
        "policy.t0": all(t0 > 0 for t0 in sweep.get("policy.t0", [])),
        "policy.tk": all(isinstance(tk, int) and tk > 0 for tk in sweep.get("policy.tk", [])),
    }
    if unfit := [name for name, holds in wanted.items() if not holds]:
        raise SystemExit(
            f"{scenario}: the scripts make only sweeps like benches/diffusers_sweep.toml, from which these differ: {', '.join(unfit)}"
        )
    return Study(
        pack=pathlib.Path(fields["models"]["diffusion"]),
        seed=fields["study"]["seed"],
        guidance=diffusion["guidance"],
        latent_range=diffusion["latent_range"],
        server_prompt=fields["server"]["prompt"],
        device_names=[device["name"] for device in devices],
        device_prompts=[device["prompt"] for device in devices],
        t0s=sweep[AXES[0]],
        tks=sweep[AXES[1]],
        bit_error_probabilities=sweep[AXES[2]],
        replications=fields["study"]["replications"],
    )


def draw_inputs(study, latent_shape):
    """latentlink's start latents and bit flips of all replications."""
    replications = range(study.replications)
    flips = [
        [flipped_bits(study.seed, replication, device, study.bit_error_probabilities, latent_shape) for device in study.device_names]
        for replication in replications
    ]
    return Inputs(
        starts=np.stack([start_latent(study.seed, replication, latent_shape) for replication in replications]),
        flips=np.moveaxis(np.array(flips), 2, 0),
    )


def run_latentlink(program, scenario, settings, threads, folder):
    """Runs the whole study as a process of its own, with an empty score store: seconds, and the manifest's counts."""
    arguments = [argument for setting in settings for argument in ("--set", setting)]
    start = time.perf_counter()
    subprocess.run(
        [program, "run", scenario, *arguments, "--threads", str(threads), "--out", folder / "results", "--store", folder / "store.redb"],
        check=True, capture_output=True,
    )
    seconds = time.perf_counter() - start
    return seconds, json.loads((folder / "results/manifest.json").read_text())["counts"]


def latentlink_pictures(study, folder):
    """The 8-bit pictures of a results folder: uint8 [*study.shape, height, width, 3]."""
    pictures = []
    for t0, tk, probability, replication, device in study.pictures():
        point = (t0 * len(study.tks) + tk) * len(study.bit_error_probabilities) + probability
        name = f"point-{point:04}_replication-{replication:03}_{study.device_names[device]}.png"
        with Image.open(folder / "results/images" / name) as picture:
            pictures.append(np.asarray(picture))
    return np.array(pictures).reshape(*study.shape, *pictures[0].shape)


def difference(pictures, expected):
    """How pictures [n, height, width, 3] differ from the expected ones: the share that is nowhere more than 2 levels away, and the
    largest difference of all, in 8-bit levels."""
    largest = np.abs(pictures.astype(np.int16) - expected.astype(np.int16)).reshape(len(pictures), -1).max(axis=1)
    return float((largest <= 2).mean()), int(largest.max())
