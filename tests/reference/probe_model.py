"""Makes src/onnx/provider/probe.onnx, the model on which an execution provider is tried: y = x + x, x float32 [n].

Needs the PyPI package `onnx`. Run from the repository root: python tests/reference/probe_model.py
"""

import onnx
from onnx import TensorProto, helper

graph = helper.make_graph(
    [helper.make_node("Add", ["x", "x"], ["y"])],
    "provider_probe",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, "src/onnx/provider/probe.onnx")
