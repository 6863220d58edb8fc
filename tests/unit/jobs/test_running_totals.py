"""What the running totals are, and that the audit of their output finds every kind of loss."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.totals import audit


def test_the_first_lines(running_totals: ModuleType) -> None:
    assert list(running_totals.lines(5, 2)) == ["1\t1\t1\t1", "0\t2\t1\t2", "1\t3\t2\t4", "0\t4\t2\t6", "1\t5\t3\t9"]


@given(count=st.integers(0, 300), keys=st.integers(1, 20))
def test_complete_output_passes_the_audit(running_totals: ModuleType, count: int, keys: int) -> None:
    actual = audit(reversed(list(running_totals.lines(count, keys))), keys)
    assert actual.is_whole, actual
    assert (actual.records, actual.highest) == (count, count)


class TestAudit:
    """Each test is a thing that must never happen to an output."""

    @given(lost=st.integers(1, 90))
    def test_a_lost_record(self, running_totals: ModuleType, lost: int) -> None:
        lines = list(running_totals.lines(100, 10))
        del lines[lost - 1]
        actual = audit(lines)
        assert actual.lost == (lost,)
        assert not actual.is_exact

    @given(twice=st.integers(1, 100))
    def test_a_doubled_record(self, running_totals: ModuleType, twice: int) -> None:
        lines = list(running_totals.lines(100, 10))
        actual = audit([*lines, lines[twice - 1]])
        assert actual.doubled == (twice,)
        assert not actual.is_exact

    def test_lost_state_without_a_lost_record(self, running_totals: ModuleType) -> None:
        lines = list(running_totals.lines(100, 10))
        # The source went on at 51, the totals began again.
        lines[50:] = [running_totals.as_line(n % 10, n, (n // 10 - 4, 0)) for n in range(51, 101)]
        actual = audit(lines)
        assert not actual.is_exact
        assert len(actual.wrong) == 50

    def test_a_record_counted_twice_in_the_state(self, running_totals: ModuleType) -> None:
        lines = list(running_totals.lines(20, 10))
        key, number, count, total = map(int, lines[-1].split("\t"))
        actual = audit([*lines[:-1], running_totals.as_line(key, number, (count + 1, total + number))])
        assert actual.wrong
        assert not actual.is_exact

    def test_an_end_that_is_not_written_yet(self, running_totals: ModuleType) -> None:
        # Ten numbers, ten keys: one subtask's file is not there yet.
        actual = audit([line for line in running_totals.lines(10, 10) if int(line.split("\t")[0]) % 2])
        assert (actual.is_exact, actual.is_whole) == (True, False)
        assert actual.tail == (2, 4, 6, 8)

    def test_a_torn_line(self) -> None:
        assert audit(["1\t1\t1"]).wrong == ("1\t1\t1",)
        assert audit(["1\t1\t1\t1\t"]).wrong

    def test_empty_output_is_not_complete(self) -> None:
        assert audit([]).is_whole
        assert str(audit([])) == "0 lines, highest 0, 0 lost, 0 doubled, 0 wrong, 0 tail"


class TestPace:
    def test_pace_has_an_even_rate(self, running_totals: ModuleType) -> None:
        pace, now = running_totals.Pace(50), 1000.0
        for _ in range(500):
            now += pace.wait(now)
        assert now == pytest.approx(1000 + 499 / 50)

    def test_a_short_pause_is_made_up_for(self, running_totals: ModuleType) -> None:
        pace = running_totals.Pace(10)
        assert pace.wait(5.0) == 0
        assert [pace.wait(5.5) for _ in range(4)] == [0, 0, 0, 0]
        assert [pace.wait(5.5) for _ in range(2)] == pytest.approx([0, 0.1])

    def test_no_more_than_a_second_is(self, running_totals: ModuleType) -> None:
        pace = running_totals.Pace(10)
        pace.wait(0.0)
        assert [pace.wait(1000.0) for _ in range(12)] == pytest.approx([0] * 11 + [0.1], abs=1e-6)


@pytest.mark.parametrize(("rate", "size"), [(1, 1), (19, 1), (100, 10), (5000, 500), (10**6, 1000)])
def test_a_checkpoint_waits_for_a_tenth_of_a_second(running_totals: ModuleType, rate: int, size: int) -> None:
    assert running_totals.bundle_size(rate) == size


def test_a_sum_has_no_end(running_totals: ModuleType) -> None:
    assert running_totals.add((1, 2**63), 1) == (2, 2**63 + 1)
    assert running_totals.add(None, 7) == (1, 7)


def test_the_last_of_repeated_options_counts(running_totals: ModuleType) -> None:
    options = running_totals.parse(["--output", "/a", "--rate", "5", "--output", "s3a://b/c", "--rate", "7"])
    assert options == running_totals.Options("s3a://b/c", rate=7)


def test_the_uid_of_the_sink_is_an_option_and_keeps_its_default(running_totals: ModuleType) -> None:
    """A changed default would drop the state of all deployed sinks."""
    assert running_totals.parse(["--output", "/a"]).sink == "totals-files"
    assert running_totals.parse(["--output", "/a", "--sink", "drill"]).sink == "drill"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--output"),
        (["--output", "/a", "--rate", "0"], "is not a positive integer"),
        (["--output", "/a", "--keys", "ten"], "is not a positive integer"),
        (["--output", "/a", "--key", "5"], "--key"),
    ],
)
def test_bad_options_end_with_a_message(
    running_totals: ModuleType, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        running_totals.parse(arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_the_functions_do_not_need_pyflink(running_totals: ModuleType) -> None:
    assert running_totals.key_of(17, 10) == 7
    assert not {name for name in sys.modules if name.partition(".")[0] in ("pyflink", "py4j")}
