"""Writes tests/vectors/tiny_smolvlm/ and tests/vectors/tiny_qwen2_vl/: models with random weights in the layout of transformers.js, and
what transformers makes of them.

    python tests/reference/tiny_vlms.py             (needs the packages of models/training/requirements.txt, but transformers==4.55.4 with
                                                     tokenizers==0.21.4, and torchvision==0.20.1 besides)

    pack/            SmolVLM: SigLIP tower 2 layers of 24, 4 tokens a tile; LLaMA 2 layers of 32, 4 heads, 2 of keys and values
                     Qwen2-VL: tower 2 layers of 16, merged 2 × 2; Qwen2 2 layers of 64, 4 heads of 16, 2 of keys and values
    pictures.bin     8-bit RGB rows of every picture, one after another
    pixels.bin       what the image processor makes of the pictures of the cases, then what it makes in other ways, float32:
                     SmolVLM [tiles, 3, size, size], Qwen2-VL [patches, values]
    logits.bin       the logits of every decoding step of every case, float32
    expected.json    sizes of the pictures, the cases (ids, for Qwen2-VL positions, tokens, expectation), other preprocessing and the ids
                     that stand in a picture's place then

The cases are two personas by three pictures. Ids come from the published Processor classes and the pack's chat template. A greedy answer
has STEPS tokens; no end token is among them. Both are computed by the whole sequence anew for every token, without a cache; then the
exported graphs are run in parts with one, and must give the same.
"""

import json
import shutil

import numpy
import onnxruntime
import torch
from PIL import Image
from transformers import AutoProcessor

from tiny_llava import PERSONAS, REQUESTS, ROOT, picture
from tiny_vlms_common import STEPS, TEMPLATE, TOLERANCE, VOCABULARY, check_graph, run_in_parts, texts, width_first, write_lines
from tiny_vlms_qwen2_vl import Qwen2Vl
from tiny_vlms_smolvlm import SmolVlm


@torch.no_grad()
def case(family, processor, image: Image.Image, persona: list[float], request: str) -> tuple[dict, dict]:
    """What transformers makes of one prompt, and the inputs it was made from."""
    before, after = texts(persona, request)
    content = [{"type": "text", "text": before}, {"type": "image", "image": image}, {"type": "text", "text": after}]
    messages = [{"role": "user", "content": content}]
    text = processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = processor(text=[text], images=[image], return_tensors="pt")
    at_once = processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
    ids = inputs.pop("input_ids")[0].tolist()
    assert ids == at_once["input_ids"][0].tolist() and all(torch.equal(inputs[name], at_once[name]) for name in inputs)
    assert family.words.token_to_id("<unk>" if "<unk>" in family.words.get_vocab() else "<|endoftext|>") not in ids
    del inputs["attention_mask"]
    tokens, logits = [], []
    for _ in range(STEPS):
        sequence = torch.tensor([ids + tokens])
        last = family.model(input_ids=sequence, attention_mask=torch.ones_like(sequence), use_cache=False, **inputs).logits[0, -1]
        logits.append(last.numpy())
        tokens.append(int(last.argmax()))
    # generate() has its own loop, with a cache; its tokens must be the same.
    sequence = torch.tensor([ids])
    generated = family.model.generate(
        input_ids=sequence, attention_mask=torch.ones_like(sequence), max_new_tokens=STEPS, do_sample=False, **inputs,
    )[0, len(ids):].tolist()
    assert generated == tokens, (generated, tokens)
    other = family.model(
        **({"input_ids": sequence, "attention_mask": torch.ones_like(sequence), "use_cache": False} | dict(inputs)
           | family.otherwise(inputs, sequence))).logits[0, -1].numpy()
    print(family.NAME, "change of the logits when tiles or positions are wrong", abs(other - logits[0]).max())
    assert abs(other - logits[0]).max() > 10 * TOLERANCE
    marks = [family.words.token_to_id(str(mark)) for mark in range(10)]
    chances = torch.softmax(torch.tensor(logits[0])[marks].double(), 0)
    return {
        "text": text, "ids": ids, "prompt_tokens": len(ids), "tokens": tokens, "text_answer": family.words.decode(tokens),
        "expectation": float((chances * torch.arange(10)).sum() / 9), "logits": numpy.stack(logits),
    }, inputs


