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
    def __init__(self, bench: Path, family: str, pack: Path, options):
        dtype = ["--dtype", options.dtype] if family == "judge" else []
        super().__init__([bench, family, pack, "--provider", options.provider, *dtype])


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
    """The study of benches/diffusers_sweep.py as a whole process, in turns on the CPU and on the provider; and how far their pictures differ."""
    replications = 1 if options.tiny else 20
    seconds, pictures = {"cpu": [], options.provider: []}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for turn in range(options.turns):
            for provider, taken in seconds.items():
                out = Path(scratch) / f"{provider}-{turn}"
                command = [
                    program, "run", "benches/diffusers_sweep.toml", "--set", f"models.execution_provider={provider}", "--set",
                    f"study.replications={replications}", "--out", out, "--store", Path(scratch) / f"{provider}-{turn}.redb",
                ]
                start = time.perf_counter()
                subprocess.run([str(part) for part in command], cwd=root, check=True, stdout=subprocess.DEVNULL)
                taken.append(time.perf_counter() - start)
                files = sorted((out / "images").rglob("*.png"))
                pictures[provider] = [numpy.asarray(Image.open(file)).astype(int) for file in files]
                print(f"sweep on {provider}, turn {turn + 1}: {taken[-1]:.2f} s, {len(files)} pictures", flush=True)
    lines = [
        f"- {provider}: {statistics.median(taken):.2f} s ({min(taken):.2f} to {max(taken):.2f}), {len(pictures[provider])} pictures"
        for provider, taken in seconds.items()
    ]
    if options.provider != "cpu":
        ratios = [cpu / other for cpu, other in zip(seconds["cpu"], seconds[options.provider])]
        off = [int(abs(one - other).max()) for one, other in zip(pictures["cpu"], pictures[options.provider], strict=True)]
        lines += [
            f"- cpu / {options.provider}: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})",
            f"- of both: {sum(level <= 2 for level in off)} of {len(off)} pictures differ nowhere by more than 2 of 255 levels, the most {max(off)}",
        ]
    return lines
