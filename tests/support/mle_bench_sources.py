"""The toy `mlebench` package, with the interface of the real one; no line of it is theirs."""

from __future__ import annotations

REGISTRY = '''\
"""Competitions by id."""

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from mlebench.grade_helpers import Grader
from mlebench.utils import get_module_dir, get_repo_dir, import_fn, load_yaml

DEFAULT_DATA_DIR = Path.home() / ".cache" / "mle-bench" / "data"


@dataclass(frozen=True)
class Competition:
    id: str
    name: str
    description: str
    grader: Grader
    answers: Path
    gold_submission: Path
    sample_submission: Path
    competition_type: str
    prepare_fn: Callable[[Path, Path, Path], Path]
    raw_dir: Path
    private_dir: Path
    public_dir: Path
    checksums: Path
    leaderboard: Path


class Registry:
    def __init__(self, data_dir: Path = DEFAULT_DATA_DIR):
        self._data_dir = Path(data_dir).resolve()

    def get_competition(self, competition_id: str) -> Competition:
        folder = self.get_competitions_dir() / competition_id
        config = load_yaml(folder / "config.yaml")
        data, dataset = self._data_dir, config["dataset"]
        prepared = data / competition_id / "prepared"
        return Competition(
            id=config["id"],
            name=config["name"],
            description=(get_repo_dir() / config["description"]).read_text(),
            grader=Grader(**config["grader"]),
            answers=data / dataset["answers"],
            gold_submission=data / dataset.get("gold_submission", dataset["answers"]),
            sample_submission=data / dataset["sample_submission"],
            competition_type=config["competition_type"],
            prepare_fn=import_fn(config["preparer"]),
            raw_dir=data / competition_id / "raw",
            private_dir=prepared / "private",
            public_dir=prepared / "public",
            checksums=folder / "checksums.yaml",
            leaderboard=folder / "leaderboard.csv",
        )

    def get_competitions_dir(self) -> Path:
        return get_module_dir() / "competitions"

    def get_splits_dir(self) -> Path:
        return get_repo_dir() / "experiments" / "splits"

    def get_lite_competition_ids(self) -> list:
        return (self.get_splits_dir() / "low.txt").read_text().splitlines()

    def get_data_dir(self) -> Path:
        return self._data_dir

    def set_data_dir(self, new_data_dir: Path) -> "Registry":
        return Registry(new_data_dir)

    def list_competition_ids(self) -> list:
        configs = self.get_competitions_dir().glob("*/config.yaml")
        return sorted(file.parent.name for file in configs)


registry = Registry()
'''

UTILS = '''\
"""Small helpers."""

import importlib
import json
import logging
import time
import zipfile
from pathlib import Path

import pandas as pd
import yaml


def get_logger(name, level=logging.INFO, filename=None):
    logging.basicConfig(level=level, format="[%(asctime)s] %(message)s", filename=filename)
    return logging.getLogger(name)


def get_module_dir() -> Path:
    return Path(__file__).parent.resolve()


def get_repo_dir() -> Path:
    return get_module_dir().parent


def load_yaml(fpath):
    return yaml.safe_load(Path(fpath).read_text())


def import_fn(fn_import_string):
    module, _, function = fn_import_string.partition(":")
    return getattr(importlib.import_module(module), function)


def read_csv(*args, **kwargs):
    """Floats are read exactly; an empty file is an empty table."""
    try:
        return pd.read_csv(*args, **{"float_precision": "round_trip", **kwargs})
    except pd.errors.EmptyDataError:
        return pd.DataFrame()


def read_jsonl(file_path, skip_commented_out_lines=False):
    lines = Path(file_path).read_text().splitlines()
    if skip_commented_out_lines:
        lines = [line.strip() for line in lines]
        lines = [line for line in lines if line and not line.startswith(("#", "//"))]
    return [json.loads(line) for line in lines]


def load_answers(path_to_answers):
    if path_to_answers.suffix == ".csv":
        return read_csv(path_to_answers)
    if path_to_answers.suffix == ".jsonl":
        return read_jsonl(path_to_answers)
    raise ValueError(f"Answers of an unknown kind: {path_to_answers}")


def is_compressed(fpath):
    return fpath.suffix in (".zip", ".tar", ".gz", ".7z")


def is_empty(dir):
    return not any(dir.iterdir())


def extract(compressed, dst, recursive=False, already_extracted=frozenset()):
    with zipfile.ZipFile(compressed) as archive:
        archive.extractall(dst)


def compress(src, compressed, exist_ok=False):
    with zipfile.ZipFile(compressed, "w") as archive:
        for file in sorted(src.rglob("*")):
            archive.write(file, file.relative_to(src))


def get_timestamp():
    return time.strftime("%Y-%m-%dT%H-%M-%S-%Z", time.gmtime())
'''

