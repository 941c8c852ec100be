"""What pieces are checked against: the hash of a whole piece (v1, BEP 3), or a tree of hashes over it (v2, BEP 52)."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, batched
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    import libtorrent as lt

# The leaves of v2's trees are hashes of blocks of this size, whatever the piece length (BEP 52). Bytes
BLOCK: Final = 16 * 1024
DIGEST: Final = 32  # bytes of a SHA-256
NO_BLOCK: Final = bytes(DIGEST)  # the leaf for what is behind the end of a file


class PieceHashes(Protocol):
    """The hashes of a torrent's pieces."""

    def knows(self, piece: int) -> bool:
        """Tell whether there is something to compare `piece` with."""

    def learn(self, layers: Mapping[bytes, bytes]) -> None:
        """Take what peers have sent of the hashes that are not part of the metadata. Takes CPU time."""

    def matches(self, piece: int, data: bytes) -> bool:
        """Tell whether `data` is `piece`. Takes CPU time."""


def hashes_of(info: lt.torrent_info) -> PieceHashes:
    """Return the hashes for the pieces of a torrent; a hybrid's are its v1 ones, which are always there."""
    return V1Hashes(info) if info.info_hashes().has_v1() else V2Hashes(info)


class V1Hashes:
    """One SHA-1 per piece, all of them in the metadata."""

    def __init__(self, info: lt.torrent_info) -> None:
        self._info = info

    def knows(self, piece: int) -> bool:
        """Return True."""
        return True

    def learn(self, layers: Mapping[bytes, bytes]) -> None:
        """Learn nothing: there is nothing that peers could add."""

    def matches(self, piece: int, data: bytes) -> bool:
        """Compare; a hybrid's pad bytes (BEP 47) are zeros that libtorrent leaves out."""
        padding = bytes(self._info.piece_size(piece) - len(data))
        digest = hashlib.sha1(data + padding if padding else data, usedforsecurity=False).digest()
        return digest == self._info.hash_for_piece(piece)


class V2Hashes:
    """A tree per file. The metadata hold its root; the layer with a hash per piece comes from peers or a torrent file.

    Not from `hash_for_piece`: for a v2 torrent it returns whatever lies behind the metadata (2.0.11).
    """

    def __init__(self, info: lt.torrent_info) -> None:
        self._info = info  # owns what `files` refers to
        self._files = info.files()
        self._piece_length = info.piece_length()
        self._blocks = self._piece_length // BLOCK  # in a piece: a power of two (BEP 52)
        self._layers: dict[bytes, bytes] = {}  # complete and right, by root

    def knows(self, piece: int) -> bool:
        """Tell whether the layer of the file with `piece` is there; a file of one piece needs none."""
        file = self._file_at(piece)
        return not self._has_layer(file) or self._root(file) in self._layers

    def learn(self, layers: Mapping[bytes, bytes]) -> None:
        """Take those layers that lead to the root in the metadata; what is missing or wrong is left out."""
        no_piece = merkle_root([NO_BLOCK], self._blocks)
        for file in filter(self._has_layer, range(self._files.num_files())):
            root = self._root(file)
            if root in self._layers or (layer := layers.get(root)) is None:
                continue
            hashes = [bytes(digest) for digest in batched(layer, DIGEST, strict=False)]
            pieces = -(-self._files.file_size(file) // self._piece_length)
            if len(hashes) == pieces and merkle_root(hashes, pad=no_piece) == root:
                self._layers[root] = layer

    def matches(self, piece: int, data: bytes) -> bool:
        """Compare with the layer, or with the root where the file is one piece; bytes behind its end do not count."""
        file = self._file_at(piece)
        start = piece * self._piece_length - self._files.file_offset(file)
        ours = memoryview(data)[: self._files.file_size(file) - start]
        leaves = [hashlib.sha256(ours[at : at + BLOCK]).digest() for at in range(0, len(ours), BLOCK)]
        if not leaves:
            return False
        if not self._has_layer(file):
            return merkle_root(leaves) == self._root(file)
        at = start // self._piece_length * DIGEST
        return merkle_root(leaves, self._blocks) == self._layers[self._root(file)][at : at + DIGEST]

    def _file_at(self, piece: int) -> int:
        return self._files.file_index_at_piece(piece)  # no piece has bytes of two files (BEP 52)

    def _has_layer(self, file: int) -> bool:
        return self._files.file_size(file) > self._piece_length

    def _root(self, file: int) -> bytes:
        return self._files.root(file).to_bytes()


def piece_layers(info: lt.torrent_info, trees: Iterable[Mapping[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the piece layers (BEP 52) in the trees of resume data by root, none unless all are whole. Takes CPU time.

    A tree has a `mask` with a digit per node, root first, and the `hashes` of those that are 1.
    """
    files = info.files()
    layers = {}
    for file, tree in enumerate(trees):
        if (size := files.file_size(file)) > info.piece_length():
            layers[files.root(file).to_bytes()] = _piece_layer(tree, size, info.piece_length())
    return layers if all(layers.values()) else {}


def _piece_layer(tree: Mapping[bytes, bytes], size: int, piece_length: int) -> bytes:
    """Return the hashes of a file's pieces, as they are there or of those of their blocks; empty if one lacks."""
    mask, hashes = tree.get(b"mask", b""), tree[b"hashes"]
    known = list(accumulate(bit == ord("1") for bit in mask))

    def node(at: int) -> bytes:
        return hashes[(known[at] - 1) * DIGEST : known[at] * DIGEST] if mask[at] == ord("1") else b""

    leaves, blocks, width = (len(mask) + 1) // 2, -(-size // BLOCK), piece_length // BLOCK
    layer = []
    for piece, begin in enumerate(range(0, blocks, width) if mask else ()):
        digest = node(leaves // width - 1 + piece)
        if not digest:
            below = [node(leaves - 1 + block) for block in range(begin, min(begin + width, blocks))]
            digest = merkle_root(below, width) if all(below) else b""
        if not digest:
            return b""
        layer.append(digest)
    return b"".join(layer)


def merkle_root(hashes: Sequence[bytes], width: int = 1, pad: bytes = NO_BLOCK) -> bytes:
    """Return the root of the smallest binary tree over at least `width` hashes, those that lack being `pad`."""
    level = list(hashes)
    width = max(width, 1 << (len(level) - 1).bit_length())
    while width > 1:
        if len(level) % 2:
            level.append(pad)
        level = [hashlib.sha256(left + right).digest() for left, right in batched(level, 2, strict=True)]
        pad = hashlib.sha256(pad + pad).digest()
        width //= 2
    return level[0]
