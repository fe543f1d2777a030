"""The server to beat: ``git http-backend`` behind nginx and fcgiwrap, on loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.serving import repositories
from benchmarks.serving.git_client import run_git
from benchmarks.serving.peers import Peer, enter_group

PACKAGES = ("nginx-light", "fcgiwrap")
_PROGRAMS = ("nginx", "fcgiwrap")
_SEARCH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
_FCGI_PROCESSES = 16
_START_S = 10.0

GIT_CONFIG = """\
[http]
\treceivepack = true
[transfer]
\tfsckObjects = true
[core]
\tfsync = committed,reference
[receive]
\tautogc = false
[uploadpack]
\tallowFilter = true
"""
"""What git is told behind nginx, so that it does what wit tells its own git to do."""

_NGINX = """\
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log;
  client_body_temp_path {folder}/body;
  fastcgi_temp_path {folder}/fastcgi;
  proxy_temp_path {folder}/proxy;
  scgi_temp_path {folder}/scgi;
  uwsgi_temp_path {folder}/uwsgi;
  client_max_body_size 0;
  keepalive_requests 1000000;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      fastcgi_pass unix:{folder}/fcgiwrap.sock;
      fastcgi_param SCRIPT_FILENAME {backend};
      fastcgi_param GIT_PROJECT_ROOT {root};
      fastcgi_param GIT_HTTP_EXPORT_ALL 1;
      fastcgi_param PATH_INFO $uri;
      fastcgi_param QUERY_STRING $query_string;
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_TYPE $content_type;
      fastcgi_param CONTENT_LENGTH $content_length;
      fastcgi_param REMOTE_ADDR $remote_addr;
      fastcgi_param REMOTE_USER bench;
    }}
  }}
}}
"""


def is_installed() -> bool:
    """Tell whether both programs are there."""
    return all(shutil.which(name, path=_SEARCH) for name in _PROGRAMS)


@contextlib.contextmanager
def running_nginx(folder: Path, templates: Mapping[str, Path]) -> Iterator[Peer]:
    """Serve copies of ``templates`` by ``git http-backend`` behind nginx and fcgiwrap."""
    owner, root = "bench", folder / "repos"
    for name, template in templates.items():
        gitdir = root / owner / f"{name}.git"
        run_git("init", "--quiet", "--bare", gitdir)
        repositories.install(template, gitdir)
    system_config = folder / "gitconfig"
    system_config.write_text(GIT_CONFIG, encoding="ascii")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_SYSTEM": str(system_config),
        "GIT_CONFIG_GLOBAL": os.devnull,
    }
    with contextlib.ExitStack() as stack:
        group = enter_group(stack, "nginx")
        launcher = group.launcher if group else ()
        port = _free_port()
        config = folder / "nginx.conf"
        config.write_text(_nginx_config(folder, root, port), encoding="utf-8")
        wrap = ["fcgiwrap", "-c", str(_FCGI_PROCESSES), "-s", f"unix:{folder}/fcgiwrap.sock"]
        serve = ["nginx", "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(config)]
        stack.enter_context(_running([*launcher, *wrap], environment, folder / "fcgiwrap.log"))
        _wait_for((folder / "fcgiwrap.sock").exists, folder / "fcgiwrap.log")
        stack.enter_context(_running([*launcher, *serve], environment, folder / "nginx.log"))
        _wait_for(lambda: _answers(port), folder / "error.log")
        yield Peer("nginx", ("127.0.0.1", port), owner, "", root / owner, group)


def _nginx_config(folder: Path, root: Path, port: int) -> str:
    return _NGINX.format(
        folder=folder,
        root=root,
        port=port,
        backend=Path(run_git("--exec-path")) / "git-http-backend",
        # Started by root it would serve as somebody who may not read our folder.
        user="user root;" if os.geteuid() == 0 else "",
    )


@contextlib.contextmanager
def _running(
    command_line: Sequence[str], environment: Mapping[str, str], log: Path
) -> Iterator[None]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            command_line,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**environment, "PATH": _SEARCH},
            process_group=0,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=_START_S)


def _wait_for(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"It did not start: {log.read_text(encoding='utf-8')}")
        time.sleep(0.02)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
