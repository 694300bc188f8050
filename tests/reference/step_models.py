"""Makes src/onnx/diffusion_models/resident/{plain,guided}_step_{f32,f16}.onnx: guidance and sampler step of a batch of latents, on the
device where they are.

    output [e, c, h, w] ─► guidance ─► o      next = of_clean * clip(clean_z * z + clean_o * o) + (rest_z * z + rest_o * o)
    latent [b, c, h, w] ─────────────► z             + of_earlier_1 * earlier_1 + … + of_noise * noise
                                              remembered = remembered_z * z + remembered_o * o
                                              sample [e, c, h, w] = next, as the denoiser takes it

`plain`: e = b. `guided`: e = 2 b, the outputs without prompt first, and o = without + scale * (with - without), scale [b, 1, 1, 1].
All is in 32 bits, in the order in which src/diffusion/sampler/denoising_step.rs computes; `output` and `sample` are of the denoiser's
type. factors [12, b, 1, 1, 1] stand in the order of FACTORS.

Needs the PyPI package `onnx`. Run from the repository root: python tests/reference/step_models.py
"""

import onnx
from onnx import TensorProto, helper

FACTORS = [
    "clean_z", "clean_o", "clip", "of_clean", "rest_z", "rest_o",
    "of_earlier_1", "of_earlier_2", "of_earlier_3", "of_noise", "remembered_z", "remembered_o",
]
EARLIER = ["earlier_1", "earlier_2", "earlier_3"]
FOLDER = "src/onnx/diffusion_models/resident"


def step(is_guided, element):
    nodes = []

    def node(kind, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return output

    def combination(prefix):
        of_z = node("Mul", [f"{prefix}_z", "latent"], f"{prefix}_of_z")
        of_o = node("Mul", [f"{prefix}_o", "o"], f"{prefix}_of_o")
        return node("Add", [of_z, of_o], prefix)

    node("Split", ["factors"], [f"split_{name}" for name in FACTORS], axis=0, num_outputs=len(FACTORS))
    for name in FACTORS:
        node("Squeeze", [f"split_{name}", "first_axis"], name)
    if is_guided:
        node("Cast", ["output"], "outputs", to=TensorProto.FLOAT)
        node("Split", ["outputs"], ["without", "with"], axis=0, num_outputs=2)
        node("Sub", ["with", "without"], "difference")
        node("Mul", ["scale", "difference"], "scaled")
        node("Add", ["without", "scaled"], "o")
    else:
        node("Cast", ["output"], "o", to=TensorProto.FLOAT)

    combination("clean")
    node("Neg", ["clip"], "lowest")
    node("Min", ["clean", "clip"], "clean_below")
    node("Max", ["clean_below", "lowest"], "clipped")
    node("Mul", ["of_clean", "clipped"], "clean_part")
    total = node("Add", ["clean_part", combination("rest")], "mean")
    for index, name in enumerate([*EARLIER, "noise"]):
        part = node("Mul", [f"of_{name}", name], f"{name}_part")
        total = node("Add", [total, part], f"sum_{index}" if name != "noise" else "next")
    combination("remembered")
    node("Cast", ["next"], "narrow", to=element)
    if is_guided:
        node("Concat", ["narrow", "narrow"], "sample", axis=0)
    else:
        node("Identity", ["narrow"], "sample")

    floats = TensorProto.FLOAT
    latents, evaluations, ones = ["b", "c", "h", "w"], ["e", "c", "h", "w"], ["b", 1, 1, 1]
    inputs = [helper.make_tensor_value_info(name, floats, latents) for name in ["latent", *EARLIER, "noise"]]
    inputs.append(helper.make_tensor_value_info("output", element, evaluations))
    inputs.append(helper.make_tensor_value_info("factors", floats, [len(FACTORS), *ones]))
    if is_guided:
        inputs.append(helper.make_tensor_value_info("scale", floats, ones))
    outputs = [
        helper.make_tensor_value_info("next", floats, latents),
        helper.make_tensor_value_info("remembered", floats, latents),
        helper.make_tensor_value_info("sample", element, evaluations),
    ]
    first_axis = helper.make_tensor("first_axis", TensorProto.INT64, [1], [0])
    graph = helper.make_graph(nodes, "denoising_step", inputs, outputs, [first_axis])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


for kind in ["plain", "guided"]:
    for name, element in [("f32", TensorProto.FLOAT), ("f16", TensorProto.FLOAT16)]:
        model = step(kind == "guided", element)
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, f"{FOLDER}/{kind}_step_{name}.onnx")
