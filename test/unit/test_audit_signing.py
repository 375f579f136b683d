"""Merkle roots, signatures and checkpoints of the record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448

from audit.checkpoint import CHECKPOINT, RunningHash, checkpoint_payload, root_of
from audit.checkpoint_maker import CheckpointMaker
from audit.merkle import merkle_root
from audit.reading import records
from audit.signing import SESSION_KEY, Signer, is_signed_by, key_bytes, load_public_key
from teleop_core.audit_segment import Head
from teleop_core.audit_writer import AuditWriter
from teleop_core.authentication import RECORD_KEY, KeyFileError

LEAVES = [bytes.fromhex(text) for text in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
)]  # fmt: skip
ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
"""Of the first leaves; known answers of other implementations of RFC 6962."""


@pytest.mark.parametrize(("count", "root"), ROOTS.items())
def test_the_root_is_that_of_rfc_6962(count: int, root: str) -> None:
    """Known answers."""
    assert merkle_root(LEAVES[:count]).hex() == root


def test_a_leaf_cannot_stand_for_a_node() -> None:
    """Two leaves, and one leaf that is the two hashed leaves one after the other."""
    both = b"".join(hashlib.sha256(b"\x00" + leaf).digest() for leaf in LEAVES[:2])
    assert merkle_root([both]) != merkle_root(LEAVES[:2])


def test_chains_stand_in_the_root_by_name() -> None:
    """Whatever the order in which they are given."""
    first, second = "aa" * 32, "bb" * 32
    assert root_of({"b": [second], "a": [first]}) == root_of({"a": [first], "b": [second]})
    assert root_of({"b": [second], "a": [first]}) != root_of({"a": [second], "b": [first]})


def test_a_signature_is_by_one_key_over_one_payload() -> None:
    """Another key, another payload, no signature: no."""
    signer, other = Signer(), Signer()
    key = serialization.load_pem_public_key(signer.public_pem)
    payload = signer.signed({"root": "x"})
    assert is_signed_by(key, payload)
    assert not is_signed_by(serialization.load_pem_public_key(other.public_pem), payload)
    assert not is_signed_by(key, {**payload, "root": "y"})
    for wrong in ("", "zz", 3, None, payload["signature"][:-2], payload["signature"] + "00"):
        assert not is_signed_by(key, {**payload, "signature": wrong})
    assert not is_signed_by(key, {"root": "x"})


def test_a_checkpoint_says_what_stood_where() -> None:
    """Heads, root, files; signed."""
    signer = Signer()
    told = checkpoint_payload(
        signer,
        {"recorder": Head("recorder.000.audit.jsonl", 3, "aa" * 32)},
        {"recorder": ["aa" * 32]},
        {"x": (5, "bb")},
    )
    assert told["chains"] == {"recorder": {"segment": "recorder.000.audit.jsonl", "n": 3, "hash": "aa" * 32}}
    assert told["root"] == hashlib.sha256(b"\x00" + bytes.fromhex("aa" * 32)).hexdigest()
    assert told["files"] == {"x": {"bytes": 5, "sha256": "bb"}}
    assert is_signed_by(serialization.load_pem_public_key(signer.public_pem), told)


def test_a_growing_file_is_hashed_as_it_grows(tmp_path: Path) -> None:
    """Each time it is what a hash of the whole would be."""
    path = tmp_path / "x"
    path.write_bytes(b"")
    running, text = RunningHash(path), b""
    for part in (b"", b"one", b"", b"two" * 1000):
        with path.open("ab") as file:
            file.write(part)
        text += part
        assert running.follow() == (len(text), hashlib.sha256(text).hexdigest())


def test_keys_come_back_from_their_files(tmp_path: Path) -> None:
    """Private and public."""
    signer = Signer()
    private, public = tmp_path / "record.key", tmp_path / "record.pub"
    private.touch(mode=0o600)
    private.write_bytes(signer.private_pem)
    public.write_bytes(signer.public_pem)
    again = Signer.load(private)
    assert again.public_pem == signer.public_pem
    assert is_signed_by(load_public_key(public), again.signed({}))
    assert len(key_bytes(load_public_key(public))) == 32


def test_files_that_hold_no_key_are_refused_with_their_name(tmp_path: Path) -> None:
    """Missing, open to others, rubbish, another kind, private for public and the other way round."""
    signer, path = Signer(), tmp_path / "key"
    for load in (Signer.load, load_public_key):
        with pytest.raises(KeyFileError, match="No such file"):
            load(path)
    path.touch(mode=0o600)
    path.write_bytes(signer.private_pem)
    with pytest.raises(KeyFileError, match="holds no public key"):
        load_public_key(path)
    path.chmod(0o640)
    with pytest.raises(KeyFileError, match="readable by others"):
        Signer.load(path)
    path.chmod(0o600)
    for content in (b"", b"rubbish", signer.public_pem):
        path.write_bytes(content)
        with pytest.raises(KeyFileError, match=f"{path}: holds no private key"):
            Signer.load(path)
    other = ed448.Ed448PrivateKey.generate().public_key()
    path.write_bytes(other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(KeyFileError, match="another kind of key"):
        load_public_key(path)


def test_a_key_is_made_once_and_used_after_a_restart(tmp_path: Path) -> None:
    """Private to its owner; the folder of a record takes one key only."""
    signer = Signer.load_or_make(tmp_path)
    assert (tmp_path / RECORD_KEY).stat().st_mode & 0o777 == 0o600
    assert Signer.load_or_make(tmp_path).public_pem == signer.public_pem
    folder = tmp_path / "record"
    folder.mkdir()
    signer.leave_public_key(folder)
    signer.leave_public_key(folder)
    assert [path.name for path in folder.iterdir()] == [SESSION_KEY]
    with pytest.raises(KeyFileError, match="begun with another key"):
        Signer().leave_public_key(folder)
    with pytest.raises(KeyFileError, match="No such file"):
        Signer.load_or_make(tmp_path / "none")


def test_checkpoints_cover_every_record_once_also_over_a_restart(tmp_path: Path) -> None:
    """Intervals of all chains join without a gap; a checkpoint that was lost is made up for by the next."""
    signer = Signer()
    monitor = AuditWriter(tmp_path, "safety_monitor", "ab" * 16)
    covered: dict[str, int] = {}
    for start in range(2):
        recorder = AuditWriter(tmp_path, "recorder", "ab" * 16)
        maker = CheckpointMaker(tmp_path, signer)
        for i in range(4):
            monitor.append("state", {})
            payload = maker.make({})
            hashes = {
                name: [r["hash"] for r in records(tmp_path, name) if covered.get(name, -1) < r["n"] <= head["n"]]
                for name, head in payload["chains"].items()
            }
            assert payload["root"] == root_of(hashes)
            assert payload["chains"]["safety_monitor"]["hash"] == monitor.head.hash
            if i != 2 or start:
                recorder.append(CHECKPOINT, payload)
                covered = {name: head["n"] for name, head in payload["chains"].items()}
        recorder.close()
    monitor.close()
