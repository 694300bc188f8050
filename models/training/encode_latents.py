"""Writes the latents of the denoiser's scenes once, so that its training never runs the encoder.

    python encode_latents.py --scenes data/grid.npz --autoencoder data/autoencoder.pt --out data/latents.npy

The file is [n, 4, 16, 16] float32, whitened.
"""

import argparse
from pathlib import Path

import numpy
import torch

from autoencoder import Autoencoder, to_network

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--autoencoder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    autoencoder = Autoencoder().to(arguments.device)
    autoencoder.load_state_dict(torch.load(arguments.autoencoder, map_location=arguments.device, weights_only=True)["model"])
    with numpy.load(arguments.scenes) as scenes:
        pictures = torch.from_numpy(scenes["pictures"])
    with torch.no_grad():
        latents = torch.cat([autoencoder.encode(to_network(chunk).to(arguments.device)).cpu() for chunk in pictures.split(64)])
    numpy.save(arguments.out, latents.numpy())
    print(f"latents {tuple(latents.shape)}, largest {latents.abs().max():.2f}")
