"""Untrusted pictures decoded in full, each in a process with limits: perceptual hash, scores, EXIF, thumbnails.

    with Decoders(2, DecoderLimits(seconds=10)) as decoders:
        decoders.examine(body)["phash"]
        decoders.thumbnail(body, side=400)["jpeg"]

Only the decoder processes import Pillow (`pupline[quality]`); nothing else does.
"""

from pupline.decoding._decoders import DecoderLimits, Decoders
from pupline.decoding._phash import BITS, PHASH_VERSION, distance, hex_of

__all__ = ["BITS", "PHASH_VERSION", "DecoderLimits", "Decoders", "distance", "hex_of"]
