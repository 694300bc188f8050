"""Builds, checks and times latentlink on a GPU against PyTorch on the same one, at the sizes of Stable Diffusion 1.5 and LLaVA-1.5-7B.

    pip install -r benches/gpu/requirements.txt && latentlink doctor --install-runtime cuda
    python benches/gpu/run.py                                   an hour or so; 64 GB of memory, 40 GB of disk, 40 GB on the GPU
    python benches/gpu/run.py --tiny --provider cpu             the same in minutes, without a GPU, on networks that say nothing of speed
    python benches/gpu/run.py --check-only                      parts 1 to 3

    1  programs     cargo build --release, cargo bench --bench gpu --no-run
    2  packs        make_packs.py: random weights in 16 bits, the graphs as exported and as ONNX Runtime's optimizer fuses them
    3  checks       the same inputs to both sides: predictions and pictures within 2e-2 of their scale, scores within 0.02
    4  turns        torch eager, torch compiled, latentlink, latentlink with fused graphs, in turns on the same GPU; ratios turn by turn;
                    whole chains also with latents that stay on the GPU, and with CUDA graphs besides
    5  sweep        Figs. 13 and 14 with the shipped pack, whole program, on the CPU and on the GPU in those ways; pictures compared
    6  table        on the standard output and in --out, with machine and date

What is timed is what a simulation pays: latentlink's inputs and outputs are 32-bit floats in the machine's memory, PyTorch's stay on the GPU.
The limit is what the arithmetic of the networks takes at the speed of one large matrix product in 16 bits on the same GPU.
"""

import argparse
import json
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy
from sides import Latentlink, Torch, build, machine, whole_sweep

HERE = Path(__file__).resolve().parent
PERSONA = [0.1, 0.8, 0.7, 0.8, 0.1]
REQUEST = "a tiger sits in front of a bush"
PROMPT = "a dog, in front of the bush!"
TOLERANCE = 2e-2
DECODE_BATCH = 16  # pictures of one call: what latentlink takes on a GPU
LATENTS = {"latentlink, resident": "resident", "latentlink, graphs": "graphs"}  # where latents are between the steps of a chain
WAYS = ["torch eager", "torch compiled", "latentlink", "latentlink, fused", *LATENTS]


def works(options) -> list[tuple[str, str, int, dict]]:
    """Family, work, batch, and what else a side is told."""
    chain = {"steps": 4 if options.tiny else 20, "guidance": 7.5, "decode_batch": DECODE_BATCH}
    asked = [("diffusion", work, batch, {}) for work in ("denoise", "decode") for batch in options.batches]
    asked += [("diffusion", "chain", batch, chain) for batch in options.batches]
    asked += [("judge", "score", batch, {"persona": PERSONA, "request": REQUEST}) for batch in options.batches]
    return [work for work in asked if work[0] in options.only]


def sides_of(family: str, options, programs) -> dict:
    """Name of a way -> the side that goes it, and what it is told besides. Sides load their networks when they are made."""
    torch_side = Torch(HERE / "torch_side.py", family, options)
    sides = {"torch eager": (torch_side, {}), "torch compiled": (torch_side, {"compiled": True})}
    if options.no_compile or options.check_only:
        del sides["torch compiled"]
    if family == "judge":
        sides["latentlink"] = Latentlink(programs.bench, family, options.packs / "llava", options), {}
        return sides
    sides["latentlink"] = Latentlink(programs.bench, family, options.packs / "sd15", options), {}
    if not options.no_fused:
        sides["latentlink, fused"] = Latentlink(programs.bench, family, options.packs / "sd15-fused", options), {}
    for way, latents in LATENTS.items():
        if options.provider == "cuda" or latents != "graphs":
            sides[way] = Latentlink(programs.bench, family, options.packs / "sd15", options, latents), {}
    return sides


