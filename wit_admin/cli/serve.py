"""``wit-admin serve``."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._options import loaded_of, output_of
from wit_admin.errors import ConfigError
from wit_admin.log import set_up_logging

if TYPE_CHECKING:
    import socket

    from wit_admin.cli._output import Output
    from wit_admin.forge import Forge
    from wit_admin.settings import Settings
    from wit_admin.web.watch_metrics import WatchMetrics

_REPLAY_PATIENCE_S = 30.0
_PARENTS_MARGIN_S = 10.0

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def serve(
    ctx: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on")] = None,
    port: Annotated[str | None, typer.Option(help="Port; 0 takes a free one")] = None,
    unix_socket: Annotated[
        str | None, typer.Option(help="Unix socket to listen on, in place of a port")
    ] = None,
    fd: Annotated[
        str | None, typer.Option(help="Inherited listening socket; systemd's first one is 3")
    ] = None,
    tls_cert: Annotated[str | None, typer.Option(help="Certificate chain, in PEM")] = None,
    tls_key: Annotated[
        str | None, typer.Option(help="Private key of the certificate, in PEM")
    ] = None,
    home: Annotated[str | None, typer.Option(help="Folder of the forge's own data")] = None,
    workers: Annotated[str | None, typer.Option(help="Number of serving processes")] = None,
    no_database: Annotated[
        bool, typer.Option("--no-database", help="Serve what is on disk, without accounts")
    ] = False,
    anonymous_push: Annotated[
        bool,
        typer.Option("--anonymous-push", help="Anybody may push, as the owner; loopback only"),
    ] = False,
    repository_hooks: Annotated[
        bool, typer.Option("--repository-hooks", help="Run the repositories' own hooks")
    ] = False,
    migrate: Annotated[
        bool, typer.Option("--migrate", help="Migrate a PostgreSQL database first")
    ] = False,
    log_format: Annotated[str | None, typer.Option(help="Log format: text or json")] = None,
    drain_timeout: Annotated[
        str | None, typer.Option(help="Seconds for running requests after SIGTERM")
    ] = None,
) -> None:
    """Serve git over HTTP

    The first push to a free name creates the repository.

    Example: wit-admin serve --port 8080
    """
    settings = loaded_of(
        ctx,
        host=host,
        port=port,
        workers=workers,
        unix_socket=unix_socket,
        fd=fd,
        tls_cert=tls_cert,
        tls_key=tls_key,
        log_format=log_format,
        drain_timeout_s=drain_timeout,
        no_database="true" if no_database else None,
        anonymous_push="true" if anonymous_push else None,
        repository_hooks="true" if repository_hooks else None,
        **({"home": home} if home else {}),
    ).settings
    output = output_of(ctx, as_json=False)
    set_up_logging(settings.log_level, settings.log_format)
    if settings.log_format == "json":
        output = dataclasses.replace(output, log=logging.getLogger(__name__))
    settings.repositories_root.mkdir(parents=True, exist_ok=True)
    _prepare(settings, output, migrate=migrate)
    _serve(settings, output)


def _prepare(settings: Settings, output: Output, *, migrate: bool) -> None:
    """Put database and journal in order; nothing of it is left open when the workers start."""
    from wit_admin.forge import open_forge

    with open_forge(settings) as forge:
        _prepare_database(forge, output, migrate=migrate)
        settled = forge.pushes.replay_all(patience_s=_REPLAY_PATIENCE_S)
        if settled:
            output.note(f"Settled {settled} pushes that an earlier server left unrecorded.")
        if not forge.tools.program.is_git:
            output.note(
                "Warning: there is no git program; dulwich serves: slowly, by version 0 of the "
                "protocol, and checks pushes less strictly. Install git 2.39 or newer."
            )
    output.note(f"Repositories in {settings.repositories_root}")


def _serve(settings: Settings, output: Output) -> None:
    from wit_admin.cli._watcher import run_beside
    from wit_admin.forge import open_forge
    from wit_admin.web.listeners import listening, shown_url, tls_of
    from wit_admin.web.metrics import SharedMetrics
    from wit_admin.web.server import SharedState, run
    from wit_admin.web.workers import Supervisor, WorkerContext

    tls = tls_of(settings)
    with listening(settings) as listener:
        _check_anonymous_push(settings, listener)
        is_terminal = sys.stderr.isatty()
        watch_metrics = _make_watch_metrics(settings)
        others = () if watch_metrics is None else (watch_metrics,)
        shared = SharedState(
            listener, tls, SharedMetrics.create(settings.workers, *others), is_terminal
        )

        def say_where() -> None:
            output.note(f"Serving {shown_url(listener, is_tls=tls is not None)}")

        def work(context: WorkerContext, on_ready: Callable[[], None] = lambda: None) -> None:
            with open_forge(settings, is_prompt=True) as forge:
                run(forge, shared, context, on_ready=on_ready)

        def watch(context: WorkerContext) -> None:
            # As long as anybody has it open, the kernel goes on to accept connections.
            listener.close()
            from wit_admin.forge_watcher import open_watcher

            with open_watcher(settings, watch_metrics, trusts_schema=True) as watcher:
                run_beside(watcher, context)

        if settings.workers == 1 and watch_metrics is None:
            work(WorkerContext(slot=0), say_where)
            return
        supervisor = Supervisor(
            [work] * settings.workers + ([] if watch_metrics is None else [watch]),
            patience_s=settings.drain_timeout_s + _PARENTS_MARGIN_S,
            ends_on_hangup=is_terminal,
        )
        supervisor.run(on_started=say_where, on_stop=listener.close)


def _check_anonymous_push(settings: Settings, listener: socket.socket) -> None:
    from wit_admin.web.listeners import is_loopback

    if settings.anonymous_push and not is_loopback(listener):
        raise ConfigError(
            "--anonymous-push is for loopback only.", hint="Listen on 127.0.0.1, or leave it out."
        )


def _make_watch_metrics(settings: Settings) -> WatchMetrics | None:
    """Return the metrics of the watcher, if there is to be one."""
    if not settings.watcher_enabled or settings.no_database:
        return None
    from wit_admin.web.watch_metrics import WatchMetrics

    return WatchMetrics()


def _prepare_database(forge: Forge, output: Output, *, migrate: bool) -> None:
    from wit_admin.db.engine import make_sessions
    from wit_admin.db.migrate import ensure_current
    from wit_admin.db.paging import Span
    from wit_admin.services.accounts.accounts import list_users

    if forge.engine is None:
        output.note("Without a database everybody may read.")
        return
    status = ensure_current(
        forge.engine,
        may_upgrade=forge.settings.uses_embedded_database or migrate,
        hint="Run 'wit-admin db migrate', or add --migrate.",
    )
    # A password may stand in the query too.
    shown = forge.engine.url.set(query={}).render_as_string(hide_password=True)
    output.note(f"Connected to {shown} at revision {status.revision}.")
    if not list_users(make_sessions(forge.engine), part=Span(limit=1)):
        output.note("No account yet. Create the first one: wit-admin user create NAME --admin")
