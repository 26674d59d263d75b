"""A small repository of MLE-bench's shape: toy competitions, graders, agents, an LFS board."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import zipfile
from pathlib import Path

from redux_tui.models import Competition
from tests.support import mle_bench_content as content
from tests.support import mle_bench_sources as sources

TOYS = ("toy-alpha", "toy-beta", "toy-gamma")
_METRICS = {"toy-alpha": "accuracy", "toy-beta": "mean-absolute-error", "toy-gamma": "exact-match"}
_ANSWERS = {"toy-alpha": "test.csv", "toy-beta": "answers.csv", "toy-gamma": "answers.jsonl"}
_RAW_GIT = ("filter.lfs.process=", "filter.lfs.clean=", "filter.lfs.smudge=")


def make_mle_bench(root: Path) -> Path:
    """A bare repository under `root`: tag v-one on the first commit, a second one on main.

    Clone it as f"file://{path}". The LFS object of toy-beta's board lies in its lfs/ store.
    """
    work, bare = root / "mle-bench-work", root / "mle-bench.git"
    write_mle_bench(work)
    second = {
        "mlebench/competitions/toy-gamma/description.md": "\nChanged.\n",
        "README.md": "\n.\n",
    }
    texts = {name: (work / name).read_text() for name in second}
    git(work, "init", "--quiet", "--initial-branch=main")
    _commit(work, "One")
    git(work, "tag", "-a", "v-one", "-m", "One")
    for name, addition in second.items():
        (work / name).write_text(texts[name] + addition)
    (work / "mlebench" / "second.txt").write_text("only in the second commit\n")
    _commit(work, "Two")
    git(root, "clone", "--quiet", "--bare", str(work), str(bare))
    store_board(bare, beta_board())
    return bare


def write_mle_bench(folder: Path) -> Path:
    """The same tree (of the first commit) as plain files; toy-beta's board is a pointer."""
    for name, text in _tree().items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if name.endswith(".sh"):
            file.chmod(0o755)
    return folder


def toy_zip(name: str) -> bytes:
    """The toy competition's zip as Kaggle serves it; the same bytes every time."""
    return _zip(_raw_files(name))


def toy_settings(repo: Path, **more: object) -> str:
    """Lines of a config for a clone in `repo`, with this interpreter as its environment."""
    import sys

    keys = {"repo_dir": repo, "repo_python": sys.executable, **more}
    return "".join(f"{key}: {value}\n" for key, value in keys.items())


def toy_competition(repo: Path, name: str) -> Competition:
    """The competition as the catalogue would read it from the clone in `repo`, roughly."""
    folder = repo / "mlebench" / "competitions" / name
    where = "private" if name == "toy-beta" else "public"
    return Competition(
        id=name,
        name=name,
        folder=folder,
        source="mle-bench",
        metric=_METRICS.get(name, ""),
        category="",
        awards_medals=True,
        description=folder / "description.md",
        leaderboard=folder / "leaderboard.csv",
        grade_fn=f"mlebench.competitions.{name}.grade:grade",
        prepare_fn=f"mlebench.competitions.{name}.prepare:prepare",
        answers=Path(name) / "prepared" / "private" / _ANSWERS.get(name, "test.csv"),
        sample_submission=Path(name) / "prepared" / where / "sample_submission.csv",
        repo=repo,
    )


def board(name: str) -> str:
    """The real leaderboard.csv: 120, 60 and 1200 rows."""
    if name == "toy-alpha":
        scores = [f"{0.99 - n * 0.004:.5f}" for n in range(120)]
    elif name == "toy-beta":
        scores = [f"{0.5 + n * 1.5:.5f}" for n in range(60)]
    else:
        scores = [f"{1 - n / 1200:.5f}" for n in range(1200)]
    return "rank,score\n" + "".join(f"{n},{score}\n" for n, score in enumerate(scores, 1))


def beta_board() -> bytes:
    return board("toy-beta").encode()


