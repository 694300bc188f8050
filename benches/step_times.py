"""Processor time of one denoising step and of decoding, with the shipped pack on one core.

    pip install onnxruntime numpy
    python benches/step_times.py

A step of a chain with guidance is two UNet evaluations. The least of a few calls is printed, in time of the processor, so
that a busy machine does not count the time in which other programs ran. It made scenarios/profiles/epyc-core-emoji-ldm.toml.
"""

import time
from pathlib import Path

import numpy
import onnxruntime

PACK = Path(__file__).parent.parent / "models/emoji-ldm"
CALLS = 8


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(PACK / model / "model.onnx", options, providers=["CPUExecutionProvider"])


def least_s(call):
    call()
    times = []
    for _ in range(CALLS):
        start = time.thread_time()
        call()
        times.append(time.thread_time() - start)
    return min(times)


def latents(count):
    return numpy.full((count, 4, 16, 16), 0.5, numpy.float32)


unet, decoder = session("unet"), session("vae_decoder")
for chains in (1, 2, 4, 8, 16):
    evaluations = 2 * chains
    inputs = {
        "sample": latents(evaluations),
        "timestep": numpy.full(evaluations, 500, numpy.int64),
        "encoder_hidden_states": numpy.full((evaluations, 16, 128), 0.5, numpy.float32),
    }
    print(f"step of {chains:2} chains: {1e3 * least_s(lambda: unet.run(None, inputs)):6.2f} ms")
print(f"decoding one latent: {1e3 * least_s(lambda: decoder.run(None, {'latent_sample': latents(1)})):6.2f} ms")
