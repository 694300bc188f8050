"""The int8 code of a latent over a noisy link, as the simulator's default codec does it.

    z ──► clip to ±5 ──► round(z · 127 / 5) ──► 8 bits, two's complement ──► each flipped with probability BEP ──► value ──► clip to ±5
"""

import torch

LARGEST = 5.0
_STEP = LARGEST / 127


def corrupt_int8(latents: torch.Tensor, bit_error_probability: torch.Tensor) -> torch.Tensor:
    """Sends latents [b, …] through the int8 code with one bit error probability a sample [b]."""
    codes = torch.round(latents.clamp(-LARGEST, LARGEST) / _STEP).to(torch.int16) & 0xFF
    chances = bit_error_probability.reshape(-1, *[1] * latents.dim())
    flips = torch.rand(*latents.shape, 8, device=latents.device) < chances
    places = 2 ** torch.arange(8, device=latents.device, dtype=torch.int16)
    received = codes ^ (flips.to(torch.int16) * places).sum(-1).to(torch.int16)
    signed = torch.where(received >= 128, received - 256, received)
    return (signed.float() * _STEP).clamp(-LARGEST, LARGEST)
