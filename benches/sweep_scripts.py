"""Two diffusers scripts for a sweep of split chains: one picture at a time, and as well batched as a script can be.

    one at a time   for each picture: text ─► chain of t0 + t_k steps, UNet calls of batch 2 ─► picture
    batched         text once;  pictures of one (t0, t_k) ─ cut into tasks ─► workers, one session each ─► pictures
    with sharing    text once;  server's steps once per length of chain and seed ─► hand-over ─► as above, device's steps only

Both take diffusers' DDIMScheduler and the ONNX models of a pack through onnxruntime. Needs diffusers, torch, tokenizers, onnxruntime
and numpy.
"""

import concurrent.futures
import multiprocessing
import threading
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
from diffusers import DDIMScheduler
from tokenizers import Tokenizer


@dataclass(frozen=True)
class Settings:
    """How the batched script uses the machine."""

    workers: int = 1
    kind: str = "threads"
    """What the workers are, "threads" or "processes"."""
    intra_op_threads: int = 0
    """Threads within one session; 0 leaves it to onnxruntime: all cores."""
    evaluations_per_call: int = 2
    pictures_per_decode: int = 1
    fixed_shapes: bool = False
    """Tell onnxruntime the batch when the session is made, so that it folds all arithmetic on shapes."""
    arena: bool = True
    memory_pattern: bool = True
    spinning: bool = True
    deterministic: bool = False


def open_session(model, settings, batch=None):
    """A session of an ONNX file, for calls of `batch` samples where the settings ask for fixed shapes."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings.intra_op_threads
    options.enable_cpu_mem_arena = settings.arena
    options.enable_mem_pattern = settings.memory_pattern
    options.use_deterministic_compute = settings.deterministic
    if not settings.spinning:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if settings.fixed_shapes and batch is not None:
        for dimension in ("batch", "steps"):
            options.add_free_dimension_override_by_name(dimension, batch)
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


class TextEncoder:
    def __init__(self, pack):
        self.tokenizer = Tokenizer.from_file(str(pack / "tokenizer/tokenizer.json"))
        self.session = open_session(pack / "text_encoder/model.onnx", Settings())

    def __call__(self, prompt):
        """[1, tokens, hidden]"""
        return self.session.run(None, {"input_ids": np.array([self.tokenizer.encode(prompt).ids], np.int64)})[0]


def send(latents, flips, latent_range):
    """8-bit two's complement over ±latent_range, with the given bits flipped on the way."""
    levels = np.clip(np.round((latents / np.float32(latent_range) + np.float32(1.0)) * np.float32(127.5)), 0, 255)
    received = ((levels.astype(np.uint8) ^ 0x80) ^ flips ^ 0x80).astype(np.float32)
    return (received * np.float32(2.0) - np.float32(255.0)) / np.float32(255.0) * np.float32(latent_range)


def to_rgb8(decoded):
    """uint8 [n, height, width, 3] of a decoder's output [n, 3, height, width] in [−1, 1]."""
    levels = np.floor(np.clip(decoded * np.float32(0.5) + np.float32(0.5), 0.0, 1.0) * np.float32(255.0) + np.float32(0.5))
    return levels.astype(np.uint8).transpose(0, 2, 3, 1)


