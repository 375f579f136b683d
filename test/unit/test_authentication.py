"""Keys and hashes: what fits, what does not, and which key files are refused."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleop_core.authentication import (
    KEY_PURPOSES,
    KEY_SIZE,
    MAC_SIZE,
    SECURITY_LEVELS,
    Authenticator,
    KeyFileError,
    key_file,
    load_key,
)

KEY = bytes(range(KEY_SIZE))
PAYLOAD = b"both hands and all pedals"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a key for each purpose."""
    for purpose in KEY_PURPOSES:
        write(key_file(tmp_path, purpose), KEY.hex() + "\n")
    return tmp_path


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="latin-1")
    path.chmod(mode)


def test_the_hash_is_keyed_blake2s_of_16_bytes_for_one_purpose() -> None:
    """As the standard library makes it: another implementation can check our messages."""
    expected = hashlib.blake2s(PAYLOAD, digest_size=16, key=KEY, person=b"command").digest()
    assert Authenticator(KEY, "command").sign(PAYLOAD) == expected
    assert len(expected) == MAC_SIZE


@pytest.mark.parametrize("purpose", KEY_PURPOSES)
def test_what_was_signed_fits(purpose: str) -> None:
    """Also a second time and after another message: signing leaves nothing behind."""
    auth = Authenticator(KEY, purpose)
    mac = auth.sign(PAYLOAD)
    assert auth.level == "mac"
    assert auth.sign(b"") != mac
    assert auth.verify(PAYLOAD, mac)
    assert auth.verify(PAYLOAD, mac)
    assert Authenticator(KEY, purpose).verify(PAYLOAD, mac)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_other_bytes_do_not_fit(one: bytes, other: bytes) -> None:
    """Whatever the payload is."""
    auth = Authenticator(KEY, "command")
    assert auth.verify(other, auth.sign(one)) is (one == other)


def test_every_bit_of_hash_and_key_counts() -> None:
    """One flipped bit anywhere, and it does not fit."""
    auth = Authenticator(KEY, "permit")
    mac = auth.sign(PAYLOAD)
    for bit in range(8 * MAC_SIZE):
        flipped = bytearray(mac)
        flipped[bit // 8] ^= 1 << bit % 8
        assert not auth.verify(PAYLOAD, bytes(flipped))
    for bit in range(8 * KEY_SIZE):
        other = bytearray(KEY)
        other[bit // 8] ^= 1 << bit % 8
        assert not Authenticator(bytes(other), "permit").verify(PAYLOAD, mac)


@pytest.mark.parametrize("length", [*range(MAC_SIZE), MAC_SIZE + 1, 2 * MAC_SIZE])
def test_a_truncated_empty_or_extended_hash_does_not_fit(length: int) -> None:
    """Only the whole hash does."""
    auth = Authenticator(KEY, "stop")
    assert not auth.verify(PAYLOAD, (auth.sign(PAYLOAD) * 2)[:length])


@pytest.mark.parametrize("signed_as", KEY_PURPOSES)
@pytest.mark.parametrize("taken_as", KEY_PURPOSES)
def test_a_hash_for_one_purpose_fits_no_other(signed_as: str, taken_as: str) -> None:
    """Even where somebody used the same key for all."""
    mac = Authenticator(KEY, signed_as).sign(PAYLOAD)
    assert Authenticator(KEY, taken_as).verify(PAYLOAD, mac) is (signed_as == taken_as)


def test_without_a_key_nothing_is_signed_and_everything_fits() -> None:
    """And the level says so."""
    auth = Authenticator(None, "command")
    assert auth.level == SECURITY_LEVELS[0] == "none"
    assert auth.sign(PAYLOAD) == b""
    assert auth.verify(PAYLOAD, b"")
    assert auth.verify(PAYLOAD, b"anything")


@pytest.mark.parametrize("size", [0, 16, KEY_SIZE - 1, KEY_SIZE + 1])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    """With its size; an empty key is no key, and not no security."""
    with pytest.raises(ValueError, match=f"key of {size} bytes: a key has 32"):
        Authenticator(bytes(size), "command")


@pytest.mark.parametrize("key", [KEY, None])
def test_an_unknown_purpose_is_refused(key: bytes | None, tmp_path: Path) -> None:
    """By name, also where there is no key."""
    with pytest.raises(ValueError, match="'video' is not one of command, permit, stop"):
        Authenticator(key, "video")
    with pytest.raises(ValueError, match=r"'\.\./command' is not one of"):
        load_key(tmp_path, "../command")


@pytest.mark.parametrize("purpose", KEY_PURPOSES)
def test_a_key_is_read_from_its_file(folder: Path, purpose: str) -> None:
    """Named after its purpose; small and capital digits, with or without the end of a line; text or path."""
    assert key_file(folder, purpose) == folder / f"{purpose}.key"
    assert load_key(folder, purpose) == KEY
    write(key_file(folder, purpose), KEY.hex().upper())
    assert load_key(str(folder), purpose) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o610, 0o601, 0o644, 0o777])
