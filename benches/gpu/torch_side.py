"""PyTorch's side: diffusers and transformers as their examples use them, in 16-bit floats, eager and compiled.

    python benches/gpu/torch_side.py diffusion|judge [--tiny] [--dtype fp16] [--device cuda]

Answers one JSON object a line, as the bench in Rust does (main.rs says what can be asked), and besides

    {"ask": "peak"}                               {"flops_per_s": …}   of a product of two large square matrices in this type
    {"ask": "flops", "work": "denoise"}           {"flops": …}         of one item of that work, by FlopCounterMode

`"compiled": true` in a request takes torch.compile's form of the networks. What is there once for many calls (prompts' embeddings, latents, pixels,
ids) is on the device before the clock starts, which favours this side.
"""

import argparse
import json
import sys
import time

import networks
import numpy
import torch
from PIL import Image
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import tiny_llava


class Side:
    def __init__(self, options):
        self.tiny, self.dtype, self.device = options.tiny, networks.DTYPES[options.dtype], options.device

    def synchronize(self) -> None:
        if self.device.startswith("cuda"):
            torch.cuda.synchronize()

    def seconds(self, call, least_s: float) -> float:
        """Of one call, over as many as take `least_s`, after one that compiles and tunes and one that shows how long a call takes."""
        call()
        self.synchronize()
        calls, count = 0, 1
        while True:
            start = time.perf_counter()
            for _ in range(count):
                call()
            self.synchronize()
            taken = time.perf_counter() - start
            if taken >= least_s or calls > 8:
                return taken / count
            count, calls = max(count + 1, int(1.2 * count * least_s / max(taken, 1e-6))), calls + 1

    def peak(self) -> float:
        size = 8192 if self.device.startswith("cuda") else 1024
        left, right = (torch.randn(size, size, device=self.device).to(self.dtype) for _ in range(2))
        return 2 * size**3 / self.seconds(lambda: left @ right, 0.5)

    def answer(self, request: dict) -> dict:
        compiled = request.get("compiled", False)
        match request["ask"]:
            case "time":
                call = self.work(request["work"], request["batch"], compiled, request)
                return {"seconds": self.seconds(call, request["least_s"])}
            case "peak":
                return {"flops_per_s": self.peak()}
            case "flops":
                # Attention by plain matrix products: not every kernel of it is counted.
                with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
                    self.work(request["work"], 1, False, request)()
                return {"flops": counter.get_total_flops()}
            case other:
                return {"values": getattr(self, f"answer_{other}")(request)}


class Diffusion(Side):
    def __init__(self, options):
        super().__init__(options)
        self.pipeline = networks.stable_diffusion(self.tiny, self.dtype, self.device)
        self.networks = {False: (self.pipeline.unet, self.pipeline.vae)}
        self.texts = {}

    def text(self, prompt: str) -> torch.Tensor:
        """[1, 77, hidden]."""
        if prompt not in self.texts:
            self.texts[prompt] = self.pipeline.encode_prompt(prompt, self.device, 1, False)[0]
        return self.texts[prompt]

    def network(self, compiled: bool):
        if compiled not in self.networks:
            unet, vae = self.networks[False]
            compiled_unet, decode = torch.compile(unet, dynamic=False), torch.compile(vae.decode, dynamic=False)
            self.networks[True] = compiled_unet, decode
        unet, vae = self.networks[compiled]
        return unet, vae if compiled else vae.decode

    def latents(self, batch: int) -> torch.Tensor:
        unet = self.pipeline.unet.config
        shape = batch, unet.in_channels, unet.sample_size, unet.sample_size
        return torch.randn(shape, generator=torch.Generator().manual_seed(networks.SEED)).to(self.device, self.dtype)

    def work(self, name: str, batch: int, compiled: bool, request: dict):
        unet, decode = self.network(compiled)
        latents, text = self.latents(batch), self.text(networks.PROMPT).repeat(batch, 1, 1)
        scale = self.pipeline.vae.config.scaling_factor
        empty = self.text("").repeat(batch, 1, 1)

        @torch.no_grad()
        def chain():
            """StableDiffusionPipeline.__call__'s loop, less its checks."""
            steps, both, states = self.pipeline.scheduler, torch.cat([empty, text]), latents
            steps.set_timesteps(request["steps"], device=self.device)
            for timestep in steps.timesteps:
                without, wanted = unet(torch.cat([states, states]), timestep, both, return_dict=False)[0].chunk(2)
                states = steps.step(without + request["guidance"] * (wanted - without), timestep, states, return_dict=False)[0]
            pictures = [decode(part / scale, return_dict=False)[0] for part in states.split(request["decode_batch"])]
            return (torch.cat(pictures) / 2 + 0.5).clamp(0, 1).float().cpu()

        @torch.no_grad()
        def denoise():
            return unet(latents, 501, text, return_dict=False)[0]

        @torch.no_grad()
        def paint():
            return decode(latents, return_dict=False)[0]

        return {"denoise": denoise, "decode": paint, "chain": chain}[name]

    @torch.no_grad()
    def answer_predict(self, request: dict) -> list[float]:
        latent = torch.tensor(request["latent"]).reshape(self.latents(1).shape).to(self.device, self.dtype)
        return self.pipeline.unet(latent, request["timestep"], self.text(request["prompt"])).sample.float().flatten().tolist()

    @torch.no_grad()
    def answer_decode(self, request: dict) -> list[float]:
        latent = torch.tensor(request["latent"]).reshape(self.latents(1).shape).to(self.device, self.dtype)
        picture = self.pipeline.vae.decode(latent / self.pipeline.vae.config.scaling_factor).sample
        return (picture.float() / 2 + 0.5).clamp(0, 1).flatten().tolist()

    def answer_latent_size(self, _) -> list[float]:
        return list(self.latents(1).shape[1:])


