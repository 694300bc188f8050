"""The int8 code of a latent over a noisy link, as the simulator's default codec does it.

    z ──► clip to ±5 ──► round(z · 127 / 5) ──► 8 bits, two's complement ──► each flipped with probability BEP ──► value ──► clip to ±5
"""

import numpy
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


CODECS = ["int8", "int8-gray", "fp16", "fp32"]


def _flips(count: int, bits: int, bit_error_probability: float, generator: numpy.random.Generator) -> numpy.ndarray:
    """[count] unsigned integers whose bits are set with the probability of a bit error."""
    set_bits = generator.random((count, bits)) < bit_error_probability
    return (set_bits * (2 ** numpy.arange(bits, dtype=numpy.uint64))).sum(1)


def corrupt(latent: numpy.ndarray, codec: str, bit_error_probability: float, generator: numpy.random.Generator) -> numpy.ndarray:
    """One latent over the link: ±5, sanitised by clipping; NaN becomes 0, as `sanitize = "clip"` does."""
    values = latent.reshape(-1).astype(numpy.float32)
    if codec in ("fp16", "fp32"):
        floats, integers, bits = (numpy.float16, numpy.uint16, 16) if codec == "fp16" else (numpy.float32, numpy.uint32, 32)
        words = values.astype(floats).view(integers) ^ _flips(len(values), bits, bit_error_probability, generator).astype(integers)
        received = words.view(floats).astype(numpy.float32)
    else:
        codes = numpy.round(numpy.clip(values, -LARGEST, LARGEST) / _STEP).astype(numpy.int64)
        words = (codes + 128 if codec == "int8-gray" else codes & 0xFF).astype(numpy.uint64)
        if codec == "int8-gray":
            words ^= words >> numpy.uint64(1)
        words ^= _flips(len(values), 8, bit_error_probability, generator)
        if codec == "int8-gray":
            for shift in (1, 2, 4):
                words ^= words >> numpy.uint64(shift)
            received = (words.astype(numpy.float32) - 128) * _STEP
        else:
            received = words.astype(numpy.uint8).view(numpy.int8).astype(numpy.float32) * _STEP
    received = numpy.nan_to_num(received, nan=0.0, posinf=LARGEST, neginf=-LARGEST)
    return numpy.clip(received, -LARGEST, LARGEST).reshape(latent.shape)
