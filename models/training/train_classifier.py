"""Trains the classifier on real scenes only, with a little noise and light; tests it on held-out scenes.

    python train_classifier.py --scenes data/scenes.npz --out data/classifier.pt --epochs 10
"""

import argparse
import math
from pathlib import Path

import numpy
import torch
from torch.nn import functional

from autoencoder import to_network
from captions import CONCEPTS
from classifier import Classifier

LEARNING_RATE = 3e-3
BATCH = 64
LARGEST_NOISE = 0.1  # standard deviation, pictures in [−1, 1]


def object_targets(concepts: torch.Tensor) -> torch.Tensor:
    """Concept indices [n, 2] (−1: none) to probabilities [n, 54]."""
    targets = torch.zeros(len(concepts), len(CONCEPTS) + 1)
    targets.scatter_add_(1, torch.where(concepts < 0, len(CONCEPTS), concepts), torch.ones(concepts.shape))
    targets = targets[:, :-1]
    return targets / targets.sum(1, keepdim=True)


@torch.no_grad()
def test(classifier: Classifier, pictures, concepts, settings, device) -> str:
    """Accuracies on held-out scenes; a pair counts as right when the first guess is one of the two."""
    classifier.eval()
    logits = [classifier(to_network(chunk).to(device)) for chunk in pictures.split(256)]
    objects = torch.cat([pair[0] for pair in logits]).argmax(1).cpu()
    scene = torch.cat([pair[1] for pair in logits]).argmax(1).cpu()
    single = concepts[:, 1] < 0
    hit = (objects[:, None] == concepts).any(1).float()
    return (
        f"held-out: object top-1 {hit[single].mean():.4f} (one object, n = {int(single.sum())}), "
        f"{hit[~single].mean():.4f} (two, n = {int((~single).sum())}), setting {(scene == settings).float().mean():.4f}"
    )


def main(arguments) -> None:
    torch.manual_seed(arguments.seed)
    device = torch.device(arguments.device)
    if device.type == "cpu":
        torch.set_num_threads(1)
    with numpy.load(arguments.scenes) as scenes:
        data = {name: torch.from_numpy(scenes[name]) for name in scenes.files if "captions" not in name}
    targets, settings = object_targets(data["concepts"].long()), data["settings"].long()
    classifier = Classifier().to(device)
    optimiser = torch.optim.AdamW(classifier.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    steps = arguments.epochs * (len(targets) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 + 0.5 * math.cos(math.pi * step / steps))
    for epoch in range(arguments.epochs):
        classifier.train()
        for rows in torch.randperm(len(targets))[: len(targets) // BATCH * BATCH].split(BATCH):
            pictures = to_network(data["pictures"][rows]).to(device)
            pictures = pictures * (0.9 + 0.2 * torch.rand(BATCH, 1, 1, 1, device=device))
            pictures = pictures + LARGEST_NOISE * torch.rand(BATCH, 1, 1, 1, device=device) * torch.randn_like(pictures)
            objects, scene = classifier(pictures)
            loss = functional.cross_entropy(objects, targets[rows].to(device)) + functional.cross_entropy(scene, settings[rows].to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
        report = test(classifier, data["held_out_pictures"], data["held_out_concepts"].long(), data["held_out_settings"].long(), device)
        print(f"epoch {epoch + 1} loss {loss.item():.4f} {report}", flush=True)
        torch.save(classifier.state_dict(), arguments.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args())
