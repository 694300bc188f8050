"""Writes tests/vectors/tiny_stable_diffusion/: Stable Diffusion packs with small random weights, exported by optimum itself, and what
diffusers' own pipelines make of them.

    python tests/reference/tiny_stable_diffusion.py
        (needs torch 2.8.0, diffusers 0.35.2, transformers 4.55.4, optimum-onnx 0.0.3, onnx, onnxruntime, scipy, Pillow < 12)

    sd15/        Stable Diffusion 1.x: one text encoder, epsilon prediction, a PNDM scheduler file
    sd21/        2.1: v prediction, linear projections, the padding token `!`; the denoiser's weights are external data
    lcm/         a latent consistency model: the denoiser is told the guidance scale (`timestep_cond`)
    sdxl/        XL: two text encoders, pooled text, sizes, an Euler scheduler file
    sd15_fp16/   the first in 16-bit floats
    expected.json, expected.bin   little-endian float32: prompts' embeddings, one guided call, whole chains, pictures

A folder holds what differs from sd15/; the tests lay it over that. Graphs are as optimum exports them, but for the names of inner values,
which are shortened, and graph metadata, which is removed: they make up most of so small a file. Reference pipelines run in 32 bits on weights
that 16 bits can hold, so one reference serves both precisions of the first pack.
"""

import json
import pathlib
import shutil
import tempfile
import warnings

import diffusers
import numpy as np
import onnx
import optimum.version
import torch
import transformers
from diffusers import (
    AutoencoderKL, DDIMScheduler, EulerDiscreteScheduler, PNDMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline, UNet2DConditionModel,
)
from optimum.exporters.onnx import onnx_export_from_model
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

FOLDER = pathlib.Path(__file__).parents[1] / "vectors" / "tiny_stable_diffusion"
PROMPT = "a dog, in front of the bush!"
GUIDANCE = 3.0
CHAINS = [("ddim", 10), ("ddim", 20), ("euler", 10), ("euler", 20)]
HIDDEN, HIDDEN_2 = 8, 12
BETAS = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def tokenizer(pad_token="<|endoftext|>"):
    """Byte-pair encoding as CLIP's, over the letters that the prompts have."""
    letters = list("!,'abcdefghijklmnopqrstuvwxyz0123456789")
    merges = [("t", "h"), ("th", "e</w>"), ("o", "g</w>"), ("d", "og</w>"), ("i", "n</w>"), ("u", "s"), ("us", "h</w>"), ("b", "ush</w>")]
    vocab = letters + [letter + "</w>" for letter in letters] + ["".join(pair) for pair in merges]
    vocab += ["<|startoftext|>", "<|endoftext|>"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "vocab.json").write_text(json.dumps({token: number for number, token in enumerate(vocab)}))
        (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *(" ".join(pair) for pair in merges)]) + "\n")
        return CLIPTokenizer(folder / "vocab.json", folder / "merges.txt", model_max_length=77, pad_token=pad_token)


def text_encoder(tokenizer, hidden, layers, kind=CLIPTextModel, act="quick_gelu"):
    config = CLIPTextConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden, num_hidden_layers=layers, num_attention_heads=2,
        projection_dim=hidden, hidden_act=act, bos_token_id=len(tokenizer) - 2, eos_token_id=len(tokenizer) - 1, pad_token_id=1,
    )
    return kind(config)


def unet(cross_attention_dim, **more):
    settings = dict(
        sample_size=8, in_channels=4, out_channels=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=cross_attention_dim, attention_head_dim=2,
    )
    return UNet2DConditionModel(**{**settings, **more})


def autoencoder(scaling_factor=0.18215):
    torch.manual_seed(3)
    return AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(4, 8), layers_per_block=1, norm_num_groups=2, sample_size=16,
        down_block_types=("DownEncoderBlock2D",) * 2, up_block_types=("UpDecoderBlock2D",) * 2, scaling_factor=scaling_factor,
    )


def lively(model, gain):
    """Weights that move the result by much more than the tolerance, and that 16 bits can hold."""
    for name, weights in model.named_parameters():
        if weights.ndim > 1:
            fan_in = weights[0].numel()
            torch.nn.init.normal_(weights, std=0.7 if "embedding" in name and "linear" not in name else gain / fan_in**0.5)
        elif "norm" not in name:
            torch.nn.init.normal_(weights, std=0.1)
        weights.data = weights.data.half().float()
    return model.eval()