class Judge(Side):
    """One question: who the agent is, the picture, what was asked for; the score is the mean over the marks of one forward pass."""

    def __init__(self, options):
        super().__init__(options)
        self.model = networks.llava(self.tiny, self.dtype, self.device)
        self.processor = networks.picture_processor(self.model)
        self.forward = {False: self.model}
        self.marks = torch.tensor([tiny_llava.tokenizer().token_to_id(str(mark)) for mark in range(10)], device=self.device)

    @staticmethod
    def ids_of(model, persona: list[float], request: str) -> list[int]:
        words = tiny_llava.tokenizer()
        before, after = tiny_llava.prompt(persona, request)
        picture = [networks.IMAGE_TOKEN] * model.config.image_seq_length
        return words.encode(before).ids + picture + words.encode(after, add_special_tokens=False).ids

    def ids(self, asked: dict) -> list[int]:
        return self.ids_of(self.model, asked["persona"], asked["request"])

    def scores(self, forward, ids: torch.Tensor, pixels: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            answer = forward(input_ids=ids, pixel_values=pixels, attention_mask=torch.ones_like(ids), use_cache=False, logits_to_keep=1)
            chances = torch.softmax(answer.logits[:, -1, self.marks].float(), 1)
            return chances @ torch.arange(10.0, device=self.device) / 9

    def work(self, name: str, batch: int, compiled: bool, request: dict):
        assert name == "score", name
        if compiled and True not in self.forward:
            self.forward[True] = torch.compile(self.model, dynamic=False)
        side = self.model.config.vision_config.image_size
        pixels = torch.randn((batch, 3, side, side), generator=torch.Generator().manual_seed(networks.SEED)).to(self.device, self.dtype)
        ids = torch.tensor([self.ids(request)] * batch, device=self.device)
        return lambda: self.scores(self.forward[compiled], ids, pixels).cpu()

    def answer_score(self, request: dict) -> list[float]:
        values = numpy.array(request["picture"], numpy.uint8).reshape(request["height"], request["width"], 3)
        pixels = self.processor(Image.fromarray(values), return_tensors="pt")["pixel_values"].to(self.device, self.dtype)
        ids = torch.tensor([self.ids(request)], device=self.device)
        return self.scores(self.model, ids, pixels).tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=["diffusion", "judge"])
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--dtype", choices=networks.DTYPES, default="fp16")
    parser.add_argument("--device", default="cuda")
    options = parser.parse_args()
    side = {"diffusion": Diffusion, "judge": Judge}[options.family](options)
    for line in sys.stdin:
        try:
            answer = side.answer(json.loads(line))
        except torch.OutOfMemoryError as error:  # the next request may be smaller
            answer = {"error": str(error).splitlines()[0]}
            torch.cuda.empty_cache()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
