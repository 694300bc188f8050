"""Checks an actor that latentlink wrote with ONNX's own checker (onnx 1.23.2), shapes inferred and all.

    python tests/reference/check_actor_onnx.py actor.onnx
"""

import sys

import onnx

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)


def shape(value):
    return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]


for role, values in [("input", model.graph.input), ("output", model.graph.output)]:
    for value in values:
        print(role, value.name, shape(value))
for entry in model.metadata_props:
    print(entry.key, "=", entry.value)
print(len(model.graph.node), "nodes: a valid ONNX model of opset", model.opset_import[0].version)
