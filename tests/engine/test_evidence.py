"""Who is proven to lie: who alone sent a piece that is wrong, and nobody else."""

from types import SimpleNamespace
from typing import Any, Final

from custom_components.torrent_cast.engine.evidence import BLOCK, Evidence

LIAR: Final = ("10.0.0.1", 1)
HONEST: Final = ("10.0.0.2", 2)
INFO: Final[Any] = SimpleNamespace(piece_size=lambda _: 2 * BLOCK + 1)  # three blocks


def banned(*senders: tuple[str, int]) -> Evidence:
    """Return the evidence once a piece of blocks by `senders` was wrong, and both peers are banned."""
    evidence = Evidence(INFO)
    for block, sender in enumerate(senders):
        evidence.on_block(7, block, sender)
    evidence.on_wrong(7)
    for peer in (LIAR, HONEST):
        evidence.on_banned(peer)
    return evidence


def test_who_alone_sent_a_wrong_piece_lies() -> None:
    assert banned(LIAR, LIAR, LIAR).unproven == {HONEST}


def test_of_several_senders_none_is_proven_to_lie() -> None:
    assert banned(LIAR, HONEST, LIAR).unproven == {LIAR, HONEST}


def test_a_piece_of_which_a_block_was_not_seen_proves_nothing() -> None:
    assert banned(LIAR, LIAR).unproven == {LIAR, HONEST}


def test_blocks_of_an_earlier_attempt_prove_nothing() -> None:
    evidence = banned(LIAR, HONEST)
    evidence.on_block(7, 2, LIAR)
    evidence.on_right(7)
    evidence.on_block(7, 0, LIAR)
    evidence.on_wrong(7)

    assert evidence.unproven == {LIAR, HONEST}


def test_a_liar_stays_proven_when_all_begins_anew() -> None:
    evidence = banned(LIAR, LIAR, LIAR)
    evidence.release()
    assert not evidence.unproven

    for peer in (LIAR, HONEST):
        evidence.on_banned(peer)

    assert evidence.unproven == {HONEST}
