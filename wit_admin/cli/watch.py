"""``wit-admin watch …``."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from wit_admin.cli._command_context import command_context
from wit_admin.cli._options import AsJson, Repo, loaded_of, origin_of, output_of
from wit_admin.errors import ConfigError
from wit_admin.log import set_up_logging
from wit_admin.names import RepoName

if TYPE_CHECKING:
    from wit_admin.cli._output import Output
    from wit_admin.services.watcher.recorded_sync import SyncReport
    from wit_admin.settings import Settings
    from wit_admin.web.watch_metrics import WatchMetrics

app = typer.Typer(rich_markup_mode=None, add_completion=False)

_OUTCOME = ("repository", "state", "operations", "changes", "bookmarks", "error")


@app.callback(invoke_without_command=True)
def watch(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Make one pass, and stop")] = False,
    base_path: Annotated[str | None, typer.Option(help="Folder of the repositories")] = None,
    debounce_ms: Annotated[
        str | None, typer.Option(help="The most milliseconds that a burst of events is held back")
    ] = None,
    poll_interval: Annotated[
        str | None, typer.Option(help="Seconds between looks at repositories without events")
    ] = None,
    workers: Annotated[
        str | None, typer.Option(help="Number of repositories read at the same time")
    ] = None,
    max_changes: Annotated[
        str | None, typer.Option(help="How many old, immutable changes are read at first")
    ] = None,
    kinds: Annotated[
        str | None, typer.Option(help="Some of changes,bookmarks,operations,conflicts")
    ] = None,
    metrics_port: Annotated[
        str | None, typer.Option(help="Loopback port for metrics; 0 takes a free one")
    ] = None,
    log_format: Annotated[str | None, typer.Option(help="Log format: text or json")] = None,
    as_json: AsJson = False,
) -> None:
    """Watch jj repositories, and keep what they say in the database

    Changes, operations, bookmarks and conflicts are read from jj's own files, without jj. It runs
    until it is interrupted, and prints a line for each repository that had news.

    Example: wit-admin watch
    """
    if ctx.invoked_subcommand is not None:
        return
    settings = loaded_of(
        ctx,
        repositories_root=base_path,
        watch_debounce_ms=debounce_ms,
        watch_poll_interval_s=poll_interval,
        watch_workers=workers,
        watch_max_changes=max_changes,
        watch_kinds=kinds,
        watch_metrics_port=metrics_port,
        log_format=log_format,
    ).settings
    output = output_of(ctx, as_json=as_json)
    set_up_logging(settings.log_level, settings.log_format)
    if once:
        _pass(settings, output)
    else:
        _go_on(settings, output)


def _pass(settings: Settings, output: Output) -> None:
    from wit_admin.forge import make_jj_options, open_database
    from wit_admin.services.watcher.one_pass import raise_for_failed_repositories, sync_all

    reports = []
    with open_database(settings) as sessions:
        root, workers = settings.repositories_root, settings.watch_workers
        options = make_jj_options(settings)
        for report in sync_all(sessions, root, options=options, workers=workers):
            reports.append(report)
            output.line(report, *_OUTCOME)
    output.note(f"{sum(report.state == 'synced' for report in reports)} repositories had news.")
    raise_for_failed_repositories(reports)


def _go_on(settings: Settings, output: Output) -> None:
    from wit_admin.cli._watcher import run_alone
    from wit_admin.forge_watcher import open_watcher
    from wit_admin.web.watch_metrics import WatchMetrics

    if settings.log_format == "json":
        output = dataclasses.replace(output, log=logging.getLogger(__name__))

    class Teller(WatchMetrics):
        def ready(self, watched: int) -> None:
            output.note(f"Watching {watched} jj repositories in {settings.repositories_root}")

        def reported(self, report: SyncReport) -> None:
            super().reported(report)
            if report.state == "synced":
                self.print(report)

        def complained(self, report: SyncReport) -> None:
            self.print(report)

        def print(self, report: SyncReport) -> None:
            output.line(report, *_OUTCOME)
            sys.stdout.flush()

    teller = Teller()
    with _metrics(settings, output, teller), open_watcher(settings, teller) as watcher:
        run_alone(watcher)


@contextmanager
def _metrics(settings: Settings, output: Output, metrics: WatchMetrics) -> Iterator[None]:
    if settings.watch_metrics_port is None:
        yield
        return
    from prometheus_client import CollectorRegistry, start_http_server

    registry = CollectorRegistry()
    registry.register(metrics)
    try:
        server, thread = start_http_server(settings.watch_metrics_port, "127.0.0.1", registry)
    except OSError as error:
        raise ConfigError(
            f"Metrics cannot be served on port {settings.watch_metrics_port}: {error.strerror}.",
            hint="Choose another port with --metrics-port.",
        ) from error
    output.note(f"Metrics on http://127.0.0.1:{server.server_port}/metrics")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the repositories that are watched, and those taken off the list

    Example: wit-admin watch list
    """
    from wit_admin.services.watcher import watching

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        rows = watching.list_watched(command.sessions, command.root)
    output.rows(rows, "owner", "name", "is_watched", "synced_at", "failures", "error")


@app.command()
def add(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Watch a repository again that was taken off the list

    Without that, every repository in which jj is used is watched.

    Example: wit-admin watch add alice/demo
    """
    from wit_admin.services.watcher import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        is_news = watching.add_watch(command.sessions, command.root, name, by=origin_of())
    if not is_news:
        output.note(f"{name} is watched already.")
    output.result({"repository": str(name), "is_watched": True}, plain=str(name))


@app.command()
def remove(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Stop watching a repository; what was read from it stays

    Example: wit-admin watch remove alice/demo
    """
    from wit_admin.services.watcher import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        is_news = watching.remove_watch(command.sessions, command.root, name, by=origin_of())
    if not is_news:
        output.note(f"{name} was not watched.")
    output.result({"repository": str(name), "is_watched": False}, plain=str(name))


@app.command()
def status(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show whether a watcher is running, and how many repositories it has

    Example: wit-admin watch status --json
    """
    from wit_admin.services.watcher import watching

    output = output_of(ctx, as_json=as_json)
    with command_context(ctx) as command:
        found = watching.watch_status(command.sessions, command.root, command.settings.run_dir)
    output.fields(found)


@app.command()
def sync(ctx: typer.Context, repo: Repo, as_json: AsJson = False) -> None:
    """Read one repository now, watched or not

    Example: wit-admin watch sync alice/demo
    """
    from wit_admin.forge import make_jj_options
    from wit_admin.services.watcher import watching

    output = output_of(ctx, as_json=as_json)
    name = RepoName.parse(repo)
    with command_context(ctx) as command:
        options = make_jj_options(command.settings)
        report = watching.sync_now(
            command.sessions, command.root, name, options=options, by=origin_of()
        )
    output.line(report, *_OUTCOME)
