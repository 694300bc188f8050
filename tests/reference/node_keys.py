"""Keys of nodes on a link, hashed by hand: what a store of earlier results is found by must never change.

Prints the four keys that tests/main/denoising_graph.rs expects: a start latent, the latent over a link, the same with the two most
significant bits of each value protected, and with three earlier model outputs sent along.

Run: python tests/reference/node_keys.py (Python 3.11, nothing else).
"""

import hashlib
import struct

PACK = bytes([7] * 32)


def stream(entity):
    hashed = hashlib.sha256(b"latentlink stream 1" + struct.pack("<QI", 41, 0))
    for text in (b"test", entity):
        hashed.update(struct.pack("<Q", len(text)) + text)
    return hashed.digest()


def key(content):
    return hashlib.sha256(b"latentlink node 1" + PACK + content).digest()


noise = key(b"noise" + stream(b"noise") + struct.pack("<d", 1.0))
# int8 is the third codec, clip the third way of sanitising; range 5, p = 3 %.
link = b"corrupt" + noise + bytes([2, 2]) + struct.pack("<dd", 5.0, 0.03) + stream(b"link")
protected = link + b"protected" + struct.pack("<Id", 2, 0.001)
with_history = link + b"history" + struct.pack("<I", 3)
for content in (noise, key(link), key(protected), key(with_history)):
    print(content.hex())
