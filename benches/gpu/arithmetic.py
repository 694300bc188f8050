"""Weights and arithmetic of the networks that are timed, without running them: no GPU, no memory, a minute.

    python benches/gpu/arithmetic.py

FLOP as PyTorch's FlopCounterMode counts them: two for a multiply-add of a matrix product or convolution, nothing for the rest.
"""

import networks
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from torch_side import Judge

import run

HALF = torch.float16


@torch.no_grad()
def tera(call) -> float:
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        call()
    return counter.get_total_flops() / 1e12


def millions(module: torch.nn.Module) -> float:
    return sum(weights.numel() for weights in module.parameters()) / 1e6


def diffusion() -> None:
    pipeline = networks.stable_diffusion(False, HALF, "cpu")
    latent, text = torch.empty(1, 4, 64, 64, dtype=HALF), torch.empty(1, 77, 768, dtype=HALF)
    denoise = tera(lambda: pipeline.unet(latent, 501, text))
    decode = tera(lambda: pipeline.vae.decode(latent))
    print(f"Stable Diffusion 1.5: text encoder {millions(pipeline.text_encoder):.0f} million weights, denoiser {millions(pipeline.unet):.0f}, "
          f"picture decoder {millions(pipeline.vae.decoder):.0f}")
    print(f"  denoise {denoise:.2f} TFLOP, decode {decode:.2f}; a picture of 20 steps with guidance {2 * 20 * denoise + decode:.1f}")


def judge() -> None:
    model = networks.llava(False, HALF, "cpu")
    tokens = len(Judge.ids_of(model, run.PERSONA, run.REQUEST))
    side = model.config.vision_config.image_size
    pixels, prompt = torch.empty(1, 3, side, side, dtype=HALF), torch.empty(1, tokens, model.config.text_config.hidden_size, dtype=HALF)

    def look() -> None:
        hidden = model.model.vision_tower(pixels, output_hidden_states=True).hidden_states[model.config.vision_feature_layer]
        model.model.multi_modal_projector(hidden[:, 1:])

    def read() -> None:
        model.lm_head(model.model.language_model(inputs_embeds=prompt).last_hidden_state[:, -1:])

    print(f"LLaVA-1.5-7B: {millions(model) / 1e3:.2f} billion weights")
    print(f"  a question of {tokens} tokens: picture {tera(look):.2f} TFLOP, language model {tera(read):.2f}")


if __name__ == "__main__":
    with FakeTensorMode(allow_non_fake_inputs=True):
        diffusion()
        judge()