class OneAtATime:
    """One picture after the other, as a pipeline of diffusers does: default sessions, text for each, guidance as one call of batch 2."""

    def __init__(self, study):
        self.study = study
        self.text = TextEncoder(study.pack)
        self.unet = open_session(study.pack / "unet/model.onnx", Settings())
        self.decoder = open_session(study.pack / "vae_decoder/model.onnx", Settings())
        self.scheduler = DDIMScheduler.from_pretrained(study.pack, subfolder="scheduler")
        self.evaluations = 0

    def picture(self, index, inputs):
        study = self.study
        t0, tk, probability, replication, device = index
        prompts = ["", study.server_prompt, study.device_prompts[device]]
        empty, server_text, device_text = map(self.text, prompts)
        self.scheduler.set_timesteps(study.t0s[t0] + study.tks[tk])
        latent = torch.from_numpy(inputs.starts[replication : replication + 1])
        for step, timestep in enumerate(self.scheduler.timesteps):
            if step == study.t0s[t0]:
                latent = torch.from_numpy(send(latent.numpy(), inputs.flips[probability, replication, device], study.latent_range))
            text = server_text if step < study.t0s[t0] else device_text
            output = self.unet.run(None, {
                "sample": np.concatenate([latent.numpy()] * 2),
                "timestep": np.full(2, timestep.item(), np.int64),
                "encoder_hidden_states": np.concatenate([empty, text]),
            })[0]
            self.evaluations += 2
            unconditional, conditional = torch.from_numpy(output).chunk(2)
            guided = unconditional + study.guidance * (conditional - unconditional)
            latent = self.scheduler.step(guided, timestep, latent).prev_sample
        return to_rgb8(self.decoder.run(None, {"latent_sample": latent.numpy()})[0])[0]


@dataclass(frozen=True)
class Task:
    """Chains that a worker takes side by side: all of one length, from step `first` to before step `last`."""

    length: int
    first: int
    last: int
    latents: np.ndarray
    """[n, channels, height, width]"""
    empty: np.ndarray
    """Text of the empty prompt [1, tokens, hidden]."""
    server_text: np.ndarray
    """[1, tokens, hidden]"""
    handover: int = -1
    """The step before which the latents are sent; −1 where they are not."""
    flips: np.ndarray | None = None
    """[n, channels, height, width]"""
    device_text: np.ndarray | None = None
    """[n, tokens, hidden], for the steps from the hand-over on"""


class Painter:
    """One worker's sessions and scheduler."""

    def __init__(self, pack, settings):
        self.settings = settings
        self.unet = open_session(pack / "unet/model.onnx", settings, settings.evaluations_per_call)
        self.decoder = open_session(pack / "vae_decoder/model.onnx", settings, settings.pictures_per_decode)
        self.scheduler = DDIMScheduler.from_pretrained(pack, subfolder="scheduler")

    def denoise(self, task, guidance, latent_range):
        """The latent [n, …] before the first step and after each."""
        self.scheduler.set_timesteps(task.length)
        count = len(task.latents)
        latents = torch.from_numpy(task.latents)
        yield latents
        for step in range(task.first, task.last):
            if step == task.handover:
                latents = torch.from_numpy(send(latents.numpy(), task.flips, latent_range))
            text = task.device_text if 0 <= task.handover <= step else np.repeat(task.server_text, count, axis=0)
            timestep = self.scheduler.timesteps[step]
            output = self.predict({
                "sample": np.concatenate([latents.numpy()] * 2),
                "timestep": np.full(2 * count, timestep.item(), np.int64),
                "encoder_hidden_states": np.concatenate([np.repeat(task.empty, count, axis=0), text]),
            })
            unconditional, conditional = torch.from_numpy(output).chunk(2)
            guided = unconditional + guidance * (conditional - unconditional)
            latents = self.scheduler.step(guided, timestep, latents).prev_sample
            yield latents

    def predict(self, feeds):
        count = len(feeds["sample"])
        if self.settings.fixed_shapes:
            feeds = {name: filled(values, self.settings.evaluations_per_call) for name, values in feeds.items()}
        return self.unet.run(None, feeds)[0][:count]

    def decode(self, latents):
        """uint8 [n, height, width, 3]"""
        pictures, batch = [], self.settings.pictures_per_decode
        for start in range(0, len(latents), batch):
            part = latents[start : start + batch]
            decoded = self.decoder.run(None, {"latent_sample": filled(part, batch) if self.settings.fixed_shapes else part})[0]
            pictures.append(to_rgb8(decoded[: len(part)]))
        return np.concatenate(pictures)


def filled(values, batch):
    """`values` with its last sample repeated up to `batch` samples."""
    missing = batch - len(values)
    return values if missing == 0 else np.concatenate([values, np.repeat(values[-1:], missing, axis=0)])


