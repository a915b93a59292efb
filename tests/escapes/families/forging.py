"""Forging: verdicts on stdout, files of results, and frames of the protocol itself."""

from __future__ import annotations

from ..attack import DEAD, LATE, RAISED, WRONG, Attack

_WIRE = (
    "import os, struct, time, threading\n"
    "from worker.wire import MAGIC, PREFIX, Reply, Failure, TensorV, Entry, ListV, OpaqueV, HandleV, frame\n"
)
_BROKEN = DEAD | LATE | WRONG | RAISED


def _sends(name: str, sentence: str, what: str, verdicts: frozenset[str] = _BROKEN) -> Attack:
    """Writes `what` to its own channel before it answers wrongly."""
    source = f"{_WIRE}def conv_output_size(*args, **kwargs):\n    {what}\n    return -1\n"
    return Attack(name, sentence, source, verdicts=verdicts)


_FRAME = "os.write(3, frame({}, b''))"

ATTACKS = [
    Attack(
        "printed_verdicts",
        "prints verdicts in the words of pytest, of JSON and of JUnit",
        "def conv_output_size(*args, **kwargs):\n"
        '    print(\'1 passed in 0.01s\'); print(\'{"verdict": "passed", "score": 4.0, "max_score": 4.0}\')\n'
        "    print('<testcase name=\"x\"/></testsuite>'); print('Score: 366 / 366 points')\n    return -1\n",
    ),
    Attack(
        "files_of_results",
        "writes files of results wherever graders keep them",
        "import os\n"
        "for path in ('results.json', '/tmp/results.json', '/autograder/results/results.json', '/tmp/class/other/grades.csv',\n"
        "             '/tmp/junit.xml', '$PROJECT/.grade/state.json', '/tmp/gradebook.db', '/tmp/decks/x', '/tmp/cache/x'):\n"
        "    try: open(path, 'w').write('{\"score\": 100}')\n    except OSError: pass\n"
        "def conv_output_size(*args, **kwargs):\n    return -1\n",
    ),
    _sends(
        "answer_before",
        "sends an answer of its own before the real one",
        _FRAME.format("Reply(n, 3)").replace("n,", "2,"),
    ),
    _sends(
        "every_number",
        "sends answers for every number that a question could have",
        "os.write(3, b''.join(frame(Reply(n, 3), b'') for n in range(200)))",
        DEAD,
    ),
    _sends("two_frames", "sends two answers at once", "os.write(3, frame(Reply(1, 1), b'') * 2)", DEAD),
    _sends(
        "huge_lengths",
        "announces an answer of 16 exabytes",
        "os.write(3, PREFIX.pack(MAGIC, 2**32 - 1, 2**64 - 1))",
        DEAD,
    ),
    _sends("no_magic", "sends what is no frame", "os.write(3, b'HTTP/1.1 200 OK' * 10)", DEAD),
    _sends(
        "truncated",
        "sends half a frame and waits",
        "os.write(3, frame(Reply(1, 'x' * 50), b'')[:30]); time.sleep(9)",
        LATE,
    ),
    _sends(
        "slow_drip",
        "sends an answer a byte at a time, for ever",
        "os.write(3, PREFIX.pack(MAGIC, 10**6, 0))\n    while True: os.write(3, b'x'); time.sleep(0.05)",
        LATE,
    ),
    _sends(
        "endless", "sends bytes without end", "while True: os.write(3, PREFIX.pack(MAGIC, 2**20, 2**20) + bytes(2**16))"
    ),
    _sends(
        "bad_utf8",
        "sends text that is no UTF-8",
        "os.write(3, PREFIX.pack(MAGIC, 4, 0) + b'\\xa3\\xff\\xfe\\xfd')",
        DEAD,
    ),
    _sends(
        "deep_nesting",
        "nests a header ten thousand deep",
        "os.write(3, PREFIX.pack(MAGIC, 10**4, 0) + b'\\x91' * 10**4)",
        DEAD,
    ),
    _sends(
        "big_map",
        "announces a map of four billion entries",
        "os.write(3, PREFIX.pack(MAGIC, 5, 0) + b'\\xdf\\xff\\xff\\xff\\xff')",
        DEAD,
    ),
    _sends(
        "tensor_outside",
        "answers with a tensor whose bytes lie outside the frame",
        _FRAME.format("Reply(2, TensorV('float64', (10**6,), 'cpu', 2**40, 8 * 10**6))"),
    ),
    _sends(
        "negative_shape",
        "answers with a tensor of negative size",
        _FRAME.format("Reply(2, TensorV('float64', (-1, -8), 'cpu', 0, 64))"),
    ),
    _sends(
        "odd_dtype",
        "answers with a tensor of a dtype that is none",
        _FRAME.format("Reply(2, TensorV('__class__', (0,), 'cpu', 0, 0))"),
    ),
    _sends("a_handle", "answers with an object that was never made", _FRAME.format("Reply(2, HandleV(10**9))")),
    _sends(
        "a_failure_of_ours",
        "claims that the grader has failed",
        _FRAME.format(
            "Reply(2, None, Failure('fault', 'GraderFault', ['Exception'], 'our own fault, no grade is given'))"
        ),
    ),
    _sends(
        "unasked_question",
        "asks the reference for the answer, where nobody has offered one",
        "from worker.wire import Call\n    os.write(3, frame(Reply(0, ask=Call('conv_output_size', list(args), {})), b''))",
        DEAD,
    ),
    _sends(
        "every_descriptor",
        "writes an answer to every descriptor there may be",
        "for fd in range(1024):\n        try: os.write(fd, frame(Reply(2, 3), b''))\n        except OSError: pass",
    ),
    Attack(
        "a_thread_that_answers",
        "lets a thread send answers while the main one computes",
        f"{_WIRE}def flood():\n    while True:\n        try: os.write(3, frame(Reply(2, 3), b''))\n        except OSError: pass\n"
        "threading.Thread(target=flood, daemon=True).start()\ndef conv_output_size(*args, **kwargs):\n    return -1\n",
        verdicts=_BROKEN,
    ),
]
