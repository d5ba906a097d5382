"""Which passwords are taken, and that what is kept can be checked and renewed."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.low_level import Type

from portal.operations.passwords import (
    HASHER,
    hash_password,
    is_outdated,
    is_password,
    new_password,
    password_fault,
)


@pytest.mark.parametrize(
    ("password", "is_taken"),
    [
        ("four words make sense", True),
        ("修路要趁早别等下雨天再说", True),
        ("twelve-chars", True),
        ("eleven-char", False),
        ("", False),
        ("password1234!", False),
        ("PasswordPassword", False),
        ("qwertyuiop123", False),
        ("123456789012", False),
        ("aaaaaaaaaaaaaaa", False),
        ("abababababab", False),
        ("abcdefghijklm", False),
        ("wang.min1234", False),
        ("x" * 201, False),
    ],
    ids=lambda value: str(value)[:24],
)
def test_password_rules(password: str, is_taken: bool):
    assert (password_fault(password, "wang.min@city.example") is None) is is_taken


def test_a_kept_password_is_argon2id_and_matches_only_itself():
    kept = hash_password("four words make sense")
    assert kept.startswith("$argon2id$")
    assert is_password(kept, "four words make sense")
    assert not is_password(kept, "four words make sense ")
    assert not is_password(None, "four words make sense")
    assert not is_password("not a hash", "four words make sense")


def test_full_width_letters_are_the_same_password():
    assert is_password(hash_password("four words make sense"), "four words make sense")


@pytest.mark.parametrize(
    ("hasher", "is_old"),
    [
        (HASHER, False),
        (PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), True),
        (PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1, type=Type.I), True),
    ],
    ids=["today's", "cheaper", "another type"],
)
def test_a_hash_made_with_other_parameters_is_outdated(hasher: PasswordHasher, is_old: bool):
    assert is_outdated(hasher.hash("four words make sense")) is is_old


def test_generated_passwords_differ_and_pass_the_rules():
    made = {new_password() for _ in range(50)}
    assert len(made) == 50
    assert all(password_fault(password) is None for password in made)
