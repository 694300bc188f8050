"""Writes tests/vectors/tiny_sentence_encoders/: ONNX models of a few hundred bytes with the names of a sentence-transformers
export and closed-form contents.

    python3 tests/reference/tiny_sentence_encoders.py            (needs onnx)

    token embedding of token k = [id_k, k, attention_mask_k - token_type_k, 2]        hidden size 4
    sentence embedding         = [id_0, number of tokens, 3]

    tokens            input_ids, attention_mask, token_type_ids -> last_hidden_state [batch, tokens, 4]
    tokens_of_eight   the same, of sentences of eight tokens, ids and masks as int32, the output called token_embeddings
                      among two
    sentence          input_ids -> sentence_embedding [batch, 3]
    pixel_values      an input that no sentence has
    zero              input_ids -> sentence_embedding [batch, 1], always 0
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

FOLDER = pathlib.Path(__file__).parents[1] / "vectors" / "tiny_sentence_encoders"


def constant(name, value, dtype):
    return numpy_helper.from_array(np.array(value, dtype=helper.tensor_dtype_to_np_dtype(dtype)), name)


def save(name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="latentlink")
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, FOLDER / f"{name}.onnx")


def tokens(name, numbers=T.INT64, length="tokens", output="last_hidden_state", extra=()):
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=T.FLOAT),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        helper.make_node("Cast", ["token_type_ids"], ["types"], to=T.FLOAT),
        helper.make_node("Sub", ["mask", "types"], ["third"]),
        helper.make_node("Mul", ["ids", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["ones"]),
        helper.make_node("CumSum", ["ones", "axis"], ["counted"]),
        helper.make_node("Sub", ["counted", "one"], ["places"]),
        helper.make_node("Add", ["ones", "one"], ["twos"]),
        *[helper.make_node("Unsqueeze", [column, "last"], [f"{column}_column"]) for column in ("ids", "places", "third", "twos")],
        helper.make_node("Concat", ["ids_column", "places_column", "third_column", "twos_column"], [output], axis=2),
    ]
    if extra:
        nodes.append(helper.make_node("ReduceMax", [output], [extra[0][0]], axes=[1], keepdims=0))
    constants = [
        constant("zero", 0, T.FLOAT),
        constant("one", 1, T.FLOAT),
        constant("axis", 1, T.INT64),
        constant("last", [-1], T.INT64),
    ]
    inputs = [(input, numbers, ["batch", length]) for input in ("input_ids", "attention_mask", "token_type_ids")]
    save(name, nodes, inputs, [(output, T.FLOAT, ["batch", length, 4]), *extra], constants)


def sentence(name, input="input_ids"):
    nodes = [
        helper.make_node("Cast", [input], ["ids"], to=T.FLOAT),
        helper.make_node("Slice", ["ids", "start", "end", "axis"], ["first"]),
        helper.make_node("Mul", ["ids", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "one"], ["ones"]),
        helper.make_node("ReduceSum", ["ones", "axis"], ["number"]),
        helper.make_node("Mul", ["first", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "three"], ["threes"]),
        helper.make_node("Concat", ["first", "number", "threes"], ["sentence_embedding"], axis=1),
    ]
    constants = [
        constant("zero", 0, T.FLOAT),
        constant("one", 1, T.FLOAT),
        constant("three", 3, T.FLOAT),
        constant("start", [0], T.INT64),
        constant("end", [1], T.INT64),
        constant("axis", [1], T.INT64),
    ]
    inputs = [(input, T.INT64, ["batch", "tokens"])]
    save(name, nodes, inputs, [("sentence_embedding", T.FLOAT, ["batch", 3])], constants)


def zero(name):
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["ids"], to=T.FLOAT),
        helper.make_node("Mul", ["ids", "zero"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros", "axis"], ["sentence_embedding"]),
    ]
    constants = [constant("zero", 0, T.FLOAT), constant("axis", [1], T.INT64)]
    save(name, nodes, [("input_ids", T.INT64, ["batch", "tokens"])], [("sentence_embedding", T.FLOAT, ["batch", 1])], constants)


FOLDER.mkdir(parents=True, exist_ok=True)
tokens("tokens")
tokens("tokens_of_eight", numbers=T.INT32, length=8, output="token_embeddings", extra=[("pooler_output", T.FLOAT, ["batch", 4])])
sentence("sentence")
sentence("pixel_values", input="pixel_values")
zero("zero")
