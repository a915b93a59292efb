"""The process of one job: parcels come in over a pipe, results go out. It ends when the other side does."""

from __future__ import annotations

import signal
from multiprocessing.connection import Connection

from . import parcel
from .bench import Bench
from .parcel import packed

REHEARSE = b""  # instead of a parcel: grade the references first


def serve(pipe: Connection, setup: bytes) -> None:
    """The life of a job. Ctrl-C is for whoever started it to hear."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    bench = Bench(parcel.setup(setup))
    try:
        while True:
            data = pipe.recv_bytes()
            if data == REHEARSE:
                pipe.send_bytes(bench.rehearse().encode())
            else:
                pipe.send_bytes(packed(bench.grade(parcel.parcel(data))))
    except (EOFError, OSError):  # whoever started it has gone, or wants no more
        pass
    finally:
        bench.close()
