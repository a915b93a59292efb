"""Looking for what is not theirs: checks, references, other submissions, the environment, memory of others."""

from __future__ import annotations

from ..attack import WRONG, Attack

ANSWER = "\ndef conv_output_size(*args, **kwargs):\n    return -1\n"

ATTACKS = [
    Attack(
        "read_checks",
        "opens the file of hidden checks by its path",
        "attempt(lambda: open('$CHECKS/test_ex03_output_size.py').read())" + ANSWER,
    ),
    Attack(
        "run_reference",
        "runs the reference solution from the disk and answers with it",
        "space = {}\nattempt(lambda: exec(open('$SOLUTIONS/ex03_output_size.py').read(), space))\n"
        "def conv_output_size(*args, **kwargs):\n    return space['conv_output_size'](*args, **kwargs)\n",
        verdicts=frozenset({"raised"}),
    ),
    Attack(
        "list_other_submissions",
        "lists and reads the folders of the class",
        "import os\nattempt(lambda: os.listdir('$CLASS'))\n"
        "attempt(lambda: open('$CLASS/other/ex03_output_size.py').read())" + ANSWER,
    ),
    Attack(
        "environment",
        "reads its environment for tokens",
        "import os\nattempt(lambda: dict(os.environ))" + ANSWER,
        gets=r"\{'HOME': '[^']*', 'TMPDIR': '[^']*', 'LANG': 'C.UTF-8', 'OMP_NUM_THREADS': '1'\}",
        verdicts=WRONG,
    ),
]
