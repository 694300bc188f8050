"""Figs. 13 and 14 together, with 20 seeds, by latentlink and by diffusers scripts: the same pictures, timed in turns.

    cargo build --release && python benches/diffusers_sweep.py target/release/latentlink

    one at a time   the authors' way: text, chain, guidance as one call of batch 2, onnxruntime's default options, nothing shared
    batched         the best script: over seeds, points and users, with the workers, threads, batch and options that a search finds fastest
    with sharing    the best script, with the server's steps shared by hand between points and users (--with-sharing)
    latentlink      the program as a whole process, with an empty score store

Needs Python 3.11 or later, numpy 2, pillow, onnx 1.23.2, onnxruntime 1.31.1 (the version that latentlink loads), torch 2.5.1,
diffusers 0.31.0 and tokenizers 0.23.3. The study is benches/diffusers_sweep.toml; a quick check is

    python benches/diffusers_sweep.py target/release/latentlink --replications 1 --turns 1 --with-sharing

All sides make the same pictures: the scripts take latentlink's start latents and bit flips (latentlink_streams.py). That they are the same
is checked on 8-bit pictures. A script's differ from latentlink's by rounding, and where rounding tips a value of the latent over the
edge between two levels of its 8-bit code, by a little more.

What is timed favours the scripts. On their side: text, chains, links and decoding, up to 8-bit pictures in memory. Starting Python, reading
the models, starting workers, the search and drawing random numbers are not. On latentlink's side: the whole process, which reads and
checks the pack, draws random numbers, simulates the network, and writes pictures, tables and figures.

One at a time is timed on a random part of the pictures (--share-of-one-at-a-time), others in each turn, and scaled by UNet evaluations.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import numpy as np
from sweep_limits import machine, multiply_adds, peak_multiply_adds, seconds_per_sample
from sweep_scripts import Batched, OneAtATime, Settings, open_crew
from sweep_search import best_settings, described
from sweep_study import difference, draw_inputs, latentlink_pictures, read_study, run_latentlink


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="latentlink, built for release")
    parser.add_argument("--scenario", type=pathlib.Path, default=pathlib.Path("benches/diffusers_sweep.toml"))
    parser.add_argument("--replications", type=int, help="seeds, in place of the scenario's")
    parser.add_argument("--threads", type=int, default=2, help="of latentlink and of the best script [default: 2]")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--share-of-one-at-a-time", type=float, default=0.1, help="of the pictures, 0 to 1 [default: 0.1]")
    parser.add_argument("--with-sharing", action="store_true", help="time the best script with prefixes shared by hand, too")
    options = parser.parse_args()
    changes = [] if options.replications is None else [f"study.replications={options.replications}"]
    model, cores = machine()
    print(f"{model}, {cores} cores; {options.threads} threads for latentlink and the best script")

    study = read_study(options.program, options.scenario, changes)
    one_at_a_time = OneAtATime(study)
    latent_shape = one_at_a_time.unet.get_inputs()[0].shape[1:]
    inputs = draw_inputs(study, latent_shape)
    print("search for the best script's settings:")
    settings = best_settings(study, latent_shape, options.threads, print)
    print(f"best script: {described(settings)}")

    sides = {"one at a time": OneAtATimeSide(study, one_at_a_time, inputs, options.share_of_one_at_a_time)}
    with open_crew(settings) as crew:
        sides["batched"] = BatchedSide(Batched(study, settings, crew), inputs)
        if options.with_sharing:
            sides["with sharing"] = BatchedSide(Batched(study, settings, crew, sharing=True), inputs)
        sides["latentlink"] = LatentlinkSide(study, options.program, options.scenario, changes, options.threads)
        check(sides)
        seconds = {name: [] for name in sides}
        for turn in range(1, options.turns + 1):
            for name, side in sides.items():
                seconds[name].append(side.run())
            print(f"turn {turn}: " + ", ".join(f"{name} {times[-1]:.2f} s" for name, times in seconds.items()))
    print_ratios(seconds)
    print_decomposition(study, sides, seconds, settings, options.threads)


class OneAtATimeSide:
    """A random part of the pictures a turn; seconds and evaluations are scaled to all of them."""

    def __init__(self, study, script, inputs, share):
        self.study, self.script, self.inputs = study, script, inputs
        self.all = study.pictures()
        self.count = min(max(round(share * len(self.all)), 1), len(self.all))
        self.rng = np.random.default_rng(41)
        steps = sum(study.t0s[t0] + study.tks[tk] for t0, tk, *_ in self.all)
        self.evaluations = 2 * steps
        if self.count < len(self.all):
            print(f"one at a time makes {self.count} of {len(self.all)} pictures, drawn anew each turn; its seconds are scaled to all")

    def run(self):
        chosen = [self.all[index] for index in sorted(self.rng.choice(len(self.all), self.count, replace=False))]
        self.script.evaluations = 0
        start = time.perf_counter()
        made = [self.script.picture(index, self.inputs) for index in chosen]
        seconds = time.perf_counter() - start
        self.indices, self.made = tuple(np.array(chosen).T), np.array(made)
        return seconds * self.evaluations / self.script.evaluations


class BatchedSide:
    def __init__(self, script, inputs):
        self.script, self.inputs = script, inputs

    def run(self):
        start = time.perf_counter()
        self.made = self.script.pictures(self.inputs)
        seconds = time.perf_counter() - start
        self.evaluations = self.script.evaluations
        # Every picture in the order of latentlink's.
        self.indices = (slice(None),) * (self.made.ndim - 3)
        return seconds


class LatentlinkSide:
    def __init__(self, study, program, scenario, changes, threads):
        self.study, self.arguments = study, (program, scenario, changes, threads)
        self.made = None

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            seconds, counts = run_latentlink(*self.arguments, pathlib.Path(folder))
            if self.made is None:
                self.made = latentlink_pictures(self.study, pathlib.Path(folder))
        self.evaluations = counts["unet_evaluations"]
        return seconds


def check(sides):
    """Runs each side once, which warms it up, and compares its pictures with latentlink's."""
    for side in sides.values():
        side.run()
    expected = sides["latentlink"].made
    for name, side in sides.items():
        if name != "latentlink":
            wanted = expected[side.indices].reshape(-1, *expected.shape[-3:])
            share, largest = difference(side.made.reshape(wanted.shape), wanted)
            print(
                f"pictures of {name} against latentlink's: {len(wanted)} compared, {100 * share:.2f} % differ nowhere by more than 2 "
                f"of 255 levels, largest difference {largest} levels"
            )


