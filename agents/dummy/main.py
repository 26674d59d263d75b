"""Submits the competition's sample submission unchanged; needs nothing but the standard library."""

import os
import shutil
import sys
import zipfile
from pathlib import Path

# In the order of preference; Kaggle's competitions spell the name in many ways.
PATTERNS = (
    "sample_submission.csv",
    "sampleSubmission*.csv",
    "sample_submission*.csv",
    "*[sS]ample*[sS]ub*.csv",
    "*[sS]ample*[sS]ub*.csv.zip",
    "*[sS]ample*[sS]ub*.zip",
)


def main() -> int:
    """Copy the sample submission and this source; returns the exit code."""
    data, submission, code = (folder(name) for name in ("DATA_DIR", "SUBMISSION_DIR", "CODE_DIR"))
    print(f"dummy: competition {os.environ.get('COMPETITION_ID', '(unnamed)')}, data in {data}")
    shutil.copy(Path(__file__).resolve(), code / "main.py")
    print(f"dummy: copied my source to {code / 'main.py'}")
    sample = find_sample(data)
    if sample is None:
        print(f"dummy: there is no sample submission in {data}, so I submit nothing.")
        return 1
    content = read(sample)
    target = submission / "submission.csv"
    # Written elsewhere and renamed: nobody ever sees half a submission.
    temporary = submission / ".submission.csv.partial"
    temporary.write_bytes(content)
    temporary.replace(target)
    rows = max(content.count(b"\n") - 1, 0)
    print(f"dummy: submitted {sample.name} as it is, {rows} rows, to {target}")
    return 0


def folder(variable: str) -> Path:
    """Return the folder that the environment variable names; exits with a sentence if unset."""
    value = os.environ.get(variable)
    if not value:
        sys.exit(f"dummy: the environment variable {variable} is not set, so I cannot start.")
    return Path(value)


def find_sample(data: Path) -> Path | None:
    """Return the best candidate, at the top of the data folder or below."""
    for pattern in PATTERNS:
        for found in (sorted(data.glob(pattern)), sorted(data.rglob(pattern))):
            files = [path for path in found if path.is_file()]
            if files:
                return files[0]
    return None


def read(sample: Path) -> bytes:
    """Return the CSV's content, unpacked if it is zipped."""
    if sample.suffix != ".zip":
        return sample.read_bytes()
    with zipfile.ZipFile(sample) as archive:
        names = [
            name
            for name in archive.namelist()
            if name.endswith(".csv") and not name.startswith("__MACOSX")
        ]
        if not names:
            sys.exit(f"dummy: {sample} holds no CSV file.")
        return archive.read(names[0])


if __name__ == "__main__":
    sys.exit(main())
