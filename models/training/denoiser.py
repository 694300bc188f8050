"""The denoiser: a U-Net that predicts v = √ᾱ·ε − √(1 − ᾱ)·x from a noisy latent, its log-SNR and the text.

    log-SNR λ [s] ─► sines and cosines ─► 2 layers ─┐                         (s = b, or 1 for the whole batch)
    text [b, 16, 128] ─► pooled by 4 heads ─► layer ┴─► + ─► condition [b, 192] ─► scale and shift in every block
                 └─► cross-attention in the blocks marked A

    z [b, 4, 16, 16] ─► conv ─► B48 ──────────────── + ─► B48 ─► B48 ─► norm ─► conv ─► F, G [b, 4, 16, 16] each
       │                         │ 16×16             ▲
       │                         ▼ stride 2          │ PixelShuffle 2
       │                        B96 A ───── + ─► B96 ─► B96 A
       │                         │ 8×8      ▲
       │                         ▼ stride 2 │ PixelShuffle 2
       │                        B192 A ─► B192       4×4
       └──────────────────────────────────────────────────────────► v = F + G·z

    B: x + conv(silu(scale·norm(conv(silu(norm x))) + shift));  A: x + self-attention, x + cross-attention

The gate G lets the network name an element of z that a bit error has thrown far away and pass it on
as noise, which F alone, behind its normalisations, does badly.
"""

import math

import torch
from torch import nn
from torch.nn import functional

from autoencoder import LATENT_CHANNELS
from text_encoder import TEXT_CHANNELS, attend

CONDITION_CHANNELS = 192
CHANNELS = (48, 96, 192)
FREQUENCIES = 24


class Block(nn.Module):
    """Residual block with scale and shift from the condition."""

    def __init__(self, channels: int):
        super().__init__()
        self.first_norm = nn.GroupNorm(8, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second_norm = nn.GroupNorm(8, channels)
        self.scale_shift = nn.Linear(CONDITION_CHANNELS, 2 * channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, features: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        hidden = self.first(functional.silu(self.first_norm(features)))
        scale, shift = self.scale_shift(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.second_norm(hidden) * (1 + scale) + shift
        return features + self.second(functional.silu(hidden))


class Attention(nn.Module):
    """Self-attention over the places [b, c, h, w], then cross-attention to the text [b, 16, 128]."""

    def __init__(self, channels: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.self_norm, self.cross_norm = nn.GroupNorm(8, channels), nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.self_out = nn.Linear(channels, channels)
        self.cross_query = nn.Linear(channels, channels)
        self.cross_key_value = nn.Linear(TEXT_CHANNELS, 2 * channels)
        self.cross_out = nn.Linear(channels, channels)
        for layer in (self.self_out, self.cross_out):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, features: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        size = features.shape[2:]
        tokens = features.flatten(2).transpose(1, 2)
        normed = self.self_norm(features).flatten(2).transpose(1, 2)
        query, key, value = self.query_key_value(normed).chunk(3, dim=2)
        tokens = tokens + self.self_out(attend(query, key, value, self.heads))
        key, value = self.cross_key_value(text).chunk(2, dim=2)
        tokens = tokens + self.cross_out(attend(self.cross_query(self.cross_norm(tokens)), key, value, self.heads))
        return tokens.transpose(1, 2).unflatten(2, size)


class Condition(nn.Module):
    """Log-SNR [s] and text [b, 16, 128] to one vector a sample [b, 192]."""

    def __init__(self):
        super().__init__()
        frequencies = torch.exp(torch.linspace(math.log(0.05), math.log(2.0), FREQUENCIES))
        self.register_buffer("frequencies", frequencies)
        self.time_in = nn.Linear(2 * FREQUENCIES, CONDITION_CHANNELS)
        self.time_out = nn.Linear(CONDITION_CHANNELS, CONDITION_CHANNELS)
        self.pool_weights = nn.Linear(TEXT_CHANNELS, 4)
        self.pool_out = nn.Linear(4 * TEXT_CHANNELS, CONDITION_CHANNELS)

    def forward(self, log_snr: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        angles = log_snr[:, None] * self.frequencies
        waves = torch.cat([torch.sin(angles), torch.cos(angles)], dim=1)
        time = self.time_out(functional.silu(self.time_in(waves)))
        weights = torch.softmax(self.pool_weights(text), dim=1)
        pooled = (weights.transpose(1, 2) @ text).flatten(1)
        return functional.silu(time + self.pool_out(pooled))


class Denoiser(nn.Module):
    """v [b, 4, 16, 16] of z [b, 4, 16, 16], log-SNR [s] with s = b or 1, text [b, 16, 128]."""

    def __init__(self):
        super().__init__()
        top, middle, low = CHANNELS
        self.condition = Condition()
        self.conv_in = nn.Conv2d(LATENT_CHANNELS, top, 3, padding=1)
        self.down_top = Block(top)
        self.to_middle = nn.Conv2d(top, middle, 3, stride=2, padding=1)
        self.down_middle, self.down_middle_attention = Block(middle), Attention(middle)
        self.to_low = nn.Conv2d(middle, low, 3, stride=2, padding=1)
        self.low_first, self.low_attention, self.low_second = Block(low), Attention(low), Block(low)
        self.from_low = nn.Sequential(nn.Conv2d(low, 4 * middle, 1), nn.PixelShuffle(2))
        self.up_middle_first, self.up_middle_second = Block(middle), Block(middle)
        self.up_middle_attention = Attention(middle)
        self.from_middle = nn.Sequential(nn.Conv2d(middle, 4 * top, 1), nn.PixelShuffle(2))
        self.up_top_first, self.up_top_second = Block(top), Block(top)
        self.norm_out = nn.GroupNorm(8, top)
        self.conv_out = nn.Conv2d(top, 2 * LATENT_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, latents: torch.Tensor, log_snr: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        condition = self.condition(log_snr, text)
        top = self.down_top(self.conv_in(latents), condition)
        middle = self.down_middle(self.to_middle(top), condition)
        middle = self.down_middle_attention(middle, text)
        low = self.low_first(self.to_low(middle), condition)
        low = self.low_second(self.low_attention(low, text), condition)
        middle = self.up_middle_first(self.from_low(low) + middle, condition)
        middle = self.up_middle_attention(self.up_middle_second(middle, condition), text)
        top = self.up_top_first(self.from_middle(middle) + top, condition)
        top = self.up_top_second(top, condition)
        free, gate = self.conv_out(functional.silu(self.norm_out(top))).chunk(2, dim=1)
        return free + gate * latents
