"""Writes tests/vectors/tiny_llava_variants/: the decoder of tests/vectors/tiny_llava/ in the other forms in which published packs have it.

    python tests/reference/tiny_llava_variants.py   (needs the packages of models/training/requirements.txt, and
                                                     onnxconverter-common==1.16.0, onnx-ir==1.1.0)

    decoder_model_merged_kept.onnx      with `num_logits_to_keep`, an int64 without axes: logits of that many last positions, 0 for all
    decoder_model_merged_branch.onnx    with `use_cache_branch`, bool [1], over two branches; no `position_ids`
    decoder_model_merged_fp16.onnx      all floats in 16 bits, also those that go in and out; and embed_tokens_fp16, vision_encoder_fp16
    decoder_model_merged_int8.onnx      weights in 8 bits, MatMulInteger
    decoder_model_merged_q4.onnx        weights in 4 bits, MatMulNBits, blocks of 32
    decoder_model_merged_gqa.onnx       GroupQueryAttention and other operators of ONNX Runtime; no `position_ids`. No padding but at the
                                        end, and after a past one sequence at a time, unless token by token
    decoder_model_merged_q4f16.onnx     the same with weights in 4 bits and the cache in 16, while what else goes in and out has 32
    logits.bin       what ONNX Runtime gives, on the CPU, at the end of every case's prompt: float32, runs × cases × vocabulary
    expected.json    the runs in the order of logits.bin, each with its file, the number of parts in which the prompt goes in, the greatest
                     difference from transformers' logits, and the same between the prompt at once and in three parts

The fp16 decoder is fed by the other two fp16 files. Weights are those of the committed pack; being random, they bear few bits badly.
"""

import json
import logging
import re

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnxconverter_common import float16
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer
from tokenizers import Tokenizer

from tiny_llava import FOLDER as LLAVA
from tiny_llava import ROOT, shorten

FOLDER = ROOT / "tests/vectors/tiny_llava_variants"
# Each with the prompt at once; int8, whose numbers depend on what goes in together, also with the text before the picture first.
RUNS = [("kept", 1), ("branch", 1), ("fp16", 1), ("int8", 1), ("int8", 2), ("q4", 1), ("gqa", 1), ("q4f16", 1)]
DECODER = LLAVA / "pack/onnx/decoder_model_merged.onnx"
CONFIG = json.loads((LLAVA / "pack/config.json").read_text())
TEXT = CONFIG["text_config"]
HEADS, GROUPS = TEXT["num_attention_heads"], TEXT["num_key_value_heads"]
SIZE = TEXT["hidden_size"] // HEADS
PAST = [f"past_key_values.{layer}.{part}" for layer in range(TEXT["num_hidden_layers"]) for part in ("key", "value")]
PRESENT = [name.replace("past_key_values", "present") for name in PAST]


def decoder() -> onnx.ModelProto:
    return onnx.load(str(DECODER))


def path(name: str):
    return FOLDER / f"decoder_model_merged_{name}.onnx"


def save(model: onnx.ModelProto, name: str) -> None:
    onnx.save(model, str(path(name)))
    shorten(path(name))