def pipelines():
    none = dict(safety_checker=None, feature_extractor=None, requires_safety_checker=False)

    def seeded(seed, gain, make):
        torch.manual_seed(seed)
        return lively(make(), gain)

    words, exclaiming = tokenizer(), tokenizer(pad_token="!")
    vae = lively(autoencoder(), 0.9)
    text = seeded(1, 1.2, lambda: text_encoder(words, HIDDEN, 2))
    pndm = PNDMScheduler(**BETAS, skip_prk_steps=True, set_alpha_to_one=False, steps_offset=1)
    ddim = dict(**BETAS, clip_sample=False, set_alpha_to_one=False, steps_offset=1)
    yield "sd15", StableDiffusionPipeline(vae, text, words, seeded(2, 1.1, lambda: unet(HIDDEN)), pndm, **none)
    yield "sd21", StableDiffusionPipeline(
        vae, seeded(4, 1.2, lambda: text_encoder(exclaiming, HIDDEN, 1, act="gelu")), exclaiming,
        seeded(5, 1.1, lambda: unet(HIDDEN, use_linear_projection=True, attention_head_dim=(2, 4))),
        DDIMScheduler(**ddim, prediction_type="v_prediction"), **none,
    )
    yield "lcm", StableDiffusionPipeline(
        vae, text, words, seeded(6, 1.1, lambda: unet(HIDDEN, time_cond_proj_dim=16)), DDIMScheduler(**ddim), **none,
    )
    xl_vae = lively(autoencoder(scaling_factor=0.13025), 0.9)
    yield "sdxl", StableDiffusionXLPipeline(
        xl_vae, seeded(7, 1.2, lambda: text_encoder(words, HIDDEN, 2)),
        seeded(8, 1.2, lambda: text_encoder(exclaiming, HIDDEN_2, 3, CLIPTextModelWithProjection, "gelu")), words, exclaiming,
        seeded(9, 1.1, lambda: unet(
            HIDDEN + HIDDEN_2, addition_embed_type="text_time", addition_time_embed_dim=4, use_linear_projection=True,
            transformer_layers_per_block=(1, 1), attention_head_dim=(2, 4), projection_class_embeddings_input_dim=6 * 4 + HIDDEN_2,
        )),
        EulerDiscreteScheduler(**BETAS, steps_offset=1, timestep_spacing="leading"), add_watermarker=False,
    )


def compact(file, external):
    """Short names for what only the graph itself sees."""
    model = onnx.load(file)
    graph = model.graph
    outside = {value.name for value in [*graph.input, *graph.output]}
    names = {}

    def short(name):
        if not name or name in outside:
            return name
        return names.setdefault(name, f"v{len(names)}")

    def rename(graph):
        for tensor in graph.initializer:
            tensor.name = short(tensor.name)
        for node in graph.node:
            node.name = ""
            node.doc_string = ""
            node.ClearField("metadata_props")
            node.input[:] = [short(name) for name in node.input]
            node.output[:] = [short(name) for name in node.output]
            for attribute in node.attribute:
                assert not attribute.HasField("g"), "no subgraph is expected"
        del graph.value_info[:]
        graph.ClearField("metadata_props")

    rename(graph)
    model.ClearField("metadata_props")
    for folder_file in file.parent.glob("*.onnx*"):
        folder_file.unlink()
    onnx.save(
        model, file, save_as_external_data=external, all_tensors_to_one_file=True, location="model.onnx_data", size_threshold=256,
    )
    onnx.checker.check_model(file)
    counts = {}
    for tensor in graph.initializer:
        kind = onnx.TensorProto.DataType.Name(tensor.data_type)
        counts[kind] = counts.get(kind, 0) + int(np.prod(tensor.dims, dtype=int))
    return counts


