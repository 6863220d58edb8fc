"""The words of a text, character by character: what the word count's pattern is compared with."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"


def group(character: str) -> str:
    """The first letter of a character's category: L, M, N, P, S, Z or C; of no character, nothing."""
    return unicodedata.category(character)[0] if character else ""


def reference_words(text: str) -> list[str]:
    """The words that jobs/pyflink/src/word_count.py documents, in their order."""
    text = unicodedata.normalize("NFC", text.lower().replace("\u00ad", "")).replace("\u2019", "'")
    words = [""]
    for position, character in enumerate(text):
        word, following = words[-1], text[position + 1 : position + 2]
        if (
            group(character) in ("L", "N")
            or (word and group(character) == "M")
            or (word and character == "'" and group(word[-1]) in ("L", "M") and group(following) == "L")
            or (word and character in JOINERS and group(text[position:].lstrip(JOINERS)[:1]) in ("L", "M", "N"))
        ):
            words[-1] += character
        elif word:
            words.append("")
    return [word for word in words if word]
