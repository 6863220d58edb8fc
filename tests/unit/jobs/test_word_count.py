# ruff: noqa: RUF001, the texts are in other scripts on purpose
"""What the word count's functions count, compared with a reference that reads a text character by character."""

from __future__ import annotations

import io
import sys
import unicodedata
from collections import Counter
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.word_reference import reference_words

# What a Flink source can hand over: UTF-8 has no surrogates. What the definition of a word names, often.
TEXT = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.characters(categories=["M", "N"]),
        st.sampled_from("aeΣσς''’’_İ1²\u0301\u0940\u200c\u200d\u00ad\U0001e8d0\U00010400\n\r\u2028\x85\x00 "),
    )
)


def definition(text: str) -> Counter[str]:
    """Counts as the documentation defines them, over the whole text."""
    return Counter(reference_words(text))


def lines_of(text: str) -> list[str]:
    r"""The lines as Flink's source gives them: they end with \n, \r or \r\n, as in Python's text files, only."""
    return [line.rstrip("\n") for line in io.StringIO(text, newline=None)]


def counted(word_count: ModuleType, text: str, buckets: int) -> list[Counter[str]]:
    """One Counter a bucket, by way of what the job sends from one operator to the next."""
    counts: list[Counter[str]] = [Counter() for _ in range(buckets)]
    for line in lines_of(text):
        for bucket, share in word_count.shares(line, buckets):
            word_count.add_share(counts[bucket], share)
    return counts


@given(text=TEXT, buckets=st.integers(1, 9))
@example(text="ΑΣ'Β ΑΣ\nΣΑΣ", buckets=1)
@example(text="\ufeffΟΔΟΣ", buckets=1)
@example(text="", buckets=1)
@example(text="one\u2028two\x85three\x0bfour\x1cfive", buckets=2)
def test_counts_equal_the_definition(word_count: ModuleType, text: str, buckets: int) -> None:
    counts = counted(word_count, text, buckets)
    assert sum(counts, Counter()) == definition(text)
    assert sum(map(len, counts)) == len(definition(text)), "a word was counted in two buckets"


WORDS = {
    "apostrophe between letters": ("Don't DON’T j’ai rock'n'roll", ["don't", "don't", "j'ai", "rock'n'roll"]),
    "quotes around words": ("'in' ‘in’ 'tis ’tis dogs' a''b", ["in", "in", "tis", "tis", "dogs", "a", "b"]),
    "apostrophe next to a digit": ("80's 6'2 o'2 x²'s", ["80", "s", "6", "2", "o", "2", "x²", "s"]),
    "apostrophe after a mark": ("x\u0301'a x\u0301’a 1\u0301 'a", ["x\u0301'a", "x\u0301'a", "1\u0301", "a"]),
    "letter apostrophe U+02BC": ("п\u02bcять \u02bca", ["п\u02bcять", "\u02bca"]),
    "underscores": ("snake_case __init__ _", ["snake", "case", "init"]),
    "digits and numbers": ("3.5 2nd x² ½ Ⅻ", ["3", "5", "2nd", "x²", "½", "ⅻ"]),
    "Greek, German, Arabic digits, Chinese": ("ΟΔΟΣ Straße ١٢ 字典", ["οδος", "straße", "١٢", "字典"]),
    "Hindi": ("किताब, हिन्दी। लड़की", ["किताब", "हिन्दी", "लड\u093cकी"]),
    "Hindi with joiners": ("क्\u200dष क्\u200cष", ["क्\u200dष", "क्\u200cष"]),
    "Persian with non-joiner": ("می\u200cخواهم ۵\u200cام", ["می\u200cخواهم", "۵\u200cام"]),
    "joiners at the ends": ("\u200cمی\u200c \u200d خواهم\u200d.", ["می", "خواهم"]),
    "Thai has no blanks": ("ที่นี่ภาษาไทย ผู้หญิง", ["ที่นี่ภาษาไทย", "ผู้หญิง"]),
    "Arabic with harakat": ("مَرْحَبًا بِكُمْ", ["مَرْحَبًا", "بِكُمْ"]),
    "Hebrew with niqqud": ("שָׁלוֹם", ["שָׁלוֹם"]),
    "composed and decomposed": ("Caf\u00e9 cafe\u0301 TIE\u0302\u0301NG tiếng", ["café", "café", "tiếng", "tiếng"]),
    "Turkish dotted capital": ("İzmir I\u0307zmir", ["i\u0307zmir", "i\u0307zmir"]),
    "Hangul syllables and their letters": ("한글 \u1112\u1161\u11ab글", ["한글", "한글"]),
    "soft hyphen": ("co\u00adoperate cooperate \u00ad", ["cooperate", "cooperate"]),
    "emoji": ("😀a😀b ❤\ufe0flove 👩\u200d💻 👍🏽", ["a", "b", "love"]),
    "marks without a letter": ("\u0301 \u0301a _\u0301b .\u0301", ["a", "b"]),
    "keycap": ("1\ufe0f\u20e3", ["1\ufe0f\u20e3"]),
    "letters and marks above U+10000": ("𐐀𐐁’𐐀 𠀀字 \U00011013\U00011038", ["𐐨𐐩'𐐨", "𠀀字", "\U00011013\U00011038"]),
    "controls": ("\x00a\x00b\x00", ["a", "b"]),
    "empty": ("", []),
    "separators only": (" _ ' ’ - \u200d ", []),
}


