"""The noise schedule: how much of the picture is left at every timestep.

Latents are mixed with noise as z_t = √ᾱ_t·x + √(1 − ᾱ_t)·ε, and log-SNR λ_t = ln(ᾱ_t / (1 − ᾱ_t)).
The shipped schedule is Stable Diffusion's, its SNR multiplied by a shift (latents of 16×16 drown in
less noise than latents of 64×64), then stretched so that the last timestep is pure noise:

    scaled linear β ──► SNR × shift ──► √ᾱ stretched to end at 2⁻¹² ──► ᾱ_t, λ_t, β_t

ᾱ of the last timestep is 2⁻²⁴, not 0: Euler samplers divide by it.
The network is told λ, never t. So the shift can be chosen after the training.
"""

import torch

TIMESTEPS = 1000
BETA_START, BETA_END = 0.00085, 0.012
LAST_ROOT_ALPHA_BAR = 2.0**-12


def alpha_bars(snr_shift: float) -> torch.Tensor:
    """ᾱ_t of the shifted and stretched schedule, [1000] float64."""
    betas = torch.linspace(BETA_START**0.5, BETA_END**0.5, TIMESTEPS, dtype=torch.float64).square()
    original = torch.cumprod(1 - betas, dim=0)
    snr = snr_shift * original / (1 - original)
    root = (snr / (1 + snr)).sqrt()
    stretched = (root - root[-1]) * (root[0] - LAST_ROOT_ALPHA_BAR) / (root[0] - root[-1]) + LAST_ROOT_ALPHA_BAR
    return stretched.square()


def log_snr(alpha_bar: torch.Tensor) -> torch.Tensor:
    """λ = ln(ᾱ / (1 − ᾱ))."""
    return torch.log(alpha_bar) - torch.log1p(-alpha_bar)


def signal_and_noise(log_snr_value: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """√ᾱ and √(1 − ᾱ) of λ [b], shaped [b, 1, 1, 1] to multiply latents."""
    shaped = log_snr_value[:, None, None, None]
    return torch.sigmoid(shaped).sqrt(), torch.sigmoid(-shaped).sqrt()


def betas(alpha_bar: torch.Tensor) -> list[float]:
    """β_t = 1 − ᾱ_t / ᾱ_{t−1}, as ``trained_betas`` of a scheduler's configuration."""
    before = torch.cat([torch.ones(1, dtype=alpha_bar.dtype), alpha_bar[:-1]])
    return (1 - alpha_bar / before).tolist()


def trailing_timesteps(steps: int) -> list[int]:
    """The timesteps of diffusers' "trailing" spacing: 999, 899, … 99 for ten steps."""
    return [round(TIMESTEPS - index * TIMESTEPS / steps) - 1 for index in range(steps)]