def export(name, pipeline, folder, dtype, base):
    """What optimum writes, less what is in `base` already and what no picture depends on."""
    folder.mkdir(parents=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        onnx_export_from_model(pipeline.to(dtype), folder, task="text-to-image", do_validation=False)
    pipeline.to(torch.float32)
    weights = {
        part: compact(folder / part / "model.onnx", external=name == "sd21" and part == "unet")
        for part in ["text_encoder", "text_encoder_2", "unet", "vae_decoder"] if (folder / part).exists()
    }
    shutil.rmtree(folder / "vae_encoder")
    if base != folder:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            twin = base / file.relative_to(folder)
            if twin.exists() and twin.read_bytes() == file.read_bytes():
                file.unlink()
        for empty in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            if not any(empty.iterdir()):
                empty.rmdir()
    return weights


class Arrays:
    def __init__(self):
        self.parts, self.length = [], 0

    def add(self, values):
        values = np.ascontiguousarray(values, dtype="<f4")
        place = dict(offset=self.length, shape=list(values.shape))
        self.parts.append(values.ravel())
        self.length += values.size
        return place


def scheduler_of(sampler, own):
    """A scheduler of the sampler's class with the noise of the pack; none of them clips latents."""
    kept = {key: own.config[key] for key in BETAS} | dict(prediction_type=own.config.prediction_type, steps_offset=1, timestep_spacing="leading")
    if sampler == "euler":
        return EulerDiscreteScheduler(**kept)
    return DDIMScheduler(**kept, clip_sample=False, set_alpha_to_one=own.config.get("set_alpha_to_one", True))


@torch.no_grad()
def reference(name, pipeline, start, arrays):
    pipeline.set_progress_bar_config(disable=True)
    case = dict(name=name)
    encoded = pipeline.encode_prompt(PROMPT, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=True)
    case["text"], case["empty_text"] = arrays.add(encoded[0][0]), arrays.add(encoded[1][0])
    more = {}
    if name == "sdxl":
        case["pooled"], case["empty_pooled"] = arrays.add(encoded[2][0]), arrays.add(encoded[3][0])
        assert not encoded[1].any() and not encoded[3].any(), "an empty negative prompt is zeros"
        time_ids = torch.tensor([[16, 16, 0, 0, 16, 16]], dtype=torch.float32)
        more = [dict(text_embeds=pooled, time_ids=time_ids) for pooled in (encoded[3], encoded[2])]
    case["ids"] = pipeline.tokenizer(PROMPT, padding="max_length", max_length=77, truncation=True).input_ids

    latent, timestep = torch.from_numpy(start)[None], 501
    if name == "lcm":
        scale = pipeline.get_guidance_scale_embedding(torch.tensor([GUIDANCE - 1]), embedding_dim=pipeline.unet.config.time_cond_proj_dim)
        guided = pipeline.unet(latent, timestep, encoded[0], timestep_cond=scale).sample
        other = pipeline.unet(latent, timestep, encoded[0], timestep_cond=0 * scale).sample
        print(f"{name}: the guidance scale moves the prediction by {float((guided - other).abs().max()):.3f}")
    else:
        without, with_prompt = (
            pipeline.unet(latent, timestep, text, added_cond_kwargs=more[index] if more else None).sample
            for index, text in enumerate([encoded[1], encoded[0]])
        )
        guided = without + GUIDANCE * (with_prompt - without)
        print(f"{name}: the prompt moves the prediction by {float((with_prompt - without).abs().max()):.3f} of {float(without.std()):.3f}")
    case["guided"] = dict(timestep=timestep, **arrays.add(guided[0]))

    own = pipeline.scheduler
    case["chains"] = []
    for sampler, steps in CHAINS:
        pipeline.scheduler = scheduler_of(sampler, own)
        arguments = dict(prompt=PROMPT, num_inference_steps=steps, guidance_scale=GUIDANCE, latents=latent.clone())
        final = pipeline(**arguments, output_type="latent").images[0]
        picture = pipeline(**arguments, output_type="pt").images[0]
        print(f"{name} {sampler} {steps}: latent {float(final.std()):.3f}, picture {float(picture.mean()):.3f} +- {float(picture.std()):.3f}")
        chain = dict(sampler=sampler, steps=steps, latent=arrays.add(final))
        if steps == 10:
            chain["picture"] = arrays.add(picture)
        case["chains"].append(chain)
    pipeline.scheduler = own
    return case


def main():
    torch.set_num_threads(1)
    shutil.rmtree(FOLDER, ignore_errors=True)
    base = FOLDER / "sd15"
    arrays = Arrays()
    start = np.random.default_rng(41).standard_normal((4, 8, 8), dtype=np.float32)
    place = arrays.add(start)
    cases, weights = [], {}
    for name, pipeline in pipelines():
        cases.append(reference(name, pipeline, start, arrays))
        weights[name] = export(name, pipeline, FOLDER / name, torch.float32, base)
        if name == "sd15":
            weights["sd15_fp16"] = export("sd15_fp16", pipeline, FOLDER / "sd15_fp16", torch.float16, base)
    index = dict(
        made_by="tests/reference/tiny_stable_diffusion.py", torch=torch.__version__, diffusers=diffusers.__version__,
        transformers=transformers.__version__, optimum=optimum.version.__version__, prompt=PROMPT, guidance=GUIDANCE, start=place, weights=weights, cases=cases,
    )
    (FOLDER / "expected.json").write_text(json.dumps(index, indent=1) + "\n")
    np.concatenate(arrays.parts).tofile(FOLDER / "expected.bin")
    for file in sorted(FOLDER.rglob("*")):
        if file.is_file():
            print(f"{file.stat().st_size:8} {file.relative_to(FOLDER)}")


if __name__ == "__main__":
    main()
