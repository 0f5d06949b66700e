"""Yes or no, and choices from a numbered menu."""

from collections.abc import Collection
from typing import Final

from bot.conversation.readers.typed import COURTESIES, plain, squeezed, tokens, vocabulary

_LONGEST: Final = 160
"""Characters beyond which a text is no plain answer any more."""


# Indonesian as it is texted (with Javanese and Sundanese assent), and English.
_YES: Final = vocabulary(
    "ya y iya yah iyah ye yo yoi yap yup yups yep yes yess yeah yea yaps ok oke okay okey okeh oks"
    " betul btl bener benar bnr setuju stuju sip siap siyap baik boleh bersedia mau nggih inggih enggih muhun"
    " sure correct right true agree agreed"
)
_NOT: Final = vocabulary(
    "tidak tidk tdk tdak tak t gak gk ga g nggak ngga ngak enggak engga gag kagak ndak nda bukan bkn belum blm jangan"
    " no n nope nop not never"
)
_WRONG: Final = vocabulary("salah keliru slh wrong incorrect false")

# Words that go with a yes or no and change nothing of it.
_FILLERS: Final = COURTESIES | vocabulary(
    "itu ini saya sy aku my me i am is it that this donk sih kok nih kan sekali banget bgt sudah sdh udah memang"
)
_MOST_WORDS: Final = 6

# What a row of assents (y), negations (n) and "wrong" (w) comes to; every other row is none.
_MEANING: Final = {"y": True, "n": False, "w": False, "ny": False}

_NUMBER_WORDS: Final = {
    word: number
    for number, words in enumerate(
        (
            "nol kosong zero",
            "satu pertama one first",
            "dua kedua two second",
            "tiga ketiga three third",
            "empat keempat four fourth",
            "lima kelima five fifth",
            "enam keenam six sixth",
            "tujuh ketujuh seven seventh",
            "delapan kedelapan eight eighth",
            "sembilan kesembilan nine ninth",
            "sepuluh kesepuluh ten tenth",
            "sebelas kesebelas eleven eleventh",
        )
    )
    for word in words.split()
}
_AROUND_A_CHOICE: Final = COURTESIES | vocabulary(
    "no nomor nomer nmr number num angka pilih pilihan plh pil opsi option choose choice pick jawab jawaban jwb answer"
    " ketik balas tekan press yang yg the ke saya aku sy mau i ya st nd rd th"
)
_MOST_DIGITS: Final = 3

# What nearly everybody types, answered without a look at the letters.
_AT_ONCE: Final = {str(number): number for number in range(100)}


def read_yes_no(text: str) -> bool | None:
    """Yes (True) or no (False) in Indonesian or English as people text it; None for everything else.

    Drawn-out letters, punctuation, emoji and polite fillers do not matter. A negation before a yes is a no ("tidak
    benar"); contradictions ("ya tidak", "tidak salah"), numbers and unknown words make the text no answer: to ask again
    is better than to guess.
    """
    if len(text) > _LONGEST:
        return None
    word = text.lower()
    if word in _YES:
        return True
    if word in _NOT:
        return False
    words = tokens(plain(text))
    if not 0 < len(words) <= _MOST_WORDS:
        return None
    said = ""
    for word in map(squeezed, words):
        if word in _YES:
            said += "y"
        elif word in _NOT:
            said += "n"
        elif word in _WRONG:
            said += "w"
        elif word not in _FILLERS:
            return None
    return _MEANING.get(squeezed(said))


def read_choice(text: str, allowed: Collection[int]) -> int | None:
    """The number of a menu's line, if it is one of `allowed` (0 among them only where it means something); else None.

    Takes "1", "1.", "1#", " 1 )", "01", "no 1", "pilih 3 ya", "satu", "1 (satu)", "second", and digits of any script.
    "11" is not 1, and two numbers are none.
    """
    number = _AT_ONCE.get(text)
    if number is None:
        if len(text) > _LONGEST:
            return None
        number = _number_in(plain(text))
    return number if number in allowed else None


def _number_in(plain_text: str) -> int | None:
    """The one number that a plain text says, in digits, in a word, or in both if they agree."""
    digits: int | None = None
    word_number: int | None = None
    for token in tokens(plain_text):
        if token.isdigit():
            if digits is not None or len(token) > _MOST_DIGITS or (token[0] == "0" and len(token) > 2):
                return None
            digits = int(token)
            if digits == 0 and len(token) > 1:
                return None
        elif token in _NUMBER_WORDS:
            if word_number is not None:
                return None
            word_number = _NUMBER_WORDS[token]
        elif squeezed(token) not in _AROUND_A_CHOICE:
            return None
    if digits is None or word_number is None or digits == word_number:
        return digits if digits is not None else word_number
    return None
