"""The autoencoder: 64×64 pictures to 4×16×16 latents and back.

    picture [b, 3, 64, 64] in [−1, 1]
       │ PixelUnshuffle 4                                  48 × 16 × 16
       │ conv 3×3, 2 residual blocks                       96 × 16 × 16
       ▼ conv 3×3                                           8 × 16 × 16   (mean, log-variance)
    latent [b, 4, 16, 16]   ── whitened in the exported files: zero mean, identity covariance
       │ conv 3×3, 3 residual blocks                       96 × 16 × 16
       │ conv 3×3, PixelShuffle 2, 2 residual blocks       48 × 32 × 32
       ▼ conv 3×3, PixelShuffle 2                           3 × 64 × 64
    picture

The blocks have no normalisation: their second convolution starts at zero, which trains as well
at this depth and is faster on a CPU.
"""

import torch
from torch import nn
from torch.nn import functional

LATENT_CHANNELS = 4
LATENT_SIZE = 16


class ResidualBlock(nn.Module):
    """x + conv(silu(conv(silu(x))))."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.second(functional.silu(self.first(functional.silu(features))))


class Autoencoder(nn.Module):
    """Encoder, decoder, and the whitening that is measured after the training."""

    def __init__(self, channels: int = 96):
        super().__init__()
        half = channels // 2
        self.encoder = nn.Sequential(
            nn.PixelUnshuffle(4),
            nn.Conv2d(48, channels, 3, padding=1),
            *[ResidualBlock(channels) for _ in range(2)],
            nn.SiLU(),
            nn.Conv2d(channels, 2 * LATENT_CHANNELS, 3, padding=1),
        )
        self.decoder = nn.Sequential(
            nn.Conv2d(LATENT_CHANNELS, channels, 3, padding=1),
            *[ResidualBlock(channels) for _ in range(3)],
            nn.Conv2d(channels, 4 * half, 3, padding=1),
            nn.PixelShuffle(2),
            *[ResidualBlock(half) for _ in range(2)],
            nn.SiLU(),
            nn.Conv2d(half, 12, 3, padding=1),
            nn.PixelShuffle(2),
        )
        self.register_buffer("latent_mean", torch.zeros(LATENT_CHANNELS))
        self.register_buffer("whitening", torch.eye(LATENT_CHANNELS))
        self.register_buffer("colouring", torch.eye(LATENT_CHANNELS))

    def distribution(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of the raw latents, [b, 4, 16, 16] each."""
        mean, log_variance = self.encoder(pictures).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        """Whitened latents [b, 4, 16, 16] of pictures [b, 3, 64, 64]."""
        mean, _ = self.distribution(pictures)
        centred = mean - self.latent_mean[:, None, None]
        return functional.conv2d(centred, self.whitening[:, :, None, None])

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures [b, 3, 64, 64] of whitened latents [b, 4, 16, 16]."""
        raw = functional.conv2d(latents, self.colouring[:, :, None, None], self.latent_mean)
        return self.decoder(raw)

    @torch.no_grad()
    def fit_whitening(self, pictures: torch.Tensor) -> None:
        """Sets the whitening so that latents of these pictures have zero mean and identity covariance over channels."""
        means = torch.cat([self.distribution(chunk)[0] for chunk in pictures.split(64)])
        samples = means.permute(0, 2, 3, 1).reshape(-1, LATENT_CHANNELS).double()
        self.latent_mean.copy_(samples.mean(0))
        variances, directions = torch.linalg.eigh(torch.cov(samples.T))
        self.whitening.copy_(directions @ torch.diag(variances.rsqrt()) @ directions.T)
        self.colouring.copy_(directions @ torch.diag(variances.sqrt()) @ directions.T)


def to_network(pictures_uint8: torch.Tensor) -> torch.Tensor:
    """[b, 64, 64, 3] uint8 to [b, 3, 64, 64] float in [−1, 1]."""
    return pictures_uint8.permute(0, 3, 1, 2).float().div(127.5).sub(1).contiguous()


def peak_signal_to_noise_db(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """PSNR of each picture [b], for values in [−1, 1] (peak 2)."""
    error = (output.clamp(-1, 1) - target).square().flatten(1).mean(1)
    return 10 * torch.log10(4 / error.clamp_min(1e-12))
