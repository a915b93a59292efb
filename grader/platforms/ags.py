"""Report -> the score that an LTI 1.3 tool posts to a platform (Assignment and Grade Services 2.0, chapter "Score").

The text alone: whoever runs a tool has the tokens and the address that it goes to. docs/platforms.md says how.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from grader.model import Json, Report
from grader.report import words

MEDIA_TYPE = "application/vnd.ims.lis.v1.score+json"


def render(report: Report, *, user: str, moment: datetime) -> str:
    """`user`: the platform's own id of the learner. Without a grade no score is given, and the platform is told so."""
    made: dict[str, Json] = {
        "userId": user,
        "timestamp": moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "activityProgress": "Completed" if not report.faulty else "Submitted",
        "gradingProgress": "FullyGraded" if not report.faulty else "Failed",
        "comment": words.closing(report),
    }
    if not report.faulty and report.max_score > 0:
        made |= {"scoreGiven": round(report.score, 4), "scoreMaximum": round(report.max_score, 4)}
    return json.dumps(made, ensure_ascii=False, indent=2) + "\n"