def questions(family: str, sides: dict) -> list[dict]:
    """The same inputs for everybody."""
    random = numpy.random.default_rng(41)
    if family == "judge":
        shape = 64, 48, 3
        return [
            {"ask": "score", "picture": random.integers(0, 256, shape).flatten().tolist(), "height": shape[0], "width": shape[1],
             "persona": persona, "request": REQUEST}
            for persona in (PERSONA, [0.9, 0.2, 0.1, 0.1, 0.8])
        ]
    size = sides["torch eager"][0].ask({"ask": "latent_size"})["values"]
    latent = random.standard_normal(size).astype(numpy.float32).flatten().tolist()
    return [{"ask": "predict", "latent": latent, "timestep": 501, "prompt": PROMPT}, {"ask": "decode", "latent": latent}]


def check(family: str, sides: dict) -> list[str]:
    """Ends the run where somebody answers something else than PyTorch."""
    lines = []
    for question in questions(family, sides):
        expected = numpy.array(sides["torch eager"][0].ask(question)["values"])
        # Scores are in [0, 1] as they are; other values are compared with how far they spread.
        scale = 1.0 if question["ask"] == "score" else expected.std()
        for way, (side, _) in sides.items():
            if way.startswith("latentlink") and way not in LATENTS:
                lines.append(compared(way, question["ask"], side.ask(question)["values"], expected, scale))
    resident = {way: side for way, (side, _) in sides.items() if way in LATENTS}
    if resident:
        question = {"ask": "picture", "steps": 4, "guidance": 7.5}
        expected = numpy.array(sides["latentlink"][0].ask(question)["values"])
        for way, side in resident.items():
            lines.append(compared(way, "picture of 4 steps against that of `latentlink`", side.ask(question)["values"], expected, expected.std()))
    return lines


def compared(way: str, asked: str, values: list, expected, scale: float) -> str:
    found = numpy.array(values)
    off = float(numpy.abs(found - expected).max() / scale)
    shown = f"{expected.size} values" if expected.size > 1 else f"{found[0]:.4f}, PyTorch's {expected[0]:.4f}:"
    line = f"{way}: {asked}, {shown} differ by {off:.1e} at most"
    if not off <= TOLERANCE:
        sys.exit(f"{line}, more than {TOLERANCE}: these are not the same networks")
    return line


def measure(family: str, options, programs) -> dict:
    sides = sides_of(family, options, programs)
    try:
        checked = check(family, sides)
        print(*checked, sep="\n", flush=True)
        if options.check_only:
            return {"checked": checked, "rows": []}
        torch_side = sides["torch eager"][0]
        peak = torch_side.ask({"ask": "peak"})["flops_per_s"]
        rows = []
        for _, work, batch, told in (entry for entry in works(options) if entry[0] == family):
            flops = batch * torch_side.ask({"ask": "flops", "work": work, **told})["flops"]
            row = {"work": work, "batch": batch, "limit_s": flops / peak, "seconds": {way: [] for way in sides}, "failed": {}}
            for turn in range(options.turns):
                for way, (side, more) in sides.items():
                    if way not in row["failed"] and (work == "chain" or way not in LATENTS):
                        answer = side.ask({"ask": "time", "work": work, "batch": batch, "least_s": options.least_s, **told, **more})
                        if "error" in answer:
                            row["failed"][way] = answer["error"]
                        else:
                            row["seconds"][way].append(answer["seconds"])
                shown = {way: f"{1e3 * times[-1]:.2f} ms" for way, times in row["seconds"].items() if times}
                print(f"{work} of {batch}, turn {turn + 1}: {shown}", flush=True)
            rows.append(row)
        return {"checked": checked, "peak_flops_per_s": peak, "rows": rows}
    finally:
        for side in {id(side): side for side, _ in sides.values()}.values():
            side.close()


def table(results: dict) -> str:
    """Items a second of each way (share of the limit), and latentlink's best against PyTorch's best, turn by turn."""
    lines = [f"| work | at once | limit, items/s | {' | '.join(WAYS)} | latentlink / PyTorch |", "|---" * (len(WAYS) + 4) + "|"]
    for row in [row for family in results["families"].values() for row in family["rows"]]:
        cells = []
        for way in WAYS:
            times = row["seconds"].get(way)
            share = f" ({row['limit_s'] / statistics.median(times):.0%})" if times else ""
            cells.append(f"{row['batch'] / statistics.median(times):.4g}{share}" if times else "failed" if way in row["failed"] else "–")
        best = {}
        for name in ("torch", "latentlink"):
            ways = [times for way, times in row["seconds"].items() if way.startswith(name) and times and way not in row["failed"]]
            best[name] = min(ways, key=statistics.median, default=None)
        ratio = "–"
        if all(best.values()):
            ratios = sorted(theirs / ours for theirs, ours in zip(best["torch"], best["latentlink"]))
            ratio = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"| {row['work']} | {row['batch']} | {row['batch'] / row['limit_s']:.4g} | {' | '.join(cells)} | {ratio} |")
    return "\n".join(lines)


