"""What runs in the throw-away namespace: every attack asked for, one line of JSON each."""

from __future__ import annotations

import argparse
import json
import sys

from . import throwaway


def main() -> None:
    throwaway.refuse_outside()
    parser = argparse.ArgumentParser()
    parser.add_argument("only", nargs="*", help="families or names of attacks")
    parser.add_argument("--fallback", action="store_true", help="with user namespaces switched off")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="every K-th of them alone")
    parser.add_argument("--batch", action="store_true", help="forty in a row, every second one hostile")
    options = parser.parse_args()

    from . import batch
    from .attack import attacks
    from .judge import judge
    from .scene import scene

    wanted = [attack for attack in attacks() if not options.only or {attack.family, attack.name} & set(options.only)]
    wanted = wanted[:: options.every]
    with scene() as made:
        if options.batch:
            _say(problems=batch.problems(made))
            return
        _say(walls=made.zygote.walls.names, attacks=len(wanted))
        for attack in wanted:
            outcome = judge(attack, made, fallback=options.fallback)
            _say(
                name=attack.name,
                family=attack.family,
                sentence=attack.sentence,
                verdicts=outcome.verdicts,
                score=outcome.score,
                got=outcome.came_home_with,
                problems=outcome.problems,
                seconds=round(outcome.seconds, 2),
            )


def _say(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


main()
