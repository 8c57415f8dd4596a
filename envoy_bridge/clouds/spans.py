"""What of time is covered, as spans that do not touch. Pure. Milliseconds since 1970, ends not included."""

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def cover(spans: Sequence[Span], intervals: Iterable[Span]) -> tuple[list[Span], list[Span]]:
    """Which of the intervals are not covered yet, and all spans once they are. Both sorted."""
    covered, fresh = sorted(spans), []
    for interval in sorted(set(intervals)):
        if not any(start <= interval[0] and interval[1] <= end for start, end in covered):
            fresh.append(interval)
            covered = _joined(covered, interval)
    return covered, fresh


def _joined(spans: Sequence[Span], new: Span) -> list[Span]:
    """The spans with another one, which may touch or overlap some of them."""
    start, end = new
    apart = []
    for span in spans:
        if span[1] < start or end < span[0]:
            apart.append(span)
        else:
            start, end = min(start, span[0]), max(end, span[1])
    return sorted([*apart, (start, end)])