def report(results: dict) -> str:
    how = results["how"]
    lines = [f"# {how['machine']}, {how['date']}", "", f"`{how['command']}`", "", f"{how['versions']}; networks: {how['networks']}.", ""]
    if any(family["rows"] for family in results["families"].values()):
        lines += [table(results), ""]
    for name, family in results["families"].items():
        if "peak_flops_per_s" in family:
            lines += [f"{name}: one large matrix product ran at {family['peak_flops_per_s'] / 1e12:.3g} TFLOP/s.", ""]
        lines += [f"{name}, checks:", ""]
        lines += [f"- {line}" for line in family["checked"]]
        lines += [f"- {way}, {row['work']} of {row['batch']}: {error}" for row in family["rows"] for way, error in row["failed"].items()] + [""]
    if "sweep" in results:
        lines += ["Figs. 13 and 14 end to end, shipped pack (`benches/diffusers_sweep.toml`):", "", *results["sweep"], ""]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="networks of some thousand weights: to try the bench itself")
    parser.add_argument("--provider", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--dtype", choices=["fp16", "fp32"], help="of the networks [default: fp16 on a GPU, fp32 on the CPU]")
    parser.add_argument("--batches", type=lambda text: [int(part) for part in text.split(",")], default=[1, 4, 16, 64])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--least-s", type=float, default=1.0, help="seconds for which a work is repeated in one turn [default: 1]")
    parser.add_argument("--only", choices=["diffusion", "judge", "sweep"], action="append", help="of these parts; may be given again")
    parser.add_argument("--check-only", action="store_true", help="compare answers, time nothing")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out, which takes minutes for each network and batch")
    parser.add_argument("--no-fused", action="store_true", help="leave fused graphs out, which take ONNX Runtime's optimizer long on the CPU")
    parser.add_argument("--packs", type=Path, help="folder of packs, made where it lacks them [default: one in target/]")
    parser.add_argument("--programs", type=Path, help="folder with `latentlink` and `gpu`, built elsewhere")
    parser.add_argument("--out", type=Path, help="folder for report and numbers [default: benches/gpu/results, with --tiny or --check-only none]")
    options = parser.parse_args()
    options.only = [part for part in options.only or ["diffusion", "judge", "sweep"] if part != "sweep" or not options.check_only]
    options.device = "cuda" if options.provider == "cuda" else "cpu"
    options.dtype = options.dtype or ("fp16" if options.provider == "cuda" else "fp32")
    root = HERE.parents[1]
    options.packs = options.packs or root / "target" / f"{'tiny-' if options.tiny else ''}packs-{options.provider}-{options.dtype}"

    programs = build(root, options.programs)
    families = [family for family in ("diffusion", "judge") if family in options.only]
    if families:
        chosen = [argument for family in families for argument in ("--only", family)]
        flags = [f"--{flag}" for flag in ("tiny", "no-fused") if getattr(options, flag.replace("-", "_"))]
        how = [*flags, "--dtype", options.dtype, "--device", options.device, "--provider", options.provider, *chosen]
        subprocess.run([sys.executable, HERE / "make_packs.py", options.packs, *how], check=True)
    results = {"how": machine(options) | {"date": date.today().isoformat()}, "families": {}}
    for family in families:
        results["families"][family] = measure(family, options, programs)
    if "sweep" in options.only:
        results["sweep"] = whole_sweep(programs.latentlink, root, options)
    text = report(results)
    print(text)
    folder = options.out or (None if options.tiny or options.check_only else HERE / "results")
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{results['how']['date']}-{results['how']['machine'].lower().replace(' ', '-')}"
        (folder / f"{name}.md").write_text(text)
        (folder / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