OWN = threading.local()


def painter(pack, settings):
    """This worker's painter; made anew where other settings are asked for."""
    if getattr(OWN, "painter", None) is None or OWN.painter.settings != settings:
        torch.set_num_threads(1)
        OWN.painter = None
        OWN.painter = Painter(pack, settings)
    return OWN.painter


def paint(study, settings, task):
    """A worker's work: the pictures of a task, uint8 [n, height, width, 3]."""
    own = painter(study.pack, settings)
    *_, latents = own.denoise(task, study.guidance, study.latent_range)
    return own.decode(latents.numpy())


def walk(study, settings, task):
    """A worker's work: the latents of a task before its first step and after each [steps + 1, n, …]."""
    own = painter(study.pack, settings)
    return np.stack([latents.numpy() for latents in own.denoise(task, study.guidance, study.latent_range)])


def open_crew(settings):
    """Workers for batched scripts of these settings, or of others with the same workers; to be used in a `with`."""
    if settings.kind == "processes":
        return concurrent.futures.ProcessPoolExecutor(settings.workers, mp_context=multiprocessing.get_context("spawn"))
    return concurrent.futures.ThreadPoolExecutor(settings.workers)


class Batched:
    """All pictures of a study, batched over seeds, bit error probabilities and users, by a crew of workers."""

    def __init__(self, study, settings, crew, sharing=False):
        self.study, self.settings, self.crew, self.sharing = study, settings, crew, sharing
        self.text = TextEncoder(study.pack)
        self.evaluations = 0

    def pictures(self, inputs):
        """uint8 [*study.shape, height, width, 3]"""
        study = self.study
        self.evaluations = 0
        texts = {prompt: self.text(prompt) for prompt in ["", study.server_prompt, *study.device_prompts]}
        shared = self.shared_prefixes(inputs, texts) if self.sharing else None
        rows = np.array(list(np.ndindex(*study.shape[2:])))
        pending = []
        # Longest first, so that the workers end together.
        for t0, tk in sorted(np.ndindex(*study.shape[:2]), key=lambda at: -study.t0s[at[0]] - study.tks[at[1]]):
            handover = study.t0s[t0]
            length = handover + study.tks[tk]
            for part in self.parts(rows):
                probability, replication, device = part.T
                task = Task(
                    length=length,
                    first=handover if shared else 0,
                    last=length,
                    latents=shared[length][handover, replication] if shared else inputs.starts[replication],
                    empty=texts[""],
                    server_text=texts[study.server_prompt],
                    handover=handover,
                    flips=inputs.flips[probability, replication, device],
                    device_text=np.concatenate([texts[study.device_prompts[index]] for index in device]),
                )
                pending.append(((t0, tk, probability, replication, device), self.submit(paint, task)))
        pictures = None
        for index, future in pending:
            made = future.result()
            if pictures is None:
                pictures = np.empty((*study.shape, *made.shape[1:]), np.uint8)
            pictures[index] = made
        return pictures

    def shared_prefixes(self, inputs, texts):
        """By length of chain: the latents after each of the server's steps [steps + 1, replications, …]."""
        study = self.study
        longest = {}
        for t0 in study.t0s:
            for tk in study.tks:
                longest[t0 + tk] = max(t0, longest.get(t0 + tk, 0))
        pending = {}
        for length, last in sorted(longest.items(), reverse=True):
            pending[length] = [
                self.submit(walk, Task(length, 0, last, inputs.starts[part], texts[""], texts[study.server_prompt]))
                for part in self.parts(np.arange(study.replications))
            ]
        return {length: np.concatenate([future.result() for future in futures], axis=1) for length, futures in pending.items()}

    def parts(self, rows):
        """Rows cut into what one call of the UNet takes with guidance."""
        size = self.settings.evaluations_per_call // 2
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def submit(self, work, task):
        self.evaluations += 2 * len(task.latents) * (task.last - task.first)
        return self.crew.submit(work, self.study, self.settings, task)