GRADE_HELPERS = '''\
"""Graders, medals, reports."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Optional

from mlebench.utils import get_logger, import_fn

logger = get_logger(__name__)


class InvalidSubmissionError(Exception):
    """The submission can't be graded."""


class Grader:
    def __init__(self, name: str, grade_fn: str) -> None:
        self.name = name
        self.grade_fn = import_fn(grade_fn)

    def is_lower_better(self, leaderboard) -> bool:
        return bool(leaderboard["score"].iloc[0] < leaderboard["score"].iloc[-1])

    def __call__(self, submission, answers: Any) -> Optional[float]:
        try:
            score = self.grade_fn(submission, answers)
        except InvalidSubmissionError as error:
            logger.warning(f"Invalid submission: {error}")
            return None
        except Exception as error:
            logger.error(f"The grade function failed: {error}")
            return None
        return round(score, 5)

    def rank_score(self, score: Optional[float], leaderboard) -> dict:
        scores, teams = leaderboard["score"], len(leaderboard)
        lower = self.is_lower_better(leaderboard)
        if teams < 100:
            ranks = [max(1, int(teams * part)) for part in (0.1, 0.2, 0.4)]
        elif teams < 250:
            ranks = [10, int(teams * 0.2), int(teams * 0.4)]
        elif teams < 1000:
            ranks = [10 + int(teams * 0.002), 50, 100]
        else:
            ranks = [10 + int(teams * 0.002), int(teams * 0.05), int(teams * 0.1)]
        gold, silver, bronze = (float(scores.iloc[rank - 1]) for rank in ranks)
        median = float(scores.median())

        def reaches(threshold):
            return score is not None and (score <= threshold if lower else score >= threshold)

        is_gold = reaches(gold)
        is_silver = not is_gold and reaches(silver)
        is_bronze = not is_gold and not is_silver and reaches(bronze)
        return {
            "gold_medal": is_gold,
            "silver_medal": is_silver,
            "bronze_medal": is_bronze,
            "above_median": score is not None and (score < median if lower else score > median),
            "gold_threshold": gold,
            "silver_threshold": silver,
            "bronze_threshold": bronze,
            "median_threshold": median,
        }


@dataclass(frozen=True)
class CompetitionReport:
    competition_id: str
    score: Optional[float]
    gold_threshold: float
    silver_threshold: float
    bronze_threshold: float
    median_threshold: float
    any_medal: bool
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool
    is_lower_better: bool
    created_at: datetime
    submission_path: str

    def to_dict(self) -> dict:
        values = {
            key: bool(value) if type(value).__name__ == "bool_" else value
            for key, value in asdict(self).items()
        }
        score = None if self.score is None else float(self.score)
        return {**values, "score": score, "created_at": self.created_at.isoformat()}
'''

DATA = '''\
"""Prepared data; importing this leaves a folder `cache` behind, as theirs does."""

from pathlib import Path

import pandas as pd

Path("cache").mkdir(exist_ok=True)


def is_dataset_prepared(competition, grading_only=False):
    if not competition.answers.is_file():
        return False
    return grading_only or competition.sample_submission.is_file()


def get_leaderboard(competition):
    return pd.read_csv(competition.leaderboard)
'''

GRADE = '''\
"""Grade one submission, or many."""

import json
from datetime import datetime
from pathlib import Path

from mlebench.data import get_leaderboard, is_dataset_prepared
from mlebench.grade_helpers import CompetitionReport
from mlebench.registry import registry as DEFAULT_REGISTRY
from mlebench.utils import get_logger, get_timestamp, load_answers, read_csv, read_jsonl

logger = get_logger(__name__)


def grade_jsonl(path_to_submissions, output_dir, registry=DEFAULT_REGISTRY):
    reports = []
    for each in read_jsonl(path_to_submissions, skip_commented_out_lines=True):
        competition = registry.get_competition(each["competition_id"])
        reports.append(grade_csv(Path(str(each["submission_path"])), competition))
    output_dir.mkdir(exist_ok=True)
    target = output_dir / f"{get_timestamp()}_grading_report.json"
    target.write_text(json.dumps(aggregate_reports(reports), indent=2))
    logger.info(f"Saved {target}")


def grade_csv(path_to_submission, competition):
    if not is_dataset_prepared(competition, grading_only=True):
        raise ValueError(f"The data of {competition.id} is not prepared!")
    exists = path_to_submission.is_file() and path_to_submission.suffix.lower() == ".csv"
    score = None
    if exists:
        score = competition.grader(read_csv(path_to_submission), load_answers(competition.answers))
    board = get_leaderboard(competition)
    rank = competition.grader.rank_score(score, board)
    return CompetitionReport(
        competition_id=competition.id,
        score=score,
        any_medal=rank["gold_medal"] or rank["silver_medal"] or rank["bronze_medal"],
        submission_exists=exists,
        valid_submission=score is not None,
        is_lower_better=competition.grader.is_lower_better(board),
        created_at=datetime.now(),
        submission_path=str(path_to_submission),
        **rank,
    )


def aggregate_reports(competition_reports):
    def count(*names):
        return sum(int(getattr(each, name)) for each in competition_reports for name in names)

    return {
        "total_runs": len(competition_reports),
        "total_runs_with_submissions": count("submission_exists"),
        "total_valid_submissions": count("valid_submission"),
        "total_medals": count("gold_medal", "silver_medal", "bronze_medal"),
        "total_gold_medals": count("gold_medal"),
        "total_silver_medals": count("silver_medal"),
        "total_bronze_medals": count("bronze_medal"),
        "total_above_median": count("above_median"),
        "competition_reports": [each.to_dict() for each in competition_reports],
    }
'''

CLI = '''\
"""The command `mlebench`, as far as tests compare with it."""

import argparse
import json
from pathlib import Path

from mlebench.grade import grade_csv, grade_jsonl
from mlebench.registry import registry
from mlebench.utils import get_logger

logger = get_logger(__name__)


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command")
    grade = commands.add_parser("grade")
    grade.add_argument("--submission", required=True)
    grade.add_argument("--output-dir", required=True)
    sample = commands.add_parser("grade-sample")
    sample.add_argument("submission")
    sample.add_argument("competition_id")
    for each in (grade, sample):
        each.add_argument("--data-dir", default=registry.get_data_dir())
    args = parser.parse_args()
    chosen = registry.set_data_dir(Path(args.data_dir))
    if args.command == "grade":
        grade_jsonl(Path(args.submission), Path(args.output_dir), chosen)
    if args.command == "grade-sample":
        report = grade_csv(Path(args.submission), chosen.get_competition(args.competition_id))
        logger.info(json.dumps(report.to_dict(), indent=4))


if __name__ == "__main__":
    main()
'''