def test_a_key_that_others_can_open_is_refused(folder: Path, mode: int) -> None:
    """One line with the file and its mode."""
    path = key_file(folder, "permit")
    path.chmod(mode)
    with pytest.raises(KeyFileError) as refused:
        load_key(folder, "permit")
    assert str(refused.value).startswith(f"{path}: is readable by others (mode {mode:04o})")
    assert "\n" not in str(refused.value)


def test_a_key_that_only_its_owner_reads_is_taken(folder: Path) -> None:
    """Without the right to write it, too."""
    key_file(folder, "stop").chmod(0o400)
    assert load_key(folder, "stop") == KEY


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "holds 0 bytes; a key has 32"),
        (KEY.hex()[:-2], "holds 31 bytes; a key has 32"),
        (KEY.hex() + "00", "holds 33 bytes; a key has 32"),
        (KEY.hex()[:-1], "is not hexadecimal text"),
        ("g" * 64, "is not hexadecimal text"),
        ("\xff" * 64, "is not hexadecimal text"),
        (KEY.hex() + 65 * "\n", "is 129 bytes long; a key file has 128 at most"),
    ],
)
def test_what_is_no_key_is_refused(folder: Path, text: str, cause: str) -> None:
    """With the file and what is wrong, never with its content."""
    path = key_file(folder, "command")
    write(path, text)
    with pytest.raises(KeyFileError) as refused:
        load_key(folder, "command")
    assert str(refused.value) == f"{path}: {cause}"


def test_spaces_up_to_the_largest_file_are_no_matter(folder: Path) -> None:
    """128 bytes are still read."""
    write(key_file(folder, "command"), KEY.hex() + 64 * "\n")
    assert load_key(folder, "command") == KEY


def test_a_missing_file_or_folder_is_refused(tmp_path: Path) -> None:
    """With the path and the cause."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(KeyFileError) as refused:
            load_key(folder, "stop")
        assert str(refused.value) == f"{folder / 'stop.key'}: No such file or directory"


def test_a_directory_or_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    """Nobody waits for the writer of a pipe."""
    key_file(tmp_path, "stop").mkdir(mode=0o700)
    os.mkfifo(key_file(tmp_path, "permit"), 0o600)
    for purpose in ("stop", "permit"):
        with pytest.raises(KeyFileError, match=rf"{purpose}\.key: is not a file"):
            load_key(tmp_path, purpose)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else and still read it")
def test_a_file_of_another_user_is_refused(folder: Path) -> None:
    """Whoever owns it can read it."""
    os.chown(key_file(folder, "stop"), 12345, -1)
    with pytest.raises(KeyFileError, match=r"stop\.key: belongs to another user"):
        load_key(folder, "stop")


def test_reading_keys_leaves_no_file_open(folder: Path) -> None:
    """Neither a good one nor a refused one."""
    key_file(folder, "stop").chmod(0o644)
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir()))
    for _ in range(5):
        load_key(folder, "permit")
        with pytest.raises(KeyFileError):
            load_key(folder, "stop")
    assert len(list(opened.iterdir())) == before