def unfolded(model: onnx.ModelProto) -> onnx.ModelProto:
    """The weights as fp32 themselves, not as fp16 and a cast, and no casts of fp32 to fp32: the converters see through neither."""
    graph = model.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Cast" and node.input[0] in weights]:
        tensor = weights[node.input[0]]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float32), node.output[0]))
        graph.node.remove(node)
    inferred = onnx.shape_inference.infer_shapes(model).graph
    floats = {value.name for value in [*inferred.input, *inferred.value_info] if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    same = {}
    for node in list(graph.node):
        node.input[:] = [same.get(value, value) for value in node.input]
        idle = node.op_type == "Identity" or node.op_type == "Cast" and node.attribute[0].i == TensorProto.FLOAT
        if idle and (node.input[0] in floats or node.input[0] in weights) and node.output[0] not in PRESENT:
            same[node.output[0]] = node.input[0]
            graph.node.remove(node)
    for index, node in enumerate(graph.node):
        node.name = f"node{index}"
    return model


def constant(name: str, value) -> onnx.TensorProto:
    return numpy_helper.from_array(numpy.array(value, numpy.int64), name)


CONSTANTS = [constant("axis1", [1]), constant("end", [2**63 - 1]), constant("one", 1), constant("zero", 0)]


def positions_from_mask() -> list[onnx.NodeProto]:
    """What transformers makes of an attention mask, where no positions are given: places among the tokens that count."""
    return [
        helper.make_node("CumSum", ["attention_mask", "one"], ["counted"]),
        helper.make_node("Sub", ["counted", "one"], ["places"]),
        helper.make_node("Equal", ["attention_mask", "zero"], ["padding"]),
        helper.make_node("Where", ["padding", "one", "places"], ["all_positions"]),
        helper.make_node("Shape", ["inputs_embeds"], ["sequence"], start=1, end=2),
        helper.make_node("Neg", ["sequence"], ["start"]),
        helper.make_node("Slice", ["all_positions", "start", "end", "axis1"], ["position_ids"]),
    ]


def write_kept() -> None:
    model = decoder()
    graph = model.graph
    graph.input.append(helper.make_tensor_value_info("num_logits_to_keep", TensorProto.INT64, []))
    head = graph.node.pop()
    assert list(head.output) == ["logits"]
    graph.initializer.extend([constant("axis1", [1]), constant("axis0", [0]), constant("end", [2**63 - 1])])
    graph.node.extend([
        helper.make_node("Neg", ["num_logits_to_keep"], ["minus"]),
        helper.make_node("Unsqueeze", ["minus", "axis0"], ["start"]),
        helper.make_node("Slice", [head.input[0], "start", "end", "axis1"], ["kept"]),
        helper.make_node("MatMul", ["kept", head.input[1]], ["logits"]),
    ])
    graph.output[0].type.tensor_type.shape.dim[1].dim_param = "kept"
    save(model, "kept")


def write_branch() -> None:
    model = decoder()
    graph = model.graph
    names = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}  # of one weight under several
    nodes = [node for node in graph.node if node.op_type != "Identity"]
    for node in nodes:
        node.input[:] = [names.get(value, value) for value in node.input]
    inner = [index for index, node in enumerate(nodes) if node.op_type == "Shape"][0]  # before it there are but weights
    shared, body = nodes[:inner], nodes[inner:]
    graph.initializer.extend(CONSTANTS)
    shared += positions_from_mask()

    def branch(name: str, with_past: bool) -> onnx.GraphProto:
        made = {value: f"{name}.{value}" for node in body for value in node.output}
        copies = []
        for node in body:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.output[:] = [made[value] for value in node.output]
            if not with_past and node.input and node.input[0] in PAST:
                copy = helper.make_node("Identity", [node.input[1]], copy.output)
            copy.input[:] = [made.get(value, value) for value in copy.input]
            copies.append(copy)
        outputs = []
        for value in graph.output:
            copy = onnx.ValueInfoProto()
            copy.CopyFrom(value)
            copy.name = made[value.name]
            outputs.append(copy)
        return helper.make_graph(copies, name, [], outputs)

    condition = helper.make_node("If", ["use_cache_branch"], [value.name for value in graph.output], then_branch=branch("p", True),
                                 else_branch=branch("n", False))
    del graph.node[:]
    graph.node.extend([*shared, condition])
    graph.input.remove(next(value for value in graph.input if value.name == "position_ids"))
    graph.input.append(helper.make_tensor_value_info("use_cache_branch", TensorProto.BOOL, [1]))
    onnx.checker.check_model(model)
    onnx.save(model, str(path("branch")))


def write_fp16() -> None:
    for source, name in [(DECODER, path("fp16")), *((LLAVA / f"pack/onnx/{part}.onnx", FOLDER / f"{part}_fp16.onnx")
                                                    for part in ["embed_tokens", "vision_encoder"])]:
        model = unfolded(onnx.load(str(source)))
        # Angles of rotary positions stay in 32 bits.
        cosine = {value for node in model.graph.node if node.op_type in ("Cos", "Sin") for value in node.input}
        exact, wanted = [], set(cosine)
        for node in reversed(model.graph.node):
            if node.op_type in ("Cos", "Sin") or wanted & set(node.output) and node.op_type != "Constant":
                exact.append(node.name)
                wanted |= set(node.input)
        model = float16.convert_float_to_float16(model, keep_io_types=False, disable_shape_infer=False, node_block_list=exact)
        del model.graph.value_info[:]
        onnx.save(model, str(name))
        shorten(name)


def write_int8() -> None:
    """Weights of 7 of the 8 bits: with 8, processors without VNNI overflow, and results would differ between machines."""
    full = FOLDER / "full.onnx"
    onnx.save(unfolded(decoder()), str(full))
    quantize_dynamic(str(full), str(path("int8")), weight_type=QuantType.QInt8, reduce_range=True, per_channel=False)
    full.unlink()
    model = onnx.load(str(path("int8")))
    del model.graph.value_info[:]
    save(model, "int8")


def in_4_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    quantizer = MatMulNBitsQuantizer(model, block_size=32, is_symmetric=True)
    quantizer.process()
    return quantizer.model.model


