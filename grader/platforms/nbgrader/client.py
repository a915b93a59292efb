"""Our end of the process that grades: started with the first question, kept warm, killed with whoever asked."""

from __future__ import annotations

import atexit
import contextlib
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from typing import IO

import msgspec

from grader.errors import GraderFault

from .words import Answer, Question

# -P: neither the folder of a course nor a learner's is on the path of the process that grades.
COMMAND = (sys.executable, "-P", "-m", "grader.platforms.nbgrader.serve")
FAREWELL_SECONDS = 10.0
LAST_WORDS = 2000  # bytes of its stderr


@dataclass(slots=True)
class Desk:
    """One question after the other. A desk that broke down is set up anew for the next one.

    It holds torch in memory, twice: one that nobody asks for a while is closed, for on a hub there are many kernels.
    """

    command: tuple[str, ...] = COMMAND
    idle_seconds: float = 600.0
    _rest: threading.Timer | None = None
    _process: subprocess.Popen[bytes] | None = None
    _errors: IO[bytes] | None = None  # what it says besides answers
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, question: Question) -> Answer:
        """Raises GraderFault where there is no answer; an answer may say itself that there is no grade."""
        with self._lock:
            if self._rest is not None:
                self._rest.cancel()
            try:
                answer = self._ask(question)
                self._rest = threading.Timer(self.idle_seconds, self._close_idle)
                self._rest.daemon = True  # nobody waits for it to end
                self._rest.start()
                return answer
            except (OSError, msgspec.MsgspecError) as error:
                said = self._last_words()
                self.close()
                raise GraderFault(f"the process that grades has ended or answers nonsense ({error}){said}") from error
            except BaseException:  # interrupted: what it would answer belongs to nobody
                self.close(patience=0.2)
                raise

    def _ask(self, question: Question) -> Answer:
        if self._process is None or self._process.poll() is not None:
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,  # Ctrl-C is for us to handle
            )
            atexit.register(self.close)
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise OSError("no pipe")
        stdin.write(msgspec.json.encode(question) + b"\n")
        stdin.flush()
        line = stdout.readline()
        if not line:
            raise OSError("it closed its pipe")
        return msgspec.json.decode(line, type=Answer)

    def _close_idle(self) -> None:
        with self._lock:
            if self._rest is threading.current_thread():  # nobody has asked meanwhile
                self.close()

    def _last_words(self) -> str:
        if self._errors is None:
            return ""
        self._errors.seek(0, 2)
        self._errors.seek(max(0, self._errors.tell() - LAST_WORDS))
        words = self._errors.read().decode("utf-8", "replace").strip()
        return f": {words}" if words else ""

    def close(self, patience: float = FAREWELL_SECONDS) -> None:
        process, self._process = self._process, None
        errors, self._errors = self._errors, None
        if errors is not None:
            errors.close()
        if process is None:
            return
        atexit.unregister(self.close)
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()  # it takes that for the end, and takes its workers with it
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


_DESK = Desk()


def desk() -> Desk:
    """The one of this process."""
    return _DESK
