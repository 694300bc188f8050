"""Writes the pack: trained networks to ONNX files with fp16 weights, in Stable Diffusion's folder layout.

    python export_onnx.py --autoencoder data/autoencoder.pt --denoiser data/denoiser.pt --classifier data/classifier.pt --snr-shift 24 --out ../emoji-ldm
    python export_onnx.py --digests-only --out ../emoji-ldm

Weights are stored as fp16 and cast to fp32 when a session is made; inputs, outputs and arithmetic are fp32.
With ``--classifier`` the classifier is written too, as ``classifier.onnx`` beside this file (``picture`` → ``objects``,
``settings``, logits in the order of ``concepts.json`` and ``captions.py``).
The U-Net looks its log-SNR up in a table of 1000 timesteps, so the SNR shift of the schedule is chosen here.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from autoencoder import Autoencoder
from classifier import load_classifier
from denoiser import Denoiser
from noise_schedule import TIMESTEPS, alpha_bars, betas, log_snr
from text_encoder import TEXT_CHANNELS, TextEncoder
from tokenizer import LENGTH, build_tokenizer, save_tokenizer

OPSET = 17
NOT_IN_DIGESTS = {".md", ".png", ".csv"}


class UNet(torch.nn.Module):
    """The denoiser behind the interface of Stable Diffusion's U-Net: timestep [s] int64, s = b or 1."""

    def __init__(self, denoiser: Denoiser, snr_shift: float):
        super().__init__()
        self.denoiser = denoiser
        self.register_buffer("log_snr_of_timestep", log_snr(alpha_bars(snr_shift)).float())

    def forward(self, sample, timestep, encoder_hidden_states):
        return self.denoiser(sample, self.log_snr_of_timestep[timestep], encoder_hidden_states)


class Encoder(torch.nn.Module):
    def __init__(self, autoencoder: Autoencoder):
        super().__init__()
        self.autoencoder = autoencoder

    def forward(self, sample):
        return self.autoencoder.encode(sample)


class Decoder(Encoder):
    def forward(self, latent_sample):
        return self.autoencoder.decode(latent_sample)


def export(module: torch.nn.Module, inputs: dict[str, torch.Tensor], output: str, axes: dict, folder: Path, config: dict) -> None:
    """One ``model.onnx`` with fp16 weights, and its ``config.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    expected = ["batch", *module.eval()(*inputs.values()).shape[1:]]  # the exporter forgets some output sizes
    torch.onnx.export(
        module, tuple(inputs.values()), str(path), input_names=list(inputs), output_names=[output],
        dynamic_axes=axes, opset_version=OPSET, do_constant_folding=True,
    )
    model = with_half_weights(onnx.load(str(path)))
    for size, known in zip(model.graph.output[0].type.tensor_type.shape.dim, expected):
        if isinstance(known, int):
            size.dim_value = known
    onnx.save(model, str(path))
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def with_half_weights(model: onnx.ModelProto, smallest: int = 64) -> onnx.ModelProto:
    """Stores every fp32 weight of at least ``smallest`` numbers as fp16 followed by a cast; the schedule's table stays exact."""
    graph, casts = model.graph, []
    for index, tensor in enumerate(list(graph.initializer)):
        values = numpy_helper.to_array(tensor)
        if values.dtype != numpy.float32 or values.size < smallest or "log_snr_of_timestep" in tensor.name:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(numpy.float16), name + "_fp16")
        graph.initializer[index].CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT, name=f"cast_{name}"))
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend(casts + nodes)
    onnx.checker.check_model(model)
    return model


def scheduler_config(snr_shift: float) -> dict:
    """The shipped schedule, for diffusers' DDIM, DDPM and Euler schedulers alike."""
    return {
        "_class_name": "DDIMScheduler",
        "_diffusers_version": "0.31.0",
        "num_train_timesteps": TIMESTEPS,
        "beta_schedule": "scaled_linear",
        "trained_betas": betas(alpha_bars(snr_shift)),
        "prediction_type": "v_prediction",
        "timestep_spacing": "trailing",
        "steps_offset": 0,
        "set_alpha_to_one": True,
        "clip_sample": False,
        "rescale_betas_zero_snr": False,
    }