def write_q4() -> None:
    save(in_4_bits(unfolded(decoder())), "q4")


def grouped(cache: int) -> onnx.ModelProto:
    """The decoder anew from its weights, with the operators of ONNX Runtime; ``cache``: the type of keys and values in the cache."""
    old = unfolded(decoder()).graph
    weights = {tensor.name: tensor for tensor in old.initializer}
    matrices = [weights[node.input[1]] for node in old.node if node.op_type == "MatMul" and node.input[1] in weights]
    norm = numpy_helper.to_array(next(tensor for tensor in old.initializer if list(tensor.dims) == [TEXT["hidden_size"]]))
    positions = numpy.arange(TEXT["max_position_embeddings"])[:, None]
    angles = positions / TEXT["rope_theta"] ** (numpy.arange(0, SIZE, 2) / SIZE)
    made = [*CONSTANTS, *(numpy_helper.from_array(values.astype(numpy.float32), name)
                          for name, values in [("norm", norm), ("cos", numpy.cos(angles)), ("sin", numpy.sin(angles))])]
    nodes = [
        helper.make_node("ReduceSum", ["attention_mask", "axis1"], ["lengths"], keepdims=0),
        helper.make_node("Sub", ["lengths", "one"], ["ends"]), helper.make_node("Cast", ["ends"], ["seqlens_k"], to=TensorProto.INT32),
        helper.make_node("Shape", ["attention_mask"], ["shape"]), helper.make_node("Gather", ["shape", "one"], ["total64"]),
        helper.make_node("Cast", ["total64"], ["total_length"], to=TensorProto.INT32),
        *positions_from_mask(),
    ]
    matrix = iter(matrices)

    def add(operator: str, inputs: list[str], count: int = 1, domain: str = "", **attributes) -> str | list[str]:
        outputs = [f"{operator}{len(nodes)}.{index}" for index in range(count)]
        nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs[0] if count == 1 else outputs

    def multiply(value: str) -> str:
        tensor = next(matrix)
        if cache == TensorProto.FLOAT:  # stored in 16 bits, as in the pack
            half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(numpy.float16), f"half{tensor.name}")
            made.append(half)
            return add("MatMul", [value, add("Cast", [half.name], to=TensorProto.FLOAT)])
        made.append(tensor)
        return add("MatMul", [value, tensor.name])

    def normal(value: str) -> str:
        return add("SimplifiedLayerNormalization", [value, "norm"], axis=-1, epsilon=TEXT["rms_norm_eps"], stash_type=1)

    hidden = "inputs_embeds"
    for layer in range(TEXT["num_hidden_layers"]):
        value = normal(hidden)
        projected = [multiply(value) for _ in range(3)]
        projected[:2] = [add("RotaryEmbedding", [part, "position_ids", "cos", "sin"], domain="com.microsoft", num_heads=heads)
                         for part, heads in zip(projected, (HEADS, GROUPS))]
        if cache == TensorProto.FLOAT16:
            projected = [add("Cast", [part], to=cache) for part in projected]
        seen = f"seen{layer}"
        nodes.append(helper.make_node(
            "GroupQueryAttention", [*projected, *PAST[2 * layer:2 * layer + 2], "seqlens_k", "total_length"],
            [seen, *PRESENT[2 * layer:2 * layer + 2]], domain="com.microsoft", num_heads=HEADS, kv_num_heads=GROUPS,
            scale=SIZE**-0.5,
        ))
        if cache == TensorProto.FLOAT16:
            seen = add("Cast", [seen], to=TensorProto.FLOAT)
        hidden = add("Add", [hidden, multiply(seen)])
        value = normal(hidden)
        gate = multiply(value)
        gate = add("Mul", [gate, add("Sigmoid", [gate])])
        hidden = add("Add", [hidden, multiply(add("Mul", [gate, multiply(value)]))])
    last = multiply(normal(hidden))
    nodes[-1].output[0] = "logits"
    assert last != "logits" and next(matrix, None) is None

    shape = lambda name, kind, *sizes: helper.make_tensor_value_info(name, kind, sizes)  # noqa: E731
    inputs = [shape("inputs_embeds", TensorProto.FLOAT, "batch", "sequence", TEXT["hidden_size"]),
              shape("attention_mask", TensorProto.INT64, "batch", "total"),
              *(shape(name, cache, "batch", GROUPS, "past", SIZE) for name in PAST)]
    outputs = [shape("logits", TensorProto.FLOAT, "batch", "sequence", TEXT["vocab_size"]),
               *(shape(name, cache, "batch", GROUPS, "total", SIZE) for name in PRESENT)]
    return helper.make_model(helper.make_graph(nodes, "grouped", inputs, outputs, made), ir_version=8,
                             opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)])


