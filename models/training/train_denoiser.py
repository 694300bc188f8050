"""Trains the text encoder and the denoiser together on the latents of the training scenes.

    python train_denoiser.py --scenes data/grid.npz --latents data/latents.npy --out data/denoiser.pt --steps 9000

Every sample draws its own noise level: a random SNR shift of the schedule and a random time in it, so that the
network knows every schedule that may be shipped; one in 32 is pure noise. One caption in ten is left empty
(classifier-free guidance). From 65 % of the training on, a quarter of the samples carry bit errors of an earlier hand-over: the latent was
sent at a higher noise level h, and the error is scaled to the present level as a DDIM chain would scale it.

    z_h = √ᾱ_h·x + √(1 − ᾱ_h)·ε ──► int8 code with bit errors ──► z̃_h     ε̃ = (z̃_h − √ᾱ_h·x) / √(1 − ᾱ_h)
    network sees √ᾱ_t·x + √(1 − ᾱ_t)·ε̃, should say √ᾱ_t·ε̃ − √(1 − ᾱ_t)·x, weight 1 / (1 + (ε̃ − ε)²)

A run that was stopped goes on from ``--out`` when it is started again with the same arguments.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import numpy
import torch

from denoiser import Denoiser
from latent_codec import corrupt_int8
from noise_schedule import TIMESTEPS, alpha_bars, log_snr, signal_and_noise
from text_encoder import TextEncoder
from tokenizer import build_tokenizer, token_ids
from workers import Budget, Worker, run

PEAK_LEARNING_RATE = 1.6e-3
WARM_UP_STEPS = 200
FLAT_UNTIL = 0.35
AVERAGE_DECAY = 0.99  # of the exponential average that is shipped, updated every 8 steps
AVERAGE_EVERY_STEPS = 8
SHIFT_RANGE = (8.0, 32.0)
SHARE_WITHOUT_CAPTION = 0.1
SHARE_WITH_BIT_ERRORS = 0.25
BIT_ERRORS_FROM = 0.65  # of the training: first learn to draw
LARGEST_BIT_ERROR_PROBABILITY = 0.06
HAND_OVER_TIMES = (0.35, 0.75)
SAVE_EVERY_SECONDS = 150


class NoiseLevels:
    """λ at a time in [0, 1) of the schedule with any SNR shift, from a table."""

    def __init__(self, device: torch.device):
        logarithms = torch.linspace(math.log(SHIFT_RANGE[0]), math.log(SHIFT_RANGE[1]), 33)
        self.table = torch.stack([log_snr(alpha_bars(float(value.exp()))) for value in logarithms]).float().to(device)

    def shifts(self, count: int) -> torch.Tensor:
        """Random rows of the table [count]."""
        return torch.randint(len(self.table), (count,), device=self.table.device)

    def at(self, shifts: torch.Tensor, times: torch.Tensor) -> torch.Tensor:
        """λ [b] of rows [b] at times [b]."""
        return self.table[shifts, (times * TIMESTEPS).long().clamp(0, TIMESTEPS - 1)]


def batch_loss(text_encoder, denoiser, levels: NoiseLevels, clean: torch.Tensor, tokens: torch.Tensor, empty: torch.Tensor, share_with_bit_errors: float) -> torch.Tensor:
    """Mean weighted squared error of v for clean latents [b, 4, 16, 16] and token numbers [b, 16]."""
    count, device = len(clean), clean.device
    tokens = torch.where(torch.rand(count, 1, device=device) < SHARE_WITHOUT_CAPTION, empty, tokens)
    shifts = levels.shifts(count)
    times = (torch.randperm(count, device=device) + torch.rand(count, device=device)) / count
    times = torch.where(torch.rand(count, device=device) < 1 / 32, 0.9999, times)
    noise = torch.randn_like(clean)

    sent = torch.rand(count, device=device) < share_with_bit_errors
    low, high = HAND_OVER_TIMES
    hand_over = low + (high - low) * torch.rand(count, device=device)
    later = torch.where(torch.rand(count, device=device) < 0.4, 1.0, torch.rand(count, device=device))
    signal, spread = signal_and_noise(levels.at(shifts, hand_over))
    chance = LARGEST_BIT_ERROR_PROBABILITY * torch.rand(count, device=device)
    received = corrupt_int8(signal * clean + spread * noise, chance)
    seen = torch.where(sent[:, None, None, None], (received - signal * clean) / spread, noise)
    times = torch.where(sent, hand_over * later, times)

    level = levels.at(shifts, times)
    signal, spread = signal_and_noise(level)
    velocity = denoiser(signal * clean + spread * seen, level, text_encoder(tokens))
    weight = 1 / (1 + (seen - noise).square())
    return (weight * (velocity - (signal * seen - spread * clean)).square()).mean()


def learning_rate(step: int, progress: float) -> float:
    """Warm-up, flat, then a half cosine to zero."""
    falling = max(0.0, (progress - FLAT_UNTIL) / (1 - FLAT_UNTIL))
    return PEAK_LEARNING_RATE * min(1, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * falling))


def train(worker: Worker, arguments) -> None:
    torch.manual_seed(arguments.seed)
    tokenizer = build_tokenizer()
    networks = torch.nn.ModuleDict({"text_encoder": TextEncoder(tokenizer.get_vocab_size()), "denoiser": Denoiser()}).to(worker.device)
    average = copy.deepcopy(networks).requires_grad_(False)
    parameters = list(networks.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    step, seconds = 0, 0.0
    if arguments.out.exists():
        saved = torch.load(arguments.out, map_location=worker.device, weights_only=True)
        networks.load_state_dict(saved["networks"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        step, seconds = saved["step"], saved["seconds"]
    torch.manual_seed(arguments.seed + 1000 * worker.rank + step)
    latents = torch.from_numpy(numpy.load(arguments.latents))
    with numpy.load(arguments.scenes) as scenes:
        tokens = torch.tensor(token_ids(tokenizer, scenes["captions"].tolist()))
    empty = torch.tensor(token_ids(tokenizer, [""]), device=worker.device)
    levels = NoiseLevels(worker.device)
    budget = Budget(arguments.steps, arguments.minutes, seconds)
    progress, last_save, mean_loss = budget.progress(step), time.monotonic(), None
    while progress < 1:
        rows = torch.randint(len(latents), (arguments.batch // worker.count,))
        optimiser.zero_grad(set_to_none=True)
        share = SHARE_WITH_BIT_ERRORS if progress > BIT_ERRORS_FROM else 0.0
        batch = latents[rows].to(worker.device), tokens[rows].to(worker.device)
        loss = batch_loss(networks["text_encoder"], networks["denoiser"], levels, *batch, empty, share)
        loss.backward()
        progress = worker.average_gradients(parameters, budget.progress(step))
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, progress)
        optimiser.step()
        step += 1
        if step % AVERAGE_EVERY_STEPS == 0:
            with torch.no_grad():
                decay = min(AVERAGE_DECAY, step / (step + 10))
                torch._foreach_lerp_(list(average.parameters()), parameters, 1 - decay)
        mean_loss = loss.item() if mean_loss is None else 0.99 * mean_loss + 0.01 * loss.item()
        if worker.is_first and step % 100 == 0:
            print(f"step {step} progress {progress:.3f} loss {mean_loss:.4f} seconds {budget.seconds_spent:.0f}", flush=True)
        if worker.is_first and (progress >= 1 or time.monotonic() - last_save > SAVE_EVERY_SECONDS):
            part = arguments.out.with_suffix(".part")
            torch.save({"networks": networks.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "seconds": budget.seconds_spent}, part)
            part.replace(arguments.out)
            last_save = time.monotonic()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--latents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=24)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(train, arguments, arguments.workers, arguments.device)