MODEL_INDEX = {
    "_class_name": "OnnxStableDiffusionPipeline",
    "_diffusers_version": "0.31.0",
    "feature_extractor": [None, None],
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["diffusers", "OnnxRuntimeModel"],
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
    "unet": ["diffusers", "OnnxRuntimeModel"],
    "vae_decoder": ["diffusers", "OnnxRuntimeModel"],
    "vae_encoder": ["diffusers", "OnnxRuntimeModel"],
}


def export_classifier(checkpoint: Path) -> None:
    """The judge, for evaluating without torch: picture [b, 3, 64, 64] in [−1, 1] to logits [b, 54] and [b, 8]."""
    names = ["picture", "objects", "settings"]
    path = Path(__file__).with_name("classifier.onnx")
    torch.onnx.export(load_classifier(checkpoint), (torch.zeros(2, 3, 64, 64),), str(path), input_names=names[:1],
                      output_names=names[1:], dynamic_axes={name: {0: "batch"} for name in names}, opset_version=OPSET)


def write_digests(folder: Path) -> None:
    """``digests.json``: the SHA-256 of every file a program reads."""
    files = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in NOT_IN_DIGESTS and path.name != "digests.json":
            files[path.relative_to(folder).as_posix()] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "digests.json").write_text(json.dumps({"files": files}, indent=2) + "\n")


@torch.no_grad()
def main(arguments) -> None:
    folder = arguments.out
    tokenizer = build_tokenizer()
    autoencoder = Autoencoder()
    autoencoder.load_state_dict(torch.load(arguments.autoencoder, map_location="cpu", weights_only=True)["model"])
    networks = torch.nn.ModuleDict({"text_encoder": TextEncoder(tokenizer.get_vocab_size()), "denoiser": Denoiser()})
    networks.load_state_dict(torch.load(arguments.denoiser, map_location="cpu", weights_only=True)["average"])

    latent, picture = torch.randn(2, 4, 16, 16), torch.randn(2, 3, 64, 64)
    tokens, text = torch.zeros(2, LENGTH, dtype=torch.int64), torch.randn(2, LENGTH, TEXT_CHANNELS)
    batch = {0: "batch"}
    vae = {"_class_name": "AutoencoderKL", "in_channels": 3, "out_channels": 3, "latent_channels": 4, "sample_size": 64, "scaling_factor": 1.0}
    export(networks["text_encoder"], {"input_ids": tokens}, "last_hidden_state", {"input_ids": batch, "last_hidden_state": batch},
           folder / "text_encoder", {"model_type": "clip_text_model", "vocab_size": tokenizer.get_vocab_size(),
                                     "hidden_size": TEXT_CHANNELS, "max_position_embeddings": LENGTH})
    export(UNet(networks["denoiser"], arguments.snr_shift),
           {"sample": latent, "timestep": torch.tensor([999, 5]), "encoder_hidden_states": text}, "out_sample",
           {"sample": batch, "timestep": {0: "steps"}, "encoder_hidden_states": batch, "out_sample": batch},
           folder / "unet", {"_class_name": "UNet2DConditionModel", "sample_size": 16, "in_channels": 4, "out_channels": 4,
                             "cross_attention_dim": TEXT_CHANNELS})
    export(Decoder(autoencoder), {"latent_sample": latent}, "sample", {"latent_sample": batch, "sample": batch}, folder / "vae_decoder", vae)
    export(Encoder(autoencoder), {"sample": picture}, "latent_sample", {"sample": batch, "latent_sample": batch}, folder / "vae_encoder", vae)
    save_tokenizer(tokenizer, folder / "tokenizer")
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(scheduler_config(arguments.snr_shift), indent=1) + "\n")
    (folder / "model_index.json").write_text(json.dumps(MODEL_INDEX, indent=2) + "\n")
    if arguments.classifier:
        export_classifier(arguments.classifier)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--autoencoder", type=Path)
    parser.add_argument("--denoiser", type=Path)
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--snr-shift", type=float, default=24.0)
    parser.add_argument("--digests-only", action="store_true")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    if not arguments.digests_only:
        main(arguments)
    write_digests(arguments.out)