def write(family) -> None:
    folder = ROOT / "tests/vectors" / family.NAME
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pack/onnx").mkdir(parents=True)
    family.write_pack(folder / "pack")
    (folder / "pack/judge_template.toml").write_text(TEMPLATE)
    for path in sorted((folder / "pack/onnx").iterdir()):
        print(family.NAME, path.name, check_graph(path))
    sessions = {path.stem: onnxruntime.InferenceSession(str(path)) for path in (folder / "pack/onnx").iterdir()}

    # The pack as written is what the reference reads.
    processor = AutoProcessor.from_pretrained(str(folder / "pack"))
    pictures = [picture(index, *size) for index, size in enumerate(family.PICTURES)]
    images = [Image.fromarray(values) for values in pictures]
    (folder / "pictures.bin").write_bytes(b"".join(values.tobytes() for values in pictures))

    with width_first():
        made = [family.preprocess(family.settings(), images[index]) for index in range(len(REQUESTS))]
        ways = []
        for changes, index in family.PREPROCESSINGS:
            settings = family.settings() | changes
            values, rows, columns = family.preprocess(settings, images[index])
            processor.image_processor = type(family.image_processor)(**settings)
            ids = processor(text=[family.words.id_to_token(family.image_token)], images=[images[index]])["input_ids"][0]
            ways.append({"settings": settings, "picture": index, "rows": rows, "columns": columns, "shape": list(values.shape), "ids": ids})
            made.append((values, rows, columns))
    (folder / "pixels.bin").write_bytes(b"".join(values.astype("<f4").tobytes() for values, _, _ in made))

    processor.image_processor = type(family.image_processor).from_pretrained(str(folder / "pack"))  # by Pillow, not by torchvision
    cases = []
    for persona in PERSONAS:
        for index, request in enumerate(REQUESTS):
            entry, inputs = case(family, processor, images[index], persona, request)
            assert numpy.array_equal(inputs["pixel_values"].numpy().reshape(made[index][0].shape), made[index][0])
            sequence = torch.tensor([entry["ids"] + entry["tokens"][:-1]])
            positions = family.positions(sequence, inputs)
            features = family.encode(sessions["vision_encoder"], inputs)
            parts = run_in_parts(sessions, family.text_config, sequence[0].tolist(), positions, features, family.image_token,
                                 entry["prompt_tokens"])
            difference = abs(parts - entry["logits"]).max()
            print(family.NAME, "ONNX Runtime in parts against transformers", difference)
            assert difference < TOLERANCE
            if positions.ndim == 3:
                entry["position_ids"] = positions[:, 0, :entry["prompt_tokens"]].tolist()
            cases.append({"picture": index, "persona": persona, "request": request} | entry)
    logits = numpy.stack([entry.pop("logits") for entry in cases])
    (folder / "logits.bin").write_bytes(logits.astype("<f4").tobytes())
    print("spread of the logits", logits.std(), "gaps of the greedy choice", numpy.sort(logits)[..., -1] - numpy.sort(logits)[..., -2])

    sizes = [{"width": width, "height": height} for width, height in family.PICTURES]
    for index, (values, rows, columns) in enumerate(made[:len(REQUESTS)]):
        tokens = {family.picture_tokens(entry["ids"]) for entry in cases if entry["picture"] == index}
        sizes[index] |= {"rows": rows, "columns": columns, "picture_tokens": tokens.pop(), "shape": list(values.shape)}
    expected = {"pictures": sizes, "preprocessings": ways, "steps": STEPS, "vocabulary": VOCABULARY, "cases": cases}
    write_lines(folder / "expected.json", expected)
    assert json.loads((folder / "expected.json").read_text()) == expected
    print(family.NAME, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()), "bytes")


def main() -> None:
    for family in [SmolVlm, Qwen2Vl]:
        write(family())


if __name__ == "__main__":
    main()
