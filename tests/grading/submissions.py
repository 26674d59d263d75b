"""Submissions of all sorts, made from a good one: right, wrong, and not even a table."""

from __future__ import annotations

import csv
import io
import random

Row = list[str]


def make_submissions(good: str, seed: int = 0) -> dict[str, bytes]:
    """About forty files by name; `good` is a CSV with the ids first and the prediction last."""
    head, *rows = csv.reader(io.StringIO(good))
    return {
        **_of_rows(head, rows, random.Random(seed)),
        **_of_cells(head, rows),
        **_of_bytes(good.encode()),
    }


def _of_rows(head: Row, rows: list[Row], chance: random.Random) -> dict[str, bytes]:
    shuffled = chance.sample(rows, len(rows))
    values = [row[-1] for row in rows]
    found = {
        "good": _csv(head, rows),
        "shuffled": _csv(head, shuffled),
        "missing_rows": _csv(head, rows[:-3]),
        "one_row": _csv(head, rows[:1]),
        "header_only": _csv(head, []),
        "extra_rows": _csv(head, rows + rows[:2]),
        "twice_the_same_id": _csv(head, [*rows[:-1], [rows[0][0], rows[-1][-1]]]),
        "no_prediction": _csv(head[:-1], [row[:-1] for row in rows]),
        "no_ids": _csv(head[1:], [row[1:] for row in rows]),
        "renamed": _csv([head[0], "guess"], rows),
        "extra_column": _csv([*head, "extra"], [[*row, "1"] for row in rows]),
        "columns_turned": _csv(head[::-1], [row[::-1] for row in rows]),
        "with_an_index": _csv(["", *head], [[str(n), *row] for n, row in enumerate(rows)]),
        "twice_the_same_column": _csv([*head, head[-1]], [[*row, row[-1]] for row in rows]),
        "spaces_in_the_header": _csv([f" {name}" for name in head], rows),
    }
    for number in range(6):
        guesses = [[row[0], chance.choice(values)] for row in rows]
        found[f"random_{number}"] = _csv(head, guesses)
        part = [row if chance.random() < 0.8 else [row[0], values[0]] for row in rows]
        found[f"mostly_right_{number}"] = _csv(head, part)
    return found


def _of_cells(head: Row, rows: list[Row]) -> dict[str, bytes]:
    cells = [
        "",
        "NaN",
        "NA",
        "abc",
        "1e308",
        "inf",
        "-5",
        "0.1234567890123456782",
        "9" * 40,
        "True",
    ]
    found = {}
    for number, cell in enumerate(cells):
        one = [[row[0], cell if place == 3 else row[-1]] for place, row in enumerate(rows)]
        found[f"one_cell_{number}"] = _csv(head, one)
        found[f"all_cells_{number}"] = _csv(head, [[row[0], cell] for row in rows])
        other_id = [[cell, row[-1]] if place == 3 else row for place, row in enumerate(rows)]
        found[f"one_id_{number}"] = _csv(head, other_id)
    return found


def _of_bytes(good: bytes) -> dict[str, bytes]:
    middle = len(good) // 2
    return {
        "empty": b"",
        "blank_lines": b"\n\n\n",
        "bom": b"\xef\xbb\xbf" + good,
        "utf_16": good.decode().encode("utf-16"),
        "latin_1": good.replace(b"\n", b"\xe9\n", 3),
        "crlf": good.replace(b"\n", b"\r\n"),
        "cr": good.replace(b"\n", b"\r"),
        "open_quote": good[:middle] + b'"' + good[middle:],
        "ragged": good + b"1,2,3,4,5,6\n",
        "short_row": good + b"7\n",
        "semicolons": good.replace(b",", b";"),
        "nul": good.replace(b",", b",\0", 1),
        "binary": bytes(range(256)) * 3,
        "json": b'{"a": [1, 2, 3]}',
        "comment_first": b"# hello\n" + good,
        "blank_first": b"\n" + good,
        "no_last_newline": good.rstrip(b"\n"),
    }


def _csv(head: Row, rows: list[Row]) -> bytes:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([head, *rows])
    return stream.getvalue().encode()
