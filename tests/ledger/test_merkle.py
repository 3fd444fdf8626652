"""The tree against a naive one, at every size up to 600."""

import hashlib
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_server.ledger import merkle, tiles

EVERY_SIZE = 600


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return merkle.node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


class Tree:
    """A log in memory: the frontier, and all complete subtrees."""

    def __init__(self, size: int) -> None:
        self.leaves = [merkle.leaf_hash(str(i).encode()) for i in range(size)]
        self.subtrees: dict[tuple[int, int], bytes] = {}
        self.roots = [merkle.EMPTY_ROOT]
        edge = merkle.Frontier()
        for leaf in self.leaves:
            edge, complete = edge.extend([leaf])
            self.subtrees.update({(level, index): digest for level, index, digest in complete})
            self.roots.append(edge.root())

    def read(self, level: int, index: int) -> bytes:
        return self.subtrees[level, index]


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(EVERY_SIZE)


def test_the_empty_tree_and_one_leaf_have_the_roots_of_the_rfc() -> None:
    assert (
        merkle.Frontier().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


def test_every_root_equals_the_naive_tree(tree: Tree) -> None:
    assert all(tree.roots[size] == naive_root(tree.leaves[:size]) for size in range(EVERY_SIZE + 1))


def test_every_inclusion_proof_at_every_size_leads_to_the_root(tree: Tree) -> None:
    rng = random.Random(1)
    for size in range(1, EVERY_SIZE + 1):
        for index in range(size) if size <= 130 else rng.sample(range(size), 12):
            proof = merkle.proof(merkle.inclusion_path(index, size), tree.read)

            root = merkle.root_from_inclusion(tree.leaves[index], index, size, proof)

            assert root == tree.roots[size], (index, size)


def test_every_consistency_proof_holds_and_no_other_root_passes(tree: Tree) -> None:
    rng = random.Random(2)
    for new in range(1, EVERY_SIZE + 1):
        for old in range(1, new + 1) if new <= 130 else rng.sample(range(1, new + 1), 12):
            proof = merkle.proof(merkle.consistency_path(old, new), tree.read)

            assert merkle.is_consistent(old, tree.roots[old], new, tree.roots[new], proof), (old, new)
            assert not merkle.is_consistent(old, tree.roots[old - 1], new, tree.roots[new], proof)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_a_proof_with_anything_changed_is_refused(tree: Tree, data: st.DataObject) -> None:
    size = data.draw(st.integers(2, EVERY_SIZE))
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.proof(merkle.inclusion_path(index, size), tree.read)
    at = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    changed = bytearray(proof[at])
    changed[bit // 8] ^= 1 << bit % 8
    forged = [*proof[:at], bytes(changed), *proof[at + 1 :]]

    assert merkle.root_from_inclusion(tree.leaves[index], index, size, forged) != tree.roots[size]
    assert merkle.root_from_inclusion(tree.leaves[index], index, size, proof[:-1]) != tree.roots[size]
    assert merkle.root_from_inclusion(tree.leaves[index], index, size, [*proof, proof[0]]) != tree.roots[size]


@settings(max_examples=25, deadline=None)
@given(size=st.integers(601, 5_000), seed=st.integers(0, 2**32))
def test_proofs_read_from_tiles_equal_those_of_the_tree(size: int, seed: int) -> None:
    big = Tree(size)
    rng = random.Random(seed)

    def tile(level: int, n: int) -> list[bytes]:
        width = tiles.partial_width(level, n, size)
        return [big.read(level * tiles.HEIGHT, n * tiles.WIDTH + i) for i in range(width)]

    read = tiles.reader(tile)
    for _ in range(5):
        index, old = rng.randrange(size), rng.randint(1, size)
        assert merkle.proof(merkle.inclusion_path(index, size), read) == merkle.proof(
            merkle.inclusion_path(index, size), big.read
        )
        proof = merkle.proof(merkle.consistency_path(old, size), read)
        assert merkle.is_consistent(old, big.roots[old], size, big.roots[size], proof)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3)])
def test_an_index_outside_the_tree_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_path(index, size)
