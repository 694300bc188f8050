"""The search for the settings with which the batched script is fastest on this machine.

    workers and threads × evaluations per call ─► the fastest ─► one option after the other, kept where it helps ─► settings

Each candidate makes a few dozen pictures with the script itself, text to picture. Needs numpy.
"""

import dataclasses
import time

import numpy as np
from sweep_scripts import Batched, Settings, open_crew
from sweep_study import Inputs

EVALUATIONS_PER_CALL = [2, 4, 8, 16, 32, 64]
OPTIONS = [
    {"fixed_shapes": True},
    {"spinning": False},
    {"arena": False},
    {"memory_pattern": False},
    *({"pictures_per_decode": pictures} for pictures in (1, 2, 8, 16)),
]
PICTURES_PER_THREAD = 32
RUNS = 3


def best_settings(study, latent_shape, threads, report):
    """The fastest settings that use `threads` threads in all; `report` is told what each candidate takes."""
    workers_and_threads = [(1, "threads", 1), (1, "threads", threads), (threads, "threads", 1), (threads, "processes", 1)]
    layouts = [Settings(*layout, pictures_per_decode=4) for layout in dict.fromkeys(workers_and_threads)]
    probe = Probe(study, latent_shape, PICTURES_PER_THREAD * threads, report)
    timed = []
    for layout in layouts:
        with open_crew(layout) as crew:
            for evaluations in EVALUATIONS_PER_CALL:
                settings = dataclasses.replace(layout, evaluations_per_call=evaluations)
                timed.append((probe(settings, crew), settings))
    best_s, best = min(timed, key=lambda candidate: candidate[0])
    with open_crew(best) as crew:
        for option in OPTIONS:
            settings = dataclasses.replace(best, **option)
            seconds = probe(settings, crew)
            if seconds < best_s:
                best_s, best = seconds, settings
    return best


class Probe:
    """Makes the study's shortest chains, as many as `pictures`, from any noise and without bit errors."""

    def __init__(self, study, latent_shape, pictures, report):
        self.study = dataclasses.replace(
            study,
            t0s=[min(study.t0s)],
            tks=[min(study.tks)],
            bit_error_probabilities=[0.0],
            replications=pictures,
            device_names=study.device_names[:1],
            device_prompts=study.device_prompts[:1],
        )
        starts = np.random.default_rng(41).standard_normal((pictures, *latent_shape)).astype(np.float32)
        self.inputs = Inputs(starts, np.zeros((1, pictures, 1, *latent_shape), np.uint8))
        self.report = report

    def __call__(self, settings, crew):
        """Seconds of the fastest run after one that opens the sessions."""
        script = Batched(self.study, settings, crew)
        script.pictures(self.inputs)
        seconds = []
        for _ in range(RUNS):
            start = time.perf_counter()
            script.pictures(self.inputs)
            seconds.append(time.perf_counter() - start)
        self.report(f"  {described(settings)}: {1e3 * min(seconds) / script.evaluations:.3f} ms per evaluation, with all else")
        return min(seconds)


def described(settings):
    """Settings in words."""
    options = [name.replace("_", " ") for name in ("fixed_shapes", "deterministic") if getattr(settings, name)]
    options += [f"no {name.replace('_', ' ')}" for name in ("arena", "memory_pattern", "spinning") if not getattr(settings, name)]
    workers = f"{settings.workers} {settings.kind}" if settings.workers > 1 else "1 session"
    return ", ".join([
        workers,
        f"intra-op threads {settings.intra_op_threads or 'default'}",
        f"{settings.evaluations_per_call} evaluations a call",
        f"{settings.pictures_per_decode} pictures a decode",
        *options,
    ])