def print_ratios(seconds):
    for name, times in seconds.items():
        if name != "latentlink":
            ratios = [theirs / ours for theirs, ours in zip(times, seconds["latentlink"])]
            print(
                f"latentlink is faster than {name} by a factor of {statistics.median(ratios):.2f} "
                f"(median of {len(ratios)} turns, {min(ratios):.2f} to {max(ratios):.2f})"
            )


def print_decomposition(study, sides, seconds, settings, threads):
    """Where each side's time goes: evaluations × the bare time of one, decoding, the rest; and what arithmetic alone would take."""
    unet, decoder = study.pack / "unet/model.onnx", study.pack / "vae_decoder/model.onnx"
    pictures = len(study.pictures())
    # As src/onnx/session.rs and src/diffusion/executor/batches.rs have them.
    of_latentlink = Settings(
        threads, "threads", 1, evaluations_per_call=8, pictures_per_decode=4, spinning=False, deterministic=True
    )
    of_side = {"one at a time": Settings(), "batched": settings, "with sharing": settings, "latentlink": of_latentlink}
    bare = {}
    for used in dict.fromkeys(of_side[name] for name in sides):
        bare[used] = (
            seconds_per_sample(unet, used, used.evaluations_per_call),
            seconds_per_sample(decoder, used, used.pictures_per_decode),
        )
    print("\nwhere the time goes: networks as bare onnxruntime calls with each side's settings, on all its workers; the rest by difference")
    print(f"{'':15}{'evaluations':>12}{'ms each':>10}{'UNet s':>9}{'ms/picture':>12}{'decoder s':>11}{'rest s':>9}{'whole s':>9}")
    for name, side in sides.items():
        evaluation_s, picture_s = bare[of_side[name]]
        unet_s, decoder_s, whole_s = side.evaluations * evaluation_s, pictures * picture_s, statistics.median(seconds[name])
        print(
            f"{name:15}{side.evaluations:12}{1e3 * evaluation_s:10.3f}{unet_s:9.2f}{1e3 * picture_s:12.3f}{decoder_s:11.2f}"
            f"{whole_s - unet_s - decoder_s:9.2f}{whole_s:9.2f}"
        )
    per_evaluation, per_picture, peak = multiply_adds(unet), multiply_adds(decoder), peak_multiply_adds(threads)
    print(
        f"multiply-adds: {per_evaluation / 1e6:.1f} million an evaluation of the UNet, {per_picture / 1e6:.1f} million a decoded picture; "
        f"peak of a float32 matrix product on {threads} threads: {peak / 1e9:.1f} billion a second"
    )
    for name, side in (("unshared", sides["batched"]), ("shared", sides["latentlink"])):
        limit = (side.evaluations * per_evaluation + pictures * per_picture) / peak
        print(f"arithmetic limit, {name}: {limit:.2f} s for {side.evaluations} evaluations and {pictures} pictures")


if __name__ == "__main__":
    main()
