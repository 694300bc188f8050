"""Writes the packs that are timed, with the weights of networks.py in 16-bit floats.

    python benches/gpu/make_packs.py FOLDER [--tiny] [--dtype fp32] [--device cuda] [--provider cpu] [--only diffusion]

    sd15/         as optimum exports Stable Diffusion 1.5
    sd15-fused/   the same after ONNX Runtime's own optimizer: attention, group norms and others are one operator each
    llava/        LLaVA-1.5-7B in the layout of transformers.js, one file with a past of any length

Graphs are traced on the CPU; --device is where random weights are made. Needs the packages of requirements.txt, 64 GB of memory for LLaVA.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import networks
import torch
from optimum.exporters.onnx import onnx_export_from_model

import tiny_llava
from llava_from_hub import SUFFIXES, export_models, write_configuration

OPTIMIZER = "onnxruntime.transformers.models.stable_diffusion.optimize_pipeline"
# Fused operators that ONNX Runtime has for GPUs alone.
FOR_GPUS = ["nhwc_conv", "group_norm", "skip_group_norm", "bias_splitgelu", "packed_qkv", "packed_kv", "bias_add"]


def write_stable_diffusion(folder: Path, tiny: bool, dtype: torch.dtype, device: str, export_as: torch.dtype | None = None) -> None:
    pipeline = networks.stable_diffusion(tiny, dtype, device).to("cpu", export_as or dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx_export_from_model(pipeline, folder, task="text-to-image", do_validation=False)
    shutil.rmtree(folder / "vae_encoder")


def write_fused(folder: Path, tiny: bool, dtype: torch.dtype, device: str, provider: str) -> None:
    """Operators are fused in 32 bits, which is what the optimizer can read, and turned into 16 afterwards."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        wide = Path(scratch) / "wide"
        write_stable_diffusion(wide, tiny, dtype, device, export_as=torch.float32)
        how = ["--float16"] if dtype == torch.float16 else []
        how += [f"--disable_{operator}" for operator in FOR_GPUS if provider == "cpu"]
        command = [sys.executable, "-m", OPTIMIZER, "-i", str(wide), "-o", str(folder), *how]
        ran = subprocess.run(command, capture_output=True, text=True)
        if ran.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{ran.stderr}")
        print(*(line for line in ran.stderr.splitlines() if "Optimized operators" in line), sep="\n")


def write_llava(folder: Path, tiny: bool, dtype: torch.dtype, device: str, suffix: str) -> None:
    model = networks.llava(tiny, dtype, device, attention="eager").to("cpu")
    export_models(model, folder / "onnx", suffix)
    write_configuration(model, folder)
    networks.picture_processor(model).save_pretrained(folder)
    (folder / "judge_template.toml").write_text(tiny_llava.TEMPLATE)
    tiny_llava.tokenizer().save(str(folder / "tokenizer.json"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tiny", action="store_true", help="networks of some thousand weights, to try the bench")
    parser.add_argument("--dtype", choices=networks.DTYPES, default="fp16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="where random weights are made")
    parser.add_argument("--provider", choices=["cuda", "cpu"], default="cuda", help="which operators may be fused [default: cuda]")
    parser.add_argument("--only", choices=["diffusion", "judge"], action="append", help="of these packs; may be given twice")
    parser.add_argument("--no-fused", action="store_true", help="leave sd15-fused out")
    options = parser.parse_args()
    families, dtype = options.only or ["diffusion", "judge"], networks.DTYPES[options.dtype]
    options.folder.mkdir(parents=True, exist_ok=True)
    # What is there was made whole: folders get their names when they are finished.
    steps = [
        ("diffusion", "sd15", lambda made: write_stable_diffusion(made, options.tiny, dtype, options.device)),
        ("diffusion", "sd15-fused", lambda made: write_fused(made, options.tiny, dtype, options.device, options.provider)),
        ("judge", "llava", lambda made: write_llava(made, options.tiny, dtype, options.device, SUFFIXES[options.dtype])),
    ]
    for family, name, write in steps:
        folder, unfinished = options.folder / name, options.folder / f"{name}.unfinished"
        left_out = options.no_fused and name == "sd15-fused"
        if family in families and not folder.exists() and not left_out:
            shutil.rmtree(unfinished, ignore_errors=True)
            write(unfinished)
            unfinished.rename(folder)
    how = {"tiny": options.tiny, "dtype": options.dtype, "device": options.device, "torch": torch.__version__, "seed": networks.SEED}
    (options.folder / "packs.json").write_text(json.dumps(how, indent=1) + "\n")


if __name__ == "__main__":
    main()