def pointer(content: bytes) -> str:
    """What Git LFS commits instead of `content`."""
    digest = hashlib.sha256(content).hexdigest()
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(content)}\n"


def lfs_object(repository: Path, content: bytes) -> Path:
    """Where the bare repository `repository` keeps `content`."""
    digest = hashlib.sha256(content).hexdigest()
    return repository / "lfs" / "objects" / digest[:2] / digest[2:4] / digest


def store_board(repository: Path, content: bytes) -> None:
    file = lfs_object(repository, content)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def git(folder: Path, *arguments: str) -> str:
    """Run git in `folder` as somebody, with LFS switched off; return what it printed."""
    options = [part for each in _RAW_GIT for part in ("-c", each)]
    who = ["-c", "user.name=Toy", "-c", "user.email=toy@example.org", "-c", "commit.gpgsign=false"]
    date = "2025-01-01T00:00:00Z"
    environment = {**os.environ, "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    done = subprocess.run(
        ["git", *options, "-c", "filter.lfs.required=false", *who, *arguments],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def _commit(work: Path, message: str) -> None:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", message)


def _tree() -> dict[str, str]:
    tree = {
        ".gitattributes": content.GITATTRIBUTES,
        ".gitignore": "__pycache__/\ncache/\nruns/\n",
        "README.md": content.README,
        "mlebench/__init__.py": "",
        "mlebench/registry.py": sources.REGISTRY,
        "mlebench/utils.py": sources.UTILS,
        "mlebench/grade_helpers.py": sources.GRADE_HELPERS,
        "mlebench/data.py": sources.DATA,
        "mlebench/grade.py": sources.GRADE,
        "mlebench/cli.py": sources.CLI,
        "mlebench/competitions/__init__.py": "",
        "mlebench/competitions/utils.py": content.CHECKS,
        "environment/instructions.txt": content.INSTRUCTIONS.format(
            about=" of Kaggle competitions"
        ),
        "environment/instructions_obfuscated.txt": content.INSTRUCTIONS.format(about=""),
        "environment/validate_submission.sh": content.VALIDATE,
        "environment/Dockerfile": content.ENVIRONMENT_DOCKERFILE,
        "agents/dummy/config.yaml": content.DUMMY_CONFIG,
        "agents/dummy/Dockerfile": content.AGENT_DOCKERFILE,
        "agents/dummy/start.sh": content.DUMMY_START,
        "agents/dummy/main.py": content.DUMMY_MAIN,
        "agents/dummy/requirements.txt": "# nothing\n",
        "agents/aide/config.yaml": content.AIDE_CONFIG,
        "agents/aide/Dockerfile": content.AGENT_DOCKERFILE,
        "agents/aide/start.sh": content.AIDE_START,
        "agents/opendevin/config.yaml": content.OPENDEVIN_CONFIG,
        "agents/opendevin/Dockerfile": content.AGENT_DOCKERFILE,
        "agents/opendevin/start.sh": "#!/bin/bash\n",
        "experiments/splits/low.txt": "toy-alpha\ntoy-beta",  # theirs have no last newline
        "experiments/splits/medium.txt": "toy-gamma\n",
        "experiments/splits/high.txt": "",
        "experiments/splits/split75.txt": "\n".join(TOYS),
        "experiments/splits/dev.txt": "toy-alpha\n",
    }
    for name in TOYS:
        tree |= _competition(name)
    return tree


def _competition(name: str) -> dict[str, str]:
    folder = f"mlebench/competitions/{name}"
    where = "private" if name == "toy-beta" else "public"
    title = name.replace("-", " ").title()
    config = (
        f"id: {name}\nname: {title}\n"
        f"competition_type: {'code' if name == 'toy-gamma' else 'simple'}\n"
        f"awards_medals: {'false' if name == 'toy-gamma' else 'true'}\n"
        f"prizes: null\ndescription: {folder}/description.md\n\n"
        f"dataset:\n  answers: {name}/prepared/private/{_ANSWERS[name]}\n"
        f"  sample_submission: {name}/prepared/{where}/sample_submission.csv\n\n"
        f"grader:\n  name: {_METRICS[name]}\n"
        f"  grade_fn: mlebench.competitions.{name}.grade:grade\n\n"
        f"preparer: mlebench.competitions.{name}.prepare:prepare\n"
    )
    real = board(name)
    return {
        f"{folder}/config.yaml": config,
        f"{folder}/description.md": f"# {title}\n\nWin this Kaggle competition.\n",
        f"{folder}/description_obfuscated.md": "# A task\n\nDo it.\n",
        f"{folder}/grade.py": content.GRADERS[name],
        f"{folder}/prepare.py": content.PREPARERS[name],
        f"{folder}/kernels.txt": "somebody/a-kernel\n",
        f"{folder}/checksums.yaml": _checksums(name),
        f"{folder}/leaderboard.csv": pointer(real.encode()) if name == "toy-beta" else real,
    }


def _checksums(name: str) -> str:
    lines = []
    for part in ("private", "public"):
        lines.append(f"{part}:")
        files = sorted(_prepared(name, part).items())
        lines += [f"  {file}: {_md5(text.encode())}" for file, text in files]
    return "\n".join([*lines, f"zip: {_md5(toy_zip(name))}"]) + "\n"


def _prepared(name: str, part: str) -> dict[str, str]:
    """What the prepare function makes of the raw files, without running it."""
    if name == "toy-gamma":
        test = _words()[::3]
        if part == "private":
            lines = (f'{{"id": "{key}", "word": "{word}"}}\n' for key, word in test)
            return {"answers.jsonl": "".join(lines)}
        sample = "id,word\n" + "".join(f"{key},word\n" for key, _ in test)
        return {"train.csv": _gamma_table(), "sample_submission.csv": sample}
    every, column, guess = (5, "label", 0) if name == "toy-alpha" else (4, "price", 100)
    test_rows = [row for row in _rows(name) if row[0] % every == 0]
    train_rows = [row for row in _rows(name) if row[0] % every != 0]
    answers = f"id,{column}\n" + "".join(f"{key},{value}\n" for key, _, value in test_rows)
    sample = f"id,{column}\n" + "".join(f"{key},{guess}\n" for key, _, _ in test_rows)
    public = {
        "train.csv": _table(column, train_rows),
        "test.csv": "id,x\n" + "".join(f"{key},{x}\n" for key, x, _ in test_rows),
    }
    if name == "toy-alpha":
        return (
            {"test.csv": answers}
            if part == "private"
            else {
                **public,
                "sample_submission.csv": sample,
            }
        )
    return (
        {"answers.csv": answers, "sample_submission.csv": sample} if part == "private" else public
    )


def _raw_files(name: str) -> dict[str, bytes]:
    if name == "toy-alpha":
        table = _table("label", _rows(name)).encode()
        return {"train.csv": table, "notes/one.txt": b"first\n", "notes/two.txt": b"second\n"}
    if name == "toy-beta":
        return {"train.csv.zip": _zip({"train.csv": _table("price", _rows(name)).encode()})}
    words = {f"words/{key}.txt": f"{word}\n".encode() for key, word in _words()}
    return {"train.csv": _gamma_table().encode(), **words}


def _rows(name: str) -> list[tuple[int, int, int]]:
    if name == "toy-alpha":
        return [(n, n * 7 % 11, n * 7 % 11 % 2) for n in range(500)]
    return [(n, n * 13 % 97, 3 * (n * 13 % 97) + 5) for n in range(400)]


def _words() -> list[tuple[str, str]]:
    return [(f"w{n:03}", ("ant", "bee", "cat", "dog")[n * 5 % 4]) for n in range(90)]


def _gamma_table() -> str:
    return "x,word\n" + "".join(f"{n},bee\n" for n in range(30))


def _table(column: str, rows: list[tuple[int, int, int]]) -> str:
    return f"id,x,{column}\n" + "".join(f"{key},{x},{y}\n" for key, x, y in rows)


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (2025, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return buffer.getvalue()


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