@pytest.mark.parametrize("case", WORDS)
def test_words(word_count: ModuleType, case: str) -> None:
    line, words = WORDS[case]
    assert word_count.words(line) == words
    assert reference_words(line) == words


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_and_decomposed_text_have_the_same_words(word_count: ModuleType, form: str) -> None:
    text = "Tôi yêu tiếng nước tôi từ khi mới ra đời; naïve, été, l’été, लड़की, Ψυχή"
    expected = ["tôi", "yêu", "tiếng", "nước", "tôi", "từ", "khi", "mới", "ra", "đời", "naïve", "été", "l'été"]
    words = word_count.words(unicodedata.normalize(form, text))
    assert words == [*expected, unicodedata.normalize("NFC", "लड़की"), "ψυχή"]


def test_the_pattern_covers_all_marks_and_numbers(word_count: ModuleType) -> None:
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))[0]
        if category == "M":
            assert word_count.WORD.fullmatch(f"a{chr(code)}"), hex(code)
            assert not word_count.WORD.match(chr(code)), hex(code)
        elif category == "N":
            assert word_count.WORD.findall(f"{chr(code)}'a") == [chr(code), "a"], hex(code)


@given(text=TEXT)
def test_a_word_fits_a_line_of_output(word_count: ModuleType, text: str) -> None:
    lines = list(word_count.as_lines(definition(text)))
    read = dict(line.split("\t") for line in "".join(f"{line}\n" for line in lines).split("\n")[:-1])
    assert {word: int(count) for word, count in read.items()} == definition(text)


def test_buckets_do_not_change_from_process_to_process(word_count: ModuleType) -> None:
    # Python's own hash of a text does, and every worker is a process of its own.
    assert [word_count.bucket_of(word, 8) for word in ("boat", "clerk", "ναός")] == [2, 4, 5]


def test_line_is_one_record_with_one_bucket(word_count: ModuleType) -> None:
    assert word_count.shares("b a b", 1) == [(0, "b a b")]
    assert word_count.shares("", 1) == []


def test_the_last_of_repeated_options_counts(word_count: ModuleType) -> None:
    arguments = ["--input", "/a", "--output", "/b", "--input", "/data/input/text", "--output=/c"]
    assert word_count.parse(arguments) == word_count.Options("/data/input/text", "/c")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--input, --output"),
        (["--input", "/a"], "--output"),
        (["--in", "/a", "--output", "/b"], "--input"),
        (["--input", "/a", "--output", "/b", "--inptu", "/c"], "--inptu"),
    ],
)
def test_bad_options_end_with_a_message(
    word_count: ModuleType, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        word_count.parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "is_ours"),
    [
        ("word-counts-fcb8c272-57f6-43e7-a5b9-a2b2ac4a136c-0.tsv", True),
        (".word-counts-fcb8c272-57f6-43e7-a5b9-a2b2ac4a136c-0.tsv.inprogress.0f1e2d3c", True),
        ("word-counts.tsv", False),
        ("word-counts-2024.tsv", False),
        ("word-counts-fcb8c272-57f6-43e7-a5b9-a2b2ac4a136c-0.tsv.bak", False),
        ("my-word-counts-fcb8c272-57f6-43e7-a5b9-a2b2ac4a136c-0.tsv", False),
        ("notes.txt", False),
    ],
)
def test_run_deletes_only_output_of_earlier_runs(word_count: ModuleType, name: str, is_ours: bool) -> None:
    assert (word_count.PART_NAME.fullmatch(name) is not None) == is_ours


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [
        ("file:/data/in", "file:/data/in", True),
        ("file:/data/in/out", "file:/data/in", True),
        ("file:/data/input2", "file:/data/in", False),
        ("file:/data", "file:/data/in", False),
        ("file:/data", "file:/", True),
        ("s3a://b/in", "file:/in", False),
    ],
)
def test_is_inside(word_count: ModuleType, path: str, folder: str, inside: bool) -> None:
    assert word_count.is_inside(path, folder) == inside


def test_names_that_flink_skips(word_count: ModuleType) -> None:
    assert [word_count.is_hidden(name) for name in (".a", "_a", "a_", "a.b")] == [True, True, False, False]


def test_the_functions_do_not_need_pyflink(word_count: ModuleType) -> None:
    assert word_count.words("a") == ["a"]
    assert not {name for name in sys.modules if name.partition(".")[0] in ("pyflink", "py4j")}
