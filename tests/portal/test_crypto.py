"""Keys, sealed contact data, tokens that people read out, and the reporter's secret."""

from __future__ import annotations

import pytest

from portal.crypto import ALPHABET, NONCE_BYTES, Keyring, new_secret, new_token, read_token

CONTACT = {"name": "李敏", "email": "li.min@mail.example", "phone": "13812345678"}
BOUND = "contact:7K2M9QX4T8B3WC"


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    sealed = Keyring("a secret").seal(CONTACT, bound_to=BOUND)
    assert Keyring("a secret").open(sealed, bound_to=BOUND) == CONTACT
    for value in CONTACT.values():
        assert value.encode() not in sealed


def test_sealing_the_same_twice_looks_different() -> None:
    keyring = Keyring("a secret")
    assert keyring.seal(CONTACT, bound_to=BOUND) != keyring.seal(CONTACT, bound_to=BOUND)


def test_a_flipped_bit_anywhere_is_noticed() -> None:
    keyring = Keyring("a secret")
    sealed = keyring.seal(CONTACT, bound_to=BOUND)
    for position in (0, NONCE_BYTES, len(sealed) // 2, len(sealed) - 1):
        spoilt = bytearray(sealed)
        spoilt[position] ^= 1
        with pytest.raises(ValueError, match="another key"):
            keyring.open(bytes(spoilt), bound_to=BOUND)


@pytest.mark.parametrize(
    ("secret", "bound_to"),
    [
        pytest.param("another secret", BOUND, id="another installation"),
        pytest.param("a secret", "contact:ANOTHER", id="copied to another row"),
    ],
)
def test_it_opens_only_with_its_key_and_in_its_row(secret: str, bound_to: str) -> None:
    sealed = Keyring("a secret").seal(CONTACT, bound_to=BOUND)
    with pytest.raises(ValueError, match="another key"):
        Keyring(secret).open(sealed, bound_to=bound_to)


@pytest.mark.parametrize("length", [0, 5, NONCE_BYTES])
def test_too_few_bytes_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match=r"."):
        Keyring("a secret").open(bytes(length), bound_to=BOUND)


def test_the_reporters_secret_has_128_bits_and_belongs_to_one_report() -> None:
    keyring, token = Keyring("a secret"), new_token()
    secret = keyring.reporter_secret(token)
    assert len(secret) == 22
    assert keyring.is_reporter_secret(token, secret)
    assert not keyring.is_reporter_secret(new_token(), secret)
    assert not Keyring("another").is_reporter_secret(token, secret)


@pytest.mark.parametrize("wrong", ["", "x", "密码", "A" * 22, "A" * 10_000])
def test_a_wrong_secret_is_only_wrong(wrong: str) -> None:
    assert not Keyring("a secret").is_reporter_secret(new_token(), wrong)


def test_keys_of_different_purposes_differ() -> None:
    keyring = Keyring("a secret")
    made = {
        keyring.pseudonym("sign-in", "li@mail.example"),
        keyring.pseudonym("report", "li@mail.example"),
        keyring.pseudonym("sign-in", "min@mail.example"),
        keyring.cookie_key(),
    }
    assert len(made) == 4


def test_tokens_are_long_random_and_readable() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert all(set(token) <= set(ALPHABET) and len(token) * 5 >= 64 for token in tokens)
    assert not set("ILOU") & set(ALPHABET), "letters that are mistaken for digits or words"
    assert all(read_token(token) == token for token in tokens)
    assert len({new_secret() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        pytest.param(" 7k2m9qx4t8b3wc\n", "7K2M9QX4T8B3WC", id="small letters, spaces around"),
        pytest.param("7K2M-9QX4-T8B3-WC", "7K2M9QX4T8B3WC", id="hyphens"),
        pytest.param("7K2M 9QX4 T8B3 WC", "7K2M9QX4T8B3WC", id="groups"),
        pytest.param("oOiIlL", "001111", id="mistaken letters"),
    ],
)
def test_a_token_as_people_type_it(typed: str, read: str) -> None:
    assert read_token(typed) == read
