"""The text encoder: token numbers to one vector a token, trained together with the denoiser.

    input_ids [b, 16]
       │ word vector + position vector                                128
       │ 2 × ( norm ─► self-attention, 4 heads ─► + ; norm ─► 128→256→128 ─► + )
       ▼ norm
    last_hidden_state [b, 16, 128]
"""

import torch
from torch import nn
from torch.nn import functional

from tokenizer import LENGTH

TEXT_CHANNELS = 128


def attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, heads: int) -> torch.Tensor:
    """Multi-head attention of query [b, n, c] on key and value [b, m, c]: [b, n, c]."""

    def split(tokens: torch.Tensor) -> torch.Tensor:
        return tokens.unflatten(2, (heads, -1)).transpose(1, 2)

    query, key, value = split(query), split(key), split(value)
    weights = torch.softmax(query @ key.transpose(2, 3) * query.shape[3] ** -0.5, dim=-1)
    return (weights @ value).transpose(1, 2).flatten(2)


class TextLayer(nn.Module):
    """One pre-norm transformer layer over [b, n, 128]."""

    def __init__(self, channels: int, heads: int = 4):
        super().__init__()
        self.heads = heads
        self.attention_norm, self.feed_norm = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.query_key_value = nn.Linear(channels, 3 * channels)
        self.attention_out = nn.Linear(channels, channels)
        self.feed_in, self.feed_out = nn.Linear(channels, 2 * channels), nn.Linear(2 * channels, channels)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        query, key, value = self.query_key_value(self.attention_norm(tokens)).chunk(3, dim=2)
        tokens = tokens + self.attention_out(attend(query, key, value, self.heads))
        return tokens + self.feed_out(functional.silu(self.feed_in(self.feed_norm(tokens))))


class TextEncoder(nn.Module):
    """Token numbers [b, 16] to [b, 16, 128]."""

    def __init__(self, words: int):
        super().__init__()
        self.word_vectors = nn.Embedding(words, TEXT_CHANNELS)
        self.position_vectors = nn.Parameter(0.02 * torch.randn(LENGTH, TEXT_CHANNELS))
        self.layers = nn.ModuleList(TextLayer(TEXT_CHANNELS) for _ in range(2))
        self.norm = nn.LayerNorm(TEXT_CHANNELS)
        nn.init.normal_(self.word_vectors.weight, std=0.5)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        tokens = self.word_vectors(input_ids) + self.position_vectors
        for layer in self.layers:
            tokens = layer(tokens)
        return self.norm(tokens)