def run(session, embeds: numpy.ndarray, start: int, past: list[numpy.ndarray]) -> list[numpy.ndarray]:
    """Tokens from ``start`` on after ``past``, with whatever inputs the graph has."""
    end = start + embeds.shape[1]
    known = {
        "inputs_embeds": embeds, "attention_mask": numpy.ones((1, end), numpy.int64), "position_ids": numpy.arange(start, end)[None],
        "num_logits_to_keep": numpy.array(1), "use_cache_branch": numpy.array([start > 0]), **dict(zip(PAST, past)),
    }
    kinds = {"tensor(float)": numpy.float32, "tensor(float16)": numpy.float16}
    inputs = {value.name: known[value.name].astype(kinds.get(value.type, known[value.name].dtype)) for value in session.get_inputs()}
    return session.run(None, inputs)


def in_parts(session, embeds: numpy.ndarray, ends: list[int]) -> numpy.ndarray:
    """The logits of the last token, when the prompt goes in in parts with these ends."""
    past, start = [numpy.zeros((1, GROUPS, 0, SIZE), numpy.float32)] * len(PAST), 0
    for end in ends:
        logits, *past = run(session, embeds[:, start:end], start, past)
        start = end
    return logits[0, -1].astype(numpy.float32)


def main() -> None:
    logging.disable(logging.INFO)  # the quantizer reports every node
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        old.unlink()
    write_kept()
    write_branch()
    write_fp16()
    write_int8()
    write_q4()
    # Not by `save`: ONNX's checker knows no SimplifiedLayerNormalization, which ONNX Runtime has without a domain of its own.
    onnx.save(grouped(TensorProto.FLOAT), str(path("gqa")))
    onnx.save(in_4_bits(grouped(TensorProto.FLOAT16)), str(path("q4f16")))

    expected = json.loads((LLAVA / "expected.json").read_text())
    cases, words = expected["cases"], Tokenizer.from_file(str(LLAVA / "pack/tokenizer.json"))
    reference = numpy.fromfile(LLAVA / "logits.bin", "<f4").reshape(len(cases), expected["steps"], -1)[:, 0]
    pixels = numpy.fromfile(LLAVA / "pixels.bin", "<f4", count=3 * 3 * 32 * 32).reshape(3, 1, 3, 32, 32)
    all_logits, runs = [], []
    for name, parts in RUNS:
        kind, ending = (numpy.float16, "_fp16") if name == "fp16" else (numpy.float32, "")
        folder = FOLDER if ending else LLAVA / "pack/onnx"
        embed, vision = (onnxruntime.InferenceSession(str(folder / f"{part}{ending}.onnx")) for part in ["embed_tokens", "vision_encoder"])
        session = onnxruntime.InferenceSession(str(path(name)))
        logits, apart = [], 0.0
        for entry in cases:
            before = words.encode(entry["before"]).ids
            ids = before + [CONFIG["image_token_index"]] * 16 + words.encode(entry["after"], add_special_tokens=False).ids
            assert len(ids) == entry["prompt_tokens"]
            embeds = embed.run(None, {"input_ids": numpy.array([ids])})[0]
            embeds[0, len(before):len(before) + 16] = vision.run(None, {"pixel_values": pixels[entry["picture"]].astype(kind)})[0][0]
            ends = [[len(ids)], [len(before), len(ids)], [len(before), len(ids) - 1, len(ids)]]
            ways = [in_parts(session, embeds, way) for way in ends]
            apart = max(apart, float(abs(ways[2] - ways[0]).max()))
            logits.append(ways[parts - 1])
        logits = numpy.stack(logits)
        difference = float(abs(logits - reference).max())
        same = int((logits.argmax(1) == reference.argmax(1)).sum())
        print(name, path(name).stat().st_size, "bytes; from transformers", difference, "same choice", same, "in parts", apart)
        inputs = [[value.name, value.type, value.shape] for value in session.get_inputs()]
        runs.append({"name": name, "file": path(name).name, "parts": parts, "difference": difference, "in_three_parts": apart,
                     "inputs": inputs})
        all_logits.append(logits)
    (FOLDER / "logits.bin").write_bytes(numpy.stack(all_logits).astype("<f4").tobytes())
    written = {"cases": len(cases), "vocabulary": TEXT["vocab_size"], "runs": runs}
    text = re.sub(r"\[[^\[\]{}]*\]", lambda values: re.sub(r"\s+", " ", values[0]), json.dumps(written, indent=1))
    (FOLDER / "expected.json").write_text(text + "\n")
    print(sum(file.stat().st_size for file in FOLDER.iterdir()), "bytes")


if __name__ == "__main__":
    main()
