"""latentlink's random streams in numpy: the start latents and the bit flips of a study, so that a script can make the same pictures.

    study seed, replication, component, entity ─ SHA-256 ─► key ─ ChaCha8 ─► 32-bit words ─┬─ ziggurat ─► start latent
                                                                                          └─ thresholds ─► flips of each bit

The rules are those of src/random.rs (keys), src/diffusion/worker.rs (start latents) and src/diffusion/codec.rs (nested flips).
Needs numpy.
"""

import hashlib
import math

import numpy as np


def stream_key(study_seed, replication, component, entity):
    """The 256-bit key of the stream that `component` uses for `entity`."""
    text = b"latentlink stream 1" + study_seed.to_bytes(8, "little") + replication.to_bytes(4, "little")
    for part in (component.encode(), entity.encode()):
        text += len(part).to_bytes(8, "little") + part
    return hashlib.sha256(text).digest()


def child_key(key, index):
    """The key of the draw `index` of a stream that draws repeatedly."""
    return hashlib.sha256(key + index.to_bytes(8, "little")).digest()


def chacha8_words(key, count):
    """The first `count` 32-bit words of the key's ChaCha8 stream.

    Bernstein's layout, as in rand_chacha: 4 words of constants, 8 of the key, a 64-bit block counter from 0, a 64-bit stream
    number, which is 0. A block is 16 words in the order of the state; all blocks are computed side by side.
    """
    blocks = -(-count // 16)
    start = np.zeros((16, blocks), np.uint32)
    start[:4] = np.frombuffer(b"expand 32-byte k", "<u4")[:, None]
    start[4:12] = np.frombuffer(key, "<u4")[:, None]
    start[12] = np.arange(blocks)  # fewer than 2³² blocks: the upper half of the counter stays 0
    state = start.copy()

    def rotate(word, left):
        return (word << np.uint32(left)) | (word >> np.uint32(32 - left))

    def quarter_round(a, b, c, d):
        for first, second, third, left in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
            state[first] += state[second]
            state[third] = rotate(state[third] ^ state[first], left)

    for _ in range(4):  # 8 rounds: 4 of columns, 4 of diagonals
        for column in range(4):
            quarter_round(column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter_round(column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return (state + start).T.reshape(-1)[:count]


def density(x):
    """The normal density but for its constant."""
    return math.exp(-x * x / 2.0)


# The constants of the ziggurat of 256 layers for the normal density (Marsaglia and Tsang 2000): where its tail begins and, to the digits
# that implementations share, the area of a layer.
TAIL_FROM = 3.654152885361008796
LAYER_AREA = 0.00492867323399


def layer_edges():
    """x_0 … x_256 of the layers, the lowest first: all have one area, the tail included in the lowest."""
    edges = [LAYER_AREA / density(TAIL_FROM), TAIL_FROM]
    while len(edges) < 256:
        edges.append(math.sqrt(-2.0 * math.log(LAYER_AREA / edges[-1] + density(edges[-1]))))
    return np.array([*edges, 0.0])


EDGES = layer_edges()
HEIGHTS = np.array([density(x) for x in EDGES])


def standard_normal(key, count):
    """`count` standard normal values (float64) of the key's stream, as rand_distr's `StandardNormal` draws them.

    A 64-bit draw (low word first) gives the layer by its low 8 bits and, by its high 52, the place in the layer. Nearly all values take one
    draw; the rest are settled one by one.
    """
    words = chacha8_words(key, 4 * count + 256).astype(np.uint64)
    draws = words[0::2] | (words[1::2] << np.uint64(32))
    layers = (draws & np.uint64(0xFF)).astype(np.intp)
    places = (draws >> np.uint64(12)).astype(np.float64) * 2.0**-51 - 1.0  # in [−1, 1), exact
    candidates = places * EDGES[layers]
    inside = np.abs(candidates) < EDGES[layers + 1]
    values, at = [], 0
    while len(values) < count:
        x, layer, place = candidates[at], layers[at], places[at]
        at += 1
        if inside[at - 1]:
            values.append(x)
        elif layer == 0:
            x, at = tail_value(draws, at)
            values.append(-x if place < 0.0 else x)
        else:
            uniform = int(draws[at] >> np.uint64(11)) * 2.0**-53
            at += 1
            if HEIGHTS[layer + 1] + (HEIGHTS[layer] - HEIGHTS[layer + 1]) * uniform < density(x):
                values.append(x)
    return np.array(values)


def tail_value(draws, at):
    """A value beyond the lowest layer (Marsaglia 1964), and the place of the next draw."""
    while True:
        first, second = (math.log(int(draw >> np.uint64(12)) * 2.0**-52 + 2.0**-53) for draw in draws[at : at + 2])
        at += 2
        beyond = -first / TAIL_FROM
        if -2.0 * second >= beyond * beyond:
            return TAIL_FROM + beyond, at


def start_latent(study_seed, replication, shape):
    """z_T of a round, the same for all points and users of a replication: float32 of `shape`."""
    key = stream_key(study_seed, replication, "start-latent", "round")
    return standard_normal(key, math.prod(shape)).astype(np.float32).reshape(shape)


def flipped_bits(study_seed, replication, device, bit_error_probabilities, shape):
    """Which bits of a device's first latent flip in an 8-bit codec: uint8 masks [probabilities, *shape].

    Bit p of value i flips where word 8 i + p of the stream, the upper half of a 64-bit uniform, lies below the probability. So the
    flips of a smaller probability are among those of a larger one.
    """
    key = child_key(stream_key(study_seed, replication, "bit-errors", device), 0)
    upper = chacha8_words(key, 8 * math.prod(shape)).astype(np.uint64)
    masks = []
    for probability in bit_error_probabilities:
        threshold = int(probability * 2.0**64)
        flips = upper < threshold >> 32
        for bit in np.flatnonzero(upper == threshold >> 32):  # a tie, once in 2³² bits: the lower half decides
            flips[bit] = int(chacha8_words(child_key(key, int(bit)), 1)[0]) < threshold & 0xFFFFFFFF
        masks.append(np.packbits(flips.reshape(-1, 8), axis=-1, bitorder="little")[:, 0].reshape(shape))
    return np.stack(masks)
