"""The Merkle tree of RFC 6962, section 2.1 (RFC 9162, section 2.1): hashes, proofs and their checks. Pure.

A tree over n leaves is cut at the largest power of two below n. A *subtree* here is complete: `(level, index)` covers
the leaves from index·2^level on, 2^level of them. Proofs are lists of subtree hashes in the order in which a verifier
folds them. Whoever builds one hands in `read(level, index)`; where the hashes come from is not known here.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()

Subtree = tuple[int, int]
Read = Callable[[int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256 of 0x00 and the entry."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256 of 0x01, left and right."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """Return the hash of each leaf. A call for each of them would cost as much as the hashing."""
    sha = hashlib.sha256
    return [sha(b"\x00" + entry).digest() for entry in entries]


def parents(row: Iterable[bytes]) -> list[bytes]:
    """Return the hashes of the inner nodes above a row of the tree, two and two; an odd one at the end has none yet."""
    sha, pairs = hashlib.sha256, iter(row)
    return [sha(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


@dataclass(frozen=True)
class Frontier:
    """The right edge of a tree: its size, and the roots of its complete subtrees from the largest to the smallest.

    It is all that is needed to go on appending and to compute the root.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def extend(self, leaves: Iterable[bytes]) -> "tuple[Frontier, list[tuple[int, int, bytes]]]":
        """Append leaf hashes; return the new edge and every subtree that became complete, as (level, index, hash)."""
        size, stack = self.size, list(self.hashes)
        complete: list[tuple[int, int, bytes]] = []
        for leaf in leaves:
            complete.append((0, size, leaf))
            carry, level, index = leaf, 0, size
            while index & 1:
                carry, level, index = node_hash(stack.pop(), carry), level + 1, index >> 1
                complete.append((level, index, carry))
            stack.append(carry)
            size += 1
        return Frontier(size, tuple(stack)), complete

    def root(self) -> bytes:
        """Return the root hash of the tree."""
        if not self.hashes:
            return EMPTY_ROOT
        return fold(self.hashes)


def fold(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the complete subtrees of a right edge, largest first."""
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def edge(start: int, end: int) -> list[Subtree]:
    """Return the complete subtrees that cover the leaves from `start` to `end`, largest first.

    `start` must be the beginning of a subtree at least as large as the range, as it is wherever a proof needs this.
    """
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def inclusion_path(index: int, size: int) -> list[list[Subtree]]:
    """Return, from the leaf up, which subtrees make up each hash of an inclusion proof (RFC 6962, section 2.1.1).

    Raises:
        ValueError: the index is not in the tree.
    """
    if not 0 <= index < size:
        raise ValueError(f"index {index} is not in a tree of {size}")
    path: list[list[Subtree]] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            path.append(edge(middle, end))
            end = middle
        else:
            path.append(edge(start, middle))
            start = middle
    return path[::-1]


def consistency_path(old: int, new: int) -> list[list[Subtree]]:
    """Return which subtrees make up each hash of a consistency proof (RFC 6962, section 2.1.2).

    Raises:
        ValueError: not 0 < old <= new.
    """
    if not 0 < old <= new:
        raise ValueError(f"no consistency from {old} to {new}")
    path: list[list[Subtree]] = []
    start, end, size, whole = 0, new, old, True
    while size != end:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if size <= middle:
            path.append(edge(middle, end))
            end = middle
        else:
            path.append(edge(start, middle))
            start, whole = middle, False
    return ([] if whole else [edge(start, end)]) + path[::-1]


def proof(path: Iterable[Sequence[Subtree]], read: Read) -> list[bytes]:
    """Return the hashes of a path; `read` gives the hash of a complete subtree."""
    return [fold([read(level, index) for level, index in subtrees]) for subtrees in path]


def root_from_inclusion(leaf: bytes, index: int, size: int, hashes: Sequence[bytes]) -> bytes | None:
    """Return the root that an inclusion proof leads to (RFC 9162, section 2.1.3.2); None if it has the wrong shape."""
    if not 0 <= index < size:
        return None
    fn, sn, root = index, size - 1, leaf
    for each in hashes:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = node_hash(each, root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = node_hash(root, each)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, hashes: Sequence[bytes]) -> bool:
    """Tell whether a proof shows that the new tree only added to the old (RFC 9162, section 2.1.4.2)."""
    if old == new:
        return not hashes and old_root == new_root
    if not 0 < old < new or not hashes:
        return False
    roots = _roots_from_consistency(old, old_root, new, hashes)
    return roots == (old_root, new_root)


def _roots_from_consistency(
    old: int, old_root: bytes, new: int, hashes: Sequence[bytes]
) -> tuple[bytes, bytes] | None:
    """Return the two roots that a consistency proof leads to; None if it has the wrong shape."""
    # Where the old tree is itself a subtree of the new one, the proof leaves its root out.
    steps = [old_root, *hashes] if old & (old - 1) == 0 else list(hashes)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    first = second = steps[0]
    for each in steps[1:]:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            first, second = node_hash(each, first), node_hash(each, second)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, each)
        fn, sn = fn >> 1, sn >> 1
    return (first, second) if sn == 0 else None
