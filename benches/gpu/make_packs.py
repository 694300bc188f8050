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
import onnx
import torch
from optimum.exporters.onnx import onnx_export_from_model

import tiny_llava
from export_llava import OPSET, configuration, past_names, write_json
from tiny_vlms_common import Decoder

SUFFIX = {"fp16": "_fp16", "fp32": ""}
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


class VisionEncoder(torch.nn.Module):
    """Pictures to rows that stand in the place of embedded tokens."""

    def __init__(self, llava):
        super().__init__()
        self.tower, self.projector, self.layer = llava.model.vision_tower, llava.model.multi_modal_projector, llava.config.vision_feature_layer

    def forward(self, pixel_values):
        hidden = self.tower(pixel_values, output_hidden_states=True).hidden_states[self.layer]
        return self.projector(hidden[:, 1:])  # the first is no part of the picture


@torch.no_grad()
def export_graph(module: torch.nn.Module, inputs: dict, outputs: list[str], path: Path) -> None:
    """`inputs`: name -> (example, free axes). All weights go into one file beside the graph, as large models have them."""
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = Path(scratch) / "traced.onnx"  # one file for each weight, where they are large
        torch.onnx.export(
            module.eval(), tuple(example for example, _ in inputs.values()), str(traced), input_names=list(inputs), output_names=outputs,
            dynamic_axes={name: free for name, (_, free) in inputs.items()} | {name: {0: "batch", 1: "sequence"} for name in outputs[:1]},
            opset_version=OPSET, dynamo=False,
        )
        onnx.save(onnx.load(traced), path, save_as_external_data=True, location=f"{path.name}_data", size_threshold=1024)


def write_llava(folder: Path, tiny: bool, dtype: torch.dtype, device: str, suffix: str) -> None:
    model = networks.llava(tiny, dtype, device, attention="eager").to("cpu")
    (folder / "onnx").mkdir(parents=True)
    path = lambda name: folder / "onnx" / f"{name}{suffix}.onnx"  # noqa: E731
    text, language = model.config.text_config, model.model.language_model

    side = model.config.vision_config.image_size
    export_graph(
        VisionEncoder(model), {"pixel_values": (torch.randn(2, 3, side, side, dtype=dtype), {0: "batch"})}, ["image_features"], path("vision_encoder"),
    )
    tokens = {"input_ids": (torch.tensor([[1, 2, 3], [3, 2, 1]]), {0: "batch", 1: "sequence"})}
    export_graph(language.get_input_embeddings(), tokens, ["inputs_embeds"], path("embed_tokens"))
    batch, length, past = 2, 3, 5
    inputs = {
        "inputs_embeds": (torch.randn(batch, length, text.hidden_size, dtype=dtype), {0: "batch", 1: "sequence"}),
        "attention_mask": (torch.ones(batch, past + length, dtype=torch.int64), {0: "batch", 1: "total"}),
        "position_ids": (torch.arange(past, past + length).repeat(batch, 1), {0: "batch", 1: "sequence"}),
    }
    shape = batch, text.num_key_value_heads, past, text.hidden_size // text.num_attention_heads
    for name in past_names(text.num_hidden_layers, "past_key_values"):
        inputs[name] = (torch.randn(shape, dtype=dtype), {0: "batch", 2: "past"})
    export_graph(
        Decoder(language, model.lm_head), inputs, ["logits", *past_names(text.num_hidden_layers, "present")], path("decoder_model_merged"),
    )

    write_json(folder / "config.json", configuration(model.config) | {"architectures": [type(model).__name__]})
    write_json(folder / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0})
    write_json(folder / "preprocessor_config.json", networks.picture_processor(model).to_dict())
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
    options = parser.parse_args()
    families, dtype = options.only or ["diffusion", "judge"], networks.DTYPES[options.dtype]
    options.folder.mkdir(parents=True, exist_ok=True)
    # What is there was made whole: folders get their names when they are finished.
    steps = [
        ("diffusion", "sd15", lambda made: write_stable_diffusion(made, options.tiny, dtype, options.device)),
        ("diffusion", "sd15-fused", lambda made: write_fused(made, options.tiny, dtype, options.device, options.provider)),
        ("judge", "llava", lambda made: write_llava(made, options.tiny, dtype, options.device, SUFFIX[options.dtype])),
    ]
    for family, name, write in steps:
        folder, unfinished = options.folder / name, options.folder / f"{name}.unfinished"
        if family in families and not folder.exists():
            shutil.rmtree(unfinished, ignore_errors=True)
            write(unfinished)
            unfinished.rename(folder)
    how = {"tiny": options.tiny, "dtype": options.dtype, "device": options.device, "torch": torch.__version__, "seed": networks.SEED}
    (options.folder / "packs.json").write_text(json.dumps(how, indent=1) + "\n")


if __name__ == "__main__":
    main()
