"""What of a Dockerfile we need to know before the engine reads it: its arguments and bases."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

INSTRUCTION = re.compile(r"^\s*(?P<word>[A-Za-z]+)\s+(?P<rest>.*)$")
VARIABLE = re.compile(r"\$(?:\{(?P<braced>\w+)(?::-(?P<default>[^}]*))?\}|(?P<plain>\w+))")


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """The arguments that a Dockerfile declares, with their defaults, and its FROM images."""

    arguments: Mapping[str, str]
    images: tuple[str, ...]  # as written; may name arguments

    def bases(self, values: Mapping[str, str]) -> list[str]:
        """The images it is built from, its arguments being `values` or else their defaults."""
        known = {**self.arguments, **values}

        def value(match: re.Match[str]) -> str:
            name = match["braced"] or match["plain"]
            return known.get(name) or match["default"] or ""

        return [VARIABLE.sub(value, image) for image in self.images]


def parse(text: str) -> Dockerfile:
    """Read ARG and FROM lines; the rest is the engine's business."""
    arguments: dict[str, str] = {}
    images: list[str] = []
    stages: set[str] = set()
    for line in text.replace("\\\n", " ").splitlines():
        match = INSTRUCTION.match(line)
        if match is None:
            continue
        word, rest = match["word"].upper(), match["rest"].split()
        if word == "ARG":
            for part in rest:
                name, _, default = part.partition("=")
                if default or name not in arguments:  # a bare `ARG X` brings an outer X back
                    arguments[name] = default.strip("\"'")
        elif word == "FROM":
            words = [part for part in rest if not part.startswith("--")]
            if words and words[0].lower() not in stages and words[0] != "scratch":
                images.append(words[0])
            if len(words) == 3 and words[1].upper() == "AS":
                stages.add(words[2].lower())
    return Dockerfile(arguments, tuple(dict.fromkeys(images)))
