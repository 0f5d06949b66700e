"""The vault: what is sealed opens only with its key, for its purpose, unchanged."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.crypto import KEY_ID_BYTES, NONCE_BYTES, BadKey, Undecipherable, Vault

OLD, NEW, OTHER = (base64.urlsafe_b64encode(letter * 32).decode() for letter in (b"o", b"n", b"x"))
NIK = "3273015708850001"


class TestSealing:
    @given(st.text(max_size=200).filter(lambda text: text.isprintable()))
    def test_what_is_sealed_opens(self, text: str) -> None:
        assert Vault(OLD).open(Vault(OLD).seal(text, "nik"), "nik") == text

    def test_it_shows_nothing_of_what_it_holds_and_is_never_the_same_twice(self) -> None:
        sealed = {Vault(OLD).seal(NIK, "nik") for _ in range(50)}
        assert len(sealed) == 50
        assert not any(NIK.encode() in each for each in sealed)

    def test_every_changed_bit_is_noticed(self) -> None:
        sealed = Vault(OLD).seal(NIK, "nik")
        for position in range(len(sealed)):
            changed = bytearray(sealed)
            changed[position] ^= 1
            with pytest.raises(Undecipherable):
                Vault(OLD).open(bytes(changed), "nik")

    def test_every_cut_is_noticed(self) -> None:
        sealed = Vault(OLD).seal(NIK, "nik")
        for length in range(len(sealed)):
            with pytest.raises(Undecipherable):
                Vault(OLD).open(sealed[:length], "nik")
        with pytest.raises(Undecipherable):
            Vault(OLD).open(sealed + b"x", "nik")

    def test_one_columns_value_is_none_in_another(self) -> None:
        with pytest.raises(Undecipherable, match="purpose"):
            Vault(OLD).open(Vault(OLD).seal(NIK, "nik"), "screening")

    def test_it_opens_as_the_database_hands_it_over(self) -> None:
        sealed = Vault(OLD).seal(NIK, "nik")
        assert Vault(OLD).open(memoryview(sealed), "nik") == NIK  # type: ignore[arg-type]
        assert len(sealed) == KEY_ID_BYTES + NONCE_BYTES + len(NIK) + 16


class TestChangingKeys:
    def test_the_first_key_seals_and_all_open(self) -> None:
        before, both = Vault(OLD), Vault(f"{NEW},{OLD}")
        assert both.open(before.seal(NIK, "nik"), "nik") == NIK
        assert Vault(NEW).open(both.seal(NIK, "nik"), "nik") == NIK
        with pytest.raises(Undecipherable, match="DATA_KEY does not hold"):
            before.open(both.seal(NIK, "nik"), "nik")

    def test_the_first_key_hashes_and_all_find_so_that_people_are_found_during_a_change(self) -> None:
        assert Vault(f"{NEW},{OLD}").hash(NIK) == Vault(NEW).hash(NIK) != Vault(OLD).hash(NIK)
        assert Vault(f"{NEW},{OLD}").hashes(NIK) == [Vault(NEW).hash(NIK), Vault(OLD).hash(NIK)]
        assert Vault(f"{OLD},{NEW}").hash(NIK) == Vault(OLD).hash(NIK)
        assert Vault(f"{NEW},{OLD}").other_hashes(NIK) == [Vault(OLD).hash(NIK)]
        assert Vault(NEW).other_hashes(NIK) == []

    def test_what_was_sealed_with_another_key_is_told_apart(self) -> None:
        both = Vault(f"{NEW},{OLD}")
        assert both.is_current(both.seal(NIK, "nik"))
        assert not both.is_current(Vault(OLD).seal(NIK, "nik"))

    def test_a_ciphertext_names_its_key_without_showing_it(self) -> None:
        ids = {Vault(key).seal(NIK, "nik")[:KEY_ID_BYTES] for key in (OLD, NEW, OTHER)}
        assert len(ids) == 3
        assert Vault(OLD).seal("a", "nik")[:KEY_ID_BYTES] == Vault(OLD).seal("b", "x")[:KEY_ID_BYTES]
        assert not any(each in letter * 32 for each in ids for letter in (b"o", b"n", b"x"))

    def test_spaces_around_the_comma_do_not_matter(self) -> None:
        assert Vault(f" {NEW} , {OLD} ").hashes(NIK) == Vault(f"{NEW},{OLD}").hashes(NIK)


class TestHashing:
    def test_it_is_the_same_for_the_same_and_32_bytes_long(self) -> None:
        assert Vault(OLD).hash(NIK) == Vault(OLD).hash(NIK)
        assert len(Vault(OLD).hash(NIK)) == 32
        assert Vault(OLD).hash(NIK) != Vault(OLD).hash(NIK[:-1] + "2")


class TestKeys:
    @pytest.mark.parametrize("key", [OLD, OLD.rstrip("="), base64.b64encode(b"\xfb\xef\xff" * 10 + b"ab").decode()])
    def test_base64_is_taken_with_and_without_padding_in_either_alphabet(self, key: str) -> None:
        vault = Vault(key)
        assert vault.open(vault.seal(NIK, "test"), "test") == NIK

    @pytest.mark.parametrize(
        "key",
        [
            "",
            ",",
            f"{OLD},",
            OLD[:-4],
            OLD + OLD,
            "x" * 43 + "!",
            OLD[:20] + "!" + OLD[20:],
            "pässword" * 5,
            # A wrong sign between two keys: the second one, by which people are found, would silently be left out.
            f"{NEW};{OLD}",
            f"{NEW} {OLD}",
            f"{NEW}\n{OLD}",
        ],
    )
    def test_anything_else_is_refused_without_being_repeated(self, key: str) -> None:
        with pytest.raises(BadKey, match="DATA_KEY must") as told:
            Vault(key)
        assert OLD[:8] not in str(told.value)
