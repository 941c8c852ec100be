"""Who is proven to lie: who alone sent a piece that is wrong, and nobody else."""

from types import SimpleNamespace
from typing import Any, Final

from custom_components.torrent_cast.engine.evidence import BLOCK, FAILURES_TO_BAN, Evidence

LIAR: Final = ("10.0.0.1", 1)
HONEST: Final = ("10.0.0.2", 2)
INFO: Final[Any] = SimpleNamespace(piece_size=lambda _: 2 * BLOCK + 1)  # three blocks


def banned(*senders: tuple[str, int]) -> Evidence:
    """Return the evidence once a piece of blocks by `senders` was wrong, and both peers are banned."""
    evidence = Evidence(INFO)
    for block, sender in enumerate(senders):
        evidence.on_block(7, block, sender)
    evidence.on_wrong(7)
    suspect_all(evidence)
    return evidence


def suspect_all(evidence: Evidence) -> None:
    """Have so many pieces fail that everybody may be banned for lost trust, and have everybody banned."""
    for piece in range(FAILURES_TO_BAN):
        evidence.on_wrong(piece)
    for peer in (LIAR, HONEST):
        evidence.on_banned(peer)


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

    suspect_all(evidence)

    assert evidence.unproven == {HONEST}


def test_who_is_banned_before_trust_can_be_lost_is_no_case_of_doubt() -> None:
    evidence = Evidence(INFO)
    evidence.on_wrong(7)
    evidence.on_banned(LIAR)

    assert not evidence.unproven


def test_who_is_accused_is_not_let_in_again_until_acquitted() -> None:
    evidence = Evidence(INFO)
    evidence.accused.add(LIAR)
    suspect_all(evidence)
    assert evidence.unproven == {HONEST}
    evidence.release()
    assert evidence.accused == {LIAR}

    assert evidence.acquit() == {LIAR}

    assert not evidence.accused
