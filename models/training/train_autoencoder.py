"""Trains the autoencoder, fits its whitening, and measures PSNR on held-out scenes.

    python train_autoencoder.py --scenes data/scenes.npz --out data/autoencoder.pt --steps 1600

Loss: mean squared error + 0.1 × mean absolute error + 5e-4 × KL divergence to N(0, 1), pictures in [−1, 1].
A run that was stopped goes on from ``--out`` when it is started again with the same arguments.
"""

import argparse
import math
import time
from pathlib import Path

import numpy
import torch

from autoencoder import Autoencoder, peak_signal_to_noise_db, to_network
from workers import Budget, Worker, run

PEAK_LEARNING_RATE = 1.5e-3
WARM_UP_STEPS = 60
KL_WEIGHT = 5e-4
SAVE_EVERY_SECONDS = 120


def loss_of(model: Autoencoder, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The training loss, and the mean squared error in it."""
    mean, log_variance = model.distribution(pictures)
    sample = mean + torch.randn_like(mean) * torch.exp(0.5 * log_variance)
    output = model.decoder(sample)
    squared_error = (output - pictures).square().mean()
    absolute_error = (output - pictures).abs().mean()
    divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
    return squared_error + 0.1 * absolute_error + KL_WEIGHT * divergence, squared_error


def train(worker: Worker, arguments) -> None:
    torch.manual_seed(arguments.seed)
    model = Autoencoder().to(worker.device)
    parameters = list(model.parameters())
    optimiser = torch.optim.AdamW(parameters, lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=1e-4)
    step, seconds = 0, 0.0
    if arguments.out.exists():
        saved = torch.load(arguments.out, map_location=worker.device, weights_only=True)
        model.load_state_dict(saved["model"])
        optimiser.load_state_dict(saved["optimiser"])
        step, seconds = saved["step"], saved["seconds"]
    torch.manual_seed(arguments.seed + 1000 * worker.rank + step)
    with numpy.load(arguments.scenes) as scenes:
        pictures = torch.from_numpy(scenes["pictures"])
        held_out = torch.from_numpy(scenes["held_out_pictures"])
    budget = Budget(arguments.steps, arguments.minutes, seconds)
    progress, last_save, mean_error = budget.progress(step), time.monotonic(), None
    while progress < 1:
        rows = torch.randint(len(pictures), (arguments.batch // worker.count,))
        optimiser.zero_grad(set_to_none=True)
        loss, error = loss_of(model, to_network(pictures[rows]).to(worker.device))
        loss.backward()
        progress = worker.average_gradients(parameters, budget.progress(step))
        torch.nn.utils.clip_grad_norm_(parameters, 0.5)
        for group in optimiser.param_groups:
            group["lr"] = PEAK_LEARNING_RATE * min(1, (step + 1) / WARM_UP_STEPS) * (0.5 + 0.5 * math.cos(math.pi * progress))
        optimiser.step()
        step += 1
        mean_error = error.item() if mean_error is None else 0.98 * mean_error + 0.02 * error.item()
        if worker.is_first and step % 50 == 0:
            print(f"step {step} progress {progress:.3f} training PSNR of mean error {10 * math.log10(4 / mean_error):.2f} dB", flush=True)
        if worker.is_first and time.monotonic() - last_save > SAVE_EVERY_SECONDS:
            save(arguments.out, model, optimiser, step, budget.seconds_spent)
            last_save = time.monotonic()
    if worker.is_first:
        finish(model, optimiser, pictures, held_out, arguments, step, budget.seconds_spent)


@torch.no_grad()
def finish(model: Autoencoder, optimiser, pictures, held_out, arguments, step: int, seconds: float) -> None:
    """Whitening and held-out PSNR."""
    model.eval()
    device = next(model.parameters()).device
    model.fit_whitening(to_network(pictures[:2000]).to(device))
    save(arguments.out, model, optimiser, step, seconds)
    ratios = []
    for chunk in held_out.split(64):
        target = to_network(chunk).to(device)
        ratios.append(peak_signal_to_noise_db(model.decode(model.encode(target)), target))
    print(f"held-out PSNR {torch.cat(ratios).mean():.2f} dB (mean over {len(held_out)} pictures)", flush=True)


def save(path: Path, model, optimiser, step: int, seconds: float) -> None:
    """Writes beside the place and renames, so that a stopped run leaves a whole file."""
    part = path.with_suffix(".part")
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": step, "seconds": seconds}, part)
    part.replace(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    run(train, arguments, arguments.workers, arguments.device)
