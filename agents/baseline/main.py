"""The baseline agent: submits early, then replaces its submission whenever its blend improves."""

import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Any

# The agent's folder may be somebody's checkout or installation: leave no byte code in it.
sys.dont_write_bytecode = True

from settings import Settings, read_settings  # noqa: E402


def main() -> int:
    """Run within the time limit; returns the exit code."""
    settings = read_settings()
    print(
        f"baseline: {settings.competition}, seed {settings.seed}, "
        f"time limit {settings.seconds or 'none'}",
        flush=True,
    )
    _copy_source(settings.code)
    if settings.seconds is not None:
        _stop_in_time(settings.seconds)
    # scikit-learn takes seconds to import where the disk is cold: only after the alarm is set.
    import files

    sample_path = files.find_sample(settings.data)
    if sample_path is None:
        print(f"baseline: there is no sample submission in {settings.data}, so I cannot start.")
        return 1
    sample = files.read_sample(sample_path)
    files.submit(sample, settings.submission)
    print(f"baseline: submitted {sample_path.name} for a start", flush=True)
    train_path = files.find_table(settings.data, "train", "training", "train_data")
    test_path = files.find_table(settings.data, "test", "testing", "test_data")
    if train_path is None or test_path is None:
        print(
            f"baseline: {settings.data} has no train.csv and test.csv, and I can only learn from "
            "such tables; the sample submission stays."
        )
        return 1
    key = str(sample.columns[0])
    data = files.Data(files.read_table(train_path, key), files.read_table(test_path, key), sample)
    return _learn(settings, data, key)


def _learn(settings: Settings, data: Any, key: str) -> int:
    import files
    from features import build_features
    from folds import make_folds
    from scoring import find_metric
    from solve import solve, thin_out
    from task import NotUnderstoodError, find_tasks

    metric = find_metric(files.describe(settings.data, settings.instructions))
    try:
        tasks = find_tasks(data, metric)
        test = _in_sample_order(data, key)
    except NotUnderstoodError as error:
        print(f"baseline: {error} The sample submission stays.")
        return 1
    targets = {task.target for task in tasks}
    best = data.sample.copy()
    report: list[dict[str, Any]] = []
    for task in tasks:
        train = data.train[data.train[task.target].notna()].reset_index(drop=True)
        features = build_features(train, test, targets | {key})
        kind = "regression" if task.is_regression else f"{len(task.classes)} classes"
        cells = len(train) * max(features.total_columns, 1)
        # Three folds cost half of five, and tell enough where there is much data.
        count = 5 if len(train) <= 5000 and cells <= 200_000 and len(task.classes) <= 5 else 3
        folds = make_folds(train, test, task, key, count, settings.seed)
        print(
            f"baseline: {task.target!r}: {kind}, {task.metric.name}; {len(train)} rows, "
            f"{len(features.numbers)} numbers, {len(features.categories)} categories, "
            f"{len(features.prose)} texts; {len(folds.pairs)} folds {folds.reason}",
            flush=True,
        )

        def on_better(columns: Any) -> None:
            for name in columns.columns:
                best[name] = columns[name].to_numpy()
            files.submit(best, settings.submission)

        folds = thin_out(folds, settings.seed)
        report.append(
            solve(task, task.encode(train[task.target]), features, folds, settings, on_better)
        )
        _write_log(settings, report)
    print(f"baseline: finished after {settings.elapsed():.1f} s", flush=True)
    return 0


def _in_sample_order(data: Any, key: str) -> Any:
    """Return the test rows in the order of the sample submission."""
    from task import NotUnderstoodError

    if key not in data.test.columns:
        if len(data.test) != len(data.sample):
            raise NotUnderstoodError(
                f"The test table has no column {key!r} and not as many rows as the sample."
            )
        return data.test
    known = data.test.drop_duplicates(key).set_index(key, drop=False)
    if not data.sample[key].isin(known.index).all():
        raise NotUnderstoodError(f"Some ids of the sample submission are not in test.{key}.")
    return known.loc[data.sample[key]].reset_index(drop=True)


def _copy_source(code: Path) -> None:
    here = Path(__file__).resolve().parent
    for path in [*sorted(here.glob("*.py")), here / "requirements.txt", here / "start.sh"]:
        if path.is_file():
            shutil.copy(path, code / path.name)


def _write_log(settings: Settings, report: list[dict[str, Any]]) -> None:
    content = {"seconds": round(settings.elapsed(), 1), "seed": settings.seed, "targets": report}
    (settings.logs / "baseline.json").write_text(json.dumps(content, indent=2) + "\n")


def _stop_in_time(limit: float) -> None:
    """End the process before its limit, even in the middle of a fit: a submission is in place."""

    def stop() -> None:
        print("baseline: the time limit is near; my last submission stays", flush=True)
        os._exit(0)

    alarm = threading.Timer(0.85 * limit, stop)
    alarm.daemon = True
    alarm.start()


if __name__ == "__main__":
    sys.exit(main())
