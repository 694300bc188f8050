"""The networks that are timed: Stable Diffusion 1.5 and LLaVA-1.5-7B in their published sizes, or tiny ones, with random weights.

Weights come from a seed, on the device where they are made, so that whoever calls a function here again has the same ones. Tokenizers are those
of the tests, whose words are few: text costs what its number of tokens costs.
"""

import sys
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPImageProcessor, CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests/reference"), str(ROOT / "models/training")]
import tiny_llava  # noqa: E402
import tiny_stable_diffusion  # noqa: E402

SEED = 41
DTYPES = {"fp16": torch.float16, "fp32": torch.float32}
PROMPT = "a dog, in front of the bush!"
IMAGE_TOKEN = 3  # of tiny_llava's tokenizer


def scheduler() -> DDIMScheduler:
    return DDIMScheduler(**tiny_stable_diffusion.BETAS, clip_sample=False, set_alpha_to_one=False, steps_offset=1)


def stable_diffusion(tiny: bool, dtype: torch.dtype, device: str) -> StableDiffusionPipeline:
    """Inputs of the tiny one are tests/vectors/tiny_stable_diffusion/sd15."""
    if tiny:
        _, pipeline = next(tiny_stable_diffusion.pipelines())
        parts = pipeline.vae, pipeline.text_encoder, pipeline.tokenizer, pipeline.unet
    else:
        torch.manual_seed(SEED)
        words = tiny_stable_diffusion.tokenizer()
        with torch.device(device):
            text = CLIPTextModel(CLIPTextConfig(
                vocab_size=49408, hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12, hidden_act="quick_gelu",
                bos_token_id=words.bos_token_id, eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
            ))
            unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
            vae = AutoencoderKL(
                block_out_channels=(128, 256, 512, 512), layers_per_block=2, latent_channels=4, sample_size=512, scaling_factor=0.18215,
                down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
            )
        parts = vae, text, words, unet
    vae, text, words, unet = parts
    made = StableDiffusionPipeline(
        vae, text, words, unet, scheduler(), safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )
    made.set_progress_bar_config(disable=True)
    return made.to(device, dtype)


def llava(tiny: bool, dtype: torch.dtype, device: str, attention: str = "sdpa") -> LlavaForConditionalGeneration:
    if tiny:
        vision = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8)
        text = dict(
            vocab_size=300, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
            max_position_embeddings=160, initializer_range=0.3,
        )
        vision["initializer_range"] = text["initializer_range"]  # so that a score depends on the picture in so few layers, too
    else:
        vision = dict(hidden_size=1024, intermediate_size=4096, num_hidden_layers=24, num_attention_heads=16, image_size=336, patch_size=14)
        text = dict(
            vocab_size=32064, hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, max_position_embeddings=4096,
        )
    side = vision["image_size"] // vision["patch_size"]
    config = LlavaConfig(
        CLIPVisionConfig(**vision), LlamaConfig(**text, bos_token_id=1, eos_token_id=2, pad_token_id=0), image_token_index=IMAGE_TOKEN,
        image_seq_length=side**2, vision_feature_layer=-2,
    )
    torch.manual_seed(SEED)
    with torch.device(device):
        return LlavaForConditionalGeneration._from_config(config, torch_dtype=dtype, attn_implementation=attention).eval()


def picture_processor(model: LlavaForConditionalGeneration) -> CLIPImageProcessor:
    side = model.config.vision_config.image_size
    return CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
