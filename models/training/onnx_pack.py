"""Runs an exported pack with ONNX Runtime: captions in, pictures out, and everything between two steps open to the caller.

    captions ─► tokenizer ─► text_encoder ─┐
    noise z_T ─► unet, N DDIM steps with classifier-free guidance ─► z_0 ─► vae_decoder ─► pictures
"""

import json
from pathlib import Path

import numpy
import onnxruntime
from tokenizers import Tokenizer

LATENT_SHAPE = (4, 16, 16)


def noise(seeds: list[int]) -> numpy.ndarray:
    """One start latent a seed, [n, 4, 16, 16] float32."""
    return numpy.stack([numpy.random.default_rng(seed).standard_normal(LATENT_SHAPE, dtype=numpy.float32) for seed in seeds])


class OnnxPack:
    """A pack folder, loaded."""

    def __init__(self, folder: Path, threads: int = 1):
        self.folder = Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.text_encoder, self.unet, self.decoder, self.encoder = (
            onnxruntime.InferenceSession(str(self.folder / part / "model.onnx"), options, providers=["CPUExecutionProvider"])
            for part in ("text_encoder", "unet", "vae_decoder", "vae_encoder")
        )
        self.tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer/tokenizer.json"))
        scheduler = json.loads((self.folder / "scheduler/scheduler_config.json").read_text())
        self.alpha_bars = numpy.cumprod(1 - numpy.array(scheduler["trained_betas"], dtype=numpy.float64))

    def encode_captions(self, captions: list[str]) -> numpy.ndarray:
        """[n, 16, 128]; equal captions are encoded once."""
        distinct = list(dict.fromkeys(captions))
        tokens = numpy.array([encoding.ids for encoding in self.tokenizer.encode_batch(distinct)], dtype=numpy.int64)
        states = self.text_encoder.run(None, {"input_ids": tokens})[0]
        return states[[distinct.index(caption) for caption in captions]]

    def denoise(self, latents, captions, guidance: float, steps: int, first: int = 0, last: int | None = None, batch: int = 32):
        """DDIM steps ``first`` … ``last`` − 1 of a chain of ``steps``, [n, 4, 16, 16] to [n, 4, 16, 16]."""
        spacing = len(self.alpha_bars) / steps
        times = [round(len(self.alpha_bars) - index * spacing) - 1 for index in range(steps)]
        texts, empty = self.encode_captions(captions), self.encode_captions([""])
        results = []
        for begin in range(0, len(latents), batch):
            part, text = latents[begin : begin + batch], texts[begin : begin + batch]
            both = numpy.concatenate([numpy.repeat(empty, len(part), 0), text])
            for index in range(first, steps if last is None else last):
                alpha_bar = self.alpha_bars[times[index]]
                after = self.alpha_bars[times[index + 1]] if index + 1 < steps else 1.0
                part = self._ddim_step(part, both, times[index], alpha_bar, after, guidance)
            results.append(part)
        return numpy.concatenate(results)

    def _ddim_step(self, latents, both_texts, time: int, alpha_bar: float, after: float, guidance: float):
        """z at ᾱ to z at the next ᾱ, deterministic (η = 0), v-prediction."""
        inputs = {
            "sample": numpy.concatenate([latents, latents]),
            "timestep": numpy.full(2 * len(latents), time, dtype=numpy.int64),
            "encoder_hidden_states": both_texts,
        }
        without, with_text = numpy.split(self.unet.run(None, inputs)[0], 2)
        velocity = without + guidance * (with_text - without)
        clean = alpha_bar**0.5 * latents - (1 - alpha_bar) ** 0.5 * velocity
        noise_part = alpha_bar**0.5 * velocity + (1 - alpha_bar) ** 0.5 * latents
        return (after**0.5 * clean + (1 - after) ** 0.5 * noise_part).astype(numpy.float32)

    def decode(self, latents: numpy.ndarray) -> numpy.ndarray:
        """Pictures [n, 3, 64, 64] in [−1, 1]."""
        parts = [self.decoder.run(None, {"latent_sample": latents[i : i + 32]})[0] for i in range(0, len(latents), 32)]
        return numpy.clip(numpy.concatenate(parts), -1, 1)
