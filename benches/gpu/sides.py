"""The processes that run.py asks, each about one pack, and the programs it starts."""

import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy
from PIL import Image


class Side:
    """One JSON object a line to a process and back. What it says besides goes to the standard error."""

    def __init__(self, command: list):
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request: dict) -> dict:
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            sys.exit(f"`{' '.join(self.command)}` ended with exit code {self.process.wait()} when asked for {request['ask']}; see above")
        answer = json.loads(line)
        if "error" in answer and request["ask"] != "time":
            sys.exit(f"`{' '.join(self.command)}` cannot {request['ask']}: {answer['error']}")
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


class Torch(Side):
    def __init__(self, script: Path, family: str, options):
        tiny = ["--tiny"] if options.tiny else []
        super().__init__([sys.executable, script, family, *tiny, "--dtype", options.dtype, "--device", options.device])


class Latentlink(Side):
    def __init__(self, bench: Path, family: str, pack: Path, options, latents: str | None = None):
        dtype = ["--dtype", options.dtype] if family == "judge" else []
        super().__init__([bench, family, pack, "--provider", options.provider, *dtype, *(["--latents", latents] if latents else [])])


@dataclass
class Programs:
    latentlink: Path
    bench: Path


def build(root: Path, built: Path | None) -> Programs:
    """Both programs, built for release unless they are in the folder `built`."""
    if built:
        return Programs(built / "latentlink", built / "gpu")
    made = {}
    for command in (["build", "--release", "--bin", "latentlink"], ["bench", "--bench", "gpu", "--no-run"]):
        ran = subprocess.run(["cargo", *command, "--message-format=json"], cwd=root, check=True, stdout=subprocess.PIPE, text=True)
        messages = map(json.loads, ran.stdout.splitlines())
        made |= {entry["target"]["name"]: Path(entry["executable"]) for entry in messages if entry.get("executable")}
    return Programs(made["latentlink"], made["gpu"])


def machine(options) -> dict:
    """What the numbers depend on."""
    import torch

    name = torch.cuda.get_device_name() if options.device == "cuda" else f"{platform.machine()} CPU"
    versions = [f"torch {torch.__version__}", *(f"{package} {version(package)}" for package in ("diffusers", "transformers"))]
    if options.device == "cuda":
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        versions.append(f"driver {subprocess.run(query, capture_output=True, text=True).stdout.strip()}")
    networks = f"{'tiny' if options.tiny else 'Stable Diffusion 1.5, LLaVA-1.5-7B'}, random weights, {options.dtype}"
    command = " ".join(["python", "benches/gpu/run.py", *sys.argv[1:]])
    return {"machine": name, "versions": ", ".join(versions), "networks": networks, "command": command}


def whole_sweep(program: Path, root: Path, options) -> list[str]:
    """The study of benches/diffusers_sweep.py as a whole process, in turns on the CPU and on the provider in each way; and how far their
    pictures differ from the first."""
    replications = 1 if options.tiny else 20
    resident = ["models.resident_latents=true"]
    ways = {"cpu": ["models.execution_provider=cpu"]}
    if options.provider == "cuda":
        cuda = ["models.execution_provider=cuda"]
        ways |= {"cuda": cuda, "cuda, resident": cuda + resident, "cuda, graphs": [*cuda, *resident, "models.cuda_graphs=true"]}
    else:
        ways["cpu, resident"] = ways["cpu"] + resident
    seconds, pictures = {way: [] for way in ways}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(options.turns):
            for way, settings in ways.items():
                out = Path(scratch) / f"{way}-{turn}"
                command = [program, "run", "benches/diffusers_sweep.toml", "--out", out, "--store", Path(scratch) / f"{way}-{turn}.redb"]
                for setting in [f"study.replications={replications}", *settings]:
                    command += ["--set", setting]
                start = time.perf_counter()
                subprocess.run([str(part) for part in command], cwd=root, check=True, stdout=subprocess.DEVNULL)
                seconds[way].append(time.perf_counter() - start)
                files = sorted((out / "images").rglob("*.png"))
                pictures[way] = [numpy.asarray(Image.open(file)).astype(int) for file in files]
                print(f"sweep, {way}, turn {turn + 1}: {seconds[way][-1]:.2f} s, {len(files)} pictures", flush=True)
    lines = []
    for way, taken in seconds.items():
        line = f"- {way}: {statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f}), {len(pictures[way])} pictures"
        if way != "cpu":
            ratios = [cpu / own for cpu, own in zip(seconds["cpu"], taken)]
            off = [int(abs(one - own).max()) for one, own in zip(pictures["cpu"], pictures[way], strict=True)]
            line += f"; cpu / {way}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); {sum(level <= 2 for level in off)} of "
            line += f"{len(off)} pictures differ nowhere by more than 2 of 255 levels from the CPU's, the most {max(off)}"
        lines.append(line)
    return lines
