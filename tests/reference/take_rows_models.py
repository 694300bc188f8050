"""Makes src/onnx/judge_models/take_rows_f32.onnx and take_rows_f16.onnx: rows of a batch, in any order and number, on the device where
the batch is. taken [n, a, b, c] = values [m, a, b, c] along the first axis at rows, int64 [n].

Needs the PyPI package `onnx`. Run from the repository root: python tests/reference/take_rows_models.py
"""

import onnx
from onnx import TensorProto, helper

for name, element in [("f32", TensorProto.FLOAT), ("f16", TensorProto.FLOAT16)]:
    graph = helper.make_graph(
        [helper.make_node("Gather", ["values", "rows"], ["taken"], axis=0)],
        "take_rows",
        [
            helper.make_tensor_value_info("values", element, ["m", "a", "b", "c"]),
            helper.make_tensor_value_info("rows", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("taken", element, ["n", "a", "b", "c"])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, f"src/onnx/judge_models/take_rows_{name}.onnx")
