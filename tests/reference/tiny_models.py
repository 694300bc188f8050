"""Writes tests/vectors/tiny_models/: ONNX models of a few hundred bytes with the names of a Stable Diffusion export and
closed-form contents, in the ranks and element types that exporters differ in.

    python3 tests/reference/tiny_models.py            (needs onnx)

    text encoder   last_hidden_state[b, k, :] = [id, 1, 2, 3] of token k       4 tokens, hidden size 4
    denoiser       out_sample = 0.5 sample + timestep / 8 + mean(text[b])      latent 4 x 2 x 2
                   (`_overflow`: far beyond 65,504 on the way)
                   one of them looks the timestep up in a table that ends at 599, and stops with an error beyond
    decoder        sample = channels 0..2 of latent_sample, each pixel doubled 4 x 4 pictures
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

FOLDER = pathlib.Path(__file__).parents[1] / "vectors" / "tiny_models"


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


def text_encoder(name, ids=T.INT64, floats=T.FLOAT, batch="batch", tokens=4, input_name="input_ids", others=(0, 1, 2, 3)):
    nodes = [
        helper.make_node("Cast", [input_name], ["ids"], to=floats),
        helper.make_node("Unsqueeze", ["ids", "last_axis"], ["column"]),
        helper.make_node("Shape", ["column"], ["shape"]),
        helper.make_node("Mul", ["shape", "four_wide"], ["wide"]),
        helper.make_node("Mul", ["column", "zero"], ["zeros"]),
        helper.make_node("Expand", ["zeros", "wide"], ["zero_rows"]),
        helper.make_node("Add", ["column", "zeros"], ["first"]),
        helper.make_node("Mul", ["first", "only_first"], ["id_rows"]),
        helper.make_node("Add", ["zero_rows", "id_rows"], ["with_ids"]),
        helper.make_node("Add", ["with_ids", "others"], ["last_hidden_state"]),
    ]
    constants = [
        constant("last_axis", [-1], T.INT64),
        constant("four_wide", [1, 1, 4], T.INT64),
        constant("zero", 0, floats),
        constant("only_first", [[[1, 0, 0, 0]]], floats),
        constant("others", [[others]], floats),
    ]
    save(name, nodes, [(input_name, ids, [batch, tokens])], [("last_hidden_state", floats, [batch, tokens, 4])], constants)


def unet(name, timestep=T.INT64, rank=("batch",), floats=T.FLOAT, hidden=4, channels=4, extra=(), known_timesteps=None):
    if known_timesteps is None:
        time = [helper.make_node("Cast", ["timestep"], ["time"], to=T.FLOAT)]
    else:
        time = [helper.make_node("Gather", ["known_times", "timestep"], ["time"])]
    nodes = [
        helper.make_node("Mul", ["sample", "half"], ["halved"]),
        *time,
        helper.make_node("Mul", ["time", "eighth"], ["scaled_time"]),
        helper.make_node("Cast", ["scaled_time"], ["float_time"], to=floats),
        helper.make_node("Reshape", ["float_time", "column"], ["time_column"]),
        helper.make_node("ReduceMean", ["encoder_hidden_states"], ["text"], axes=[1, 2]),
        helper.make_node("Reshape", ["text", "column"], ["text_column"]),
        helper.make_node("Add", ["halved", "time_column"], ["with_time"]),
        helper.make_node("Add", ["with_time", "text_column"], ["out_sample"]),
    ]
    constants = [
        constant("half", 0.5, floats),
        constant("eighth", 0.125, T.FLOAT),
        constant("column", [-1, 1, 1, 1], T.INT64),
    ]
    if known_timesteps is not None:
        constants.append(constant("known_times", np.arange(known_timesteps), T.FLOAT))
    inputs = [
        ("sample", floats, ["batch", channels, "height", "width"]),
        ("timestep", timestep, list(rank)),
        ("encoder_hidden_states", floats, ["batch", "tokens", hidden]),
        *extra,
    ]
    save(name, nodes, inputs, [("out_sample", floats, ["batch", channels, "height", "width"])], constants)


def unet_inside(name):
    """32 bits at its ends, 16 within, where a constant is infinite. (A runtime without 16-bit kernels computes in 32: a sum that is
    too large for 16 bits would not show there.)"""
    nodes = [
        helper.make_node("Cast", ["sample"], ["narrow"], to=T.FLOAT16),
        helper.make_node("Mul", ["narrow", "zero"], ["zeros"]),
        helper.make_node("Add", ["zeros", "infinite"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["out_sample"], to=T.FLOAT),
    ]
    shape = ["batch", 4, "height", "width"]
    inputs = [("sample", T.FLOAT, shape), ("timestep", T.INT64, []), ("encoder_hidden_states", T.FLOAT, ["batch", "tokens", 4])]
    constants = [constant("zero", 0, T.FLOAT16), constant("infinite", np.inf, T.FLOAT16)]
    save(name, nodes, inputs, [("out_sample", T.FLOAT, shape)], constants)


def unet_random(name):
    """Its sample, and noise that is another one each time."""
    nodes = [
        helper.make_node("RandomNormalLike", ["sample"], ["noise"]),
        helper.make_node("Add", ["sample", "noise"], ["out_sample"]),
    ]
    shape = ["batch", 4, "height", "width"]
    inputs = [("sample", T.FLOAT, shape), ("timestep", T.INT64, []), ("encoder_hidden_states", T.FLOAT, ["batch", "tokens", 4])]
    save(name, nodes, inputs, [("out_sample", T.FLOAT, shape)], [])


def vae_decoder(name, floats=T.FLOAT, input_name="latent_sample", overflows=False):
    # A large number squared four times is infinite in either precision, and infinity less itself is no number.
    overflow = [
        helper.make_node("Mul", ["latent_sample", "large"], ["power0"]),
        *(helper.make_node("Mul", [f"power{i}", f"power{i}"], [f"power{i + 1}"]) for i in range(4)),
        helper.make_node("Sub", ["power4", "power4"], ["no_number"]),
    ]
    nodes = [
        *(overflow if overflows else []),
        helper.make_node("Slice", ["no_number" if overflows else input_name, "start", "end", "axis"], ["three"]),
        helper.make_node("Resize", ["three", "", "scales"], ["sample"], mode="nearest", nearest_mode="floor",
                         coordinate_transformation_mode="asymmetric"),
    ]
    constants = [
        constant("start", [0], T.INT64),
        constant("end", [3], T.INT64),
        constant("axis", [1], T.INT64),
        constant("scales", [1, 1, 2, 2], T.FLOAT),
        *([constant("large", 6e4, floats)] if overflows else []),
    ]
    save(name, nodes, [(input_name, floats, ["batch", 4, 2, 2])], [("sample", floats, ["batch", 3, 4, 4])], constants)


FOLDER.mkdir(parents=True, exist_ok=True)
text_encoder("text_encoder")
text_encoder("text_encoder_int32_f16", ids=T.INT32, floats=T.FLOAT16)
text_encoder("text_encoder_float_ids", ids=T.FLOAT)
text_encoder("text_encoder_five_tokens", tokens=5)
text_encoder("text_encoder_other_name", input_name="tokens")
unet("unet")
unet_random("unet_random")
unet("unet_scalar_int32", timestep=T.INT32, rank=())
unet("unet_one_f32", timestep=T.FLOAT, rank=(1,))
unet("unet_scalar_f16", timestep=T.FLOAT16, rank=(), floats=T.FLOAT16)
unet("unet_f64_time", timestep=T.DOUBLE)
unet("unet_short_table", known_timesteps=600)
unet("unet_hidden_5", hidden=5)
unet("unet_nine_channels", channels=9)
unet("unet_timestep_cond", extra=[("timestep_cond", T.FLOAT, ["batch", 256])])
vae_decoder("vae_decoder")
vae_decoder("vae_decoder_f16", floats=T.FLOAT16)
text_encoder("text_encoder_f16_overflow", floats=T.FLOAT16, others=(0, 1, 2, np.inf))
unet_inside("unet_f16_inside_overflow")
vae_decoder("vae_decoder_f16_overflow", floats=T.FLOAT16, overflows=True)
vae_decoder("vae_decoder_f32_overflow", overflows=True)
