"""``wit-admin sync``."""

from __future__ import annotations

from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, loaded_of, origin_of, output_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sync(
    ctx: typer.Context,
    list_jobs: Annotated[bool, typer.Option("--list", help="List the jobs, and run none")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="JOB", help="Only this job (can be repeated)")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the jobs that are due, for cron and timers

    The jobs run one after another; one that fails does not stop the others. If another sync is
    running already, this one says so and exits with 0.

    Example: wit-admin sync --only sync-repos --only trash
    """
    from wit_admin.errors import BusyError
    from wit_admin.forge_jobs import open_job_context
    from wit_admin.services.periodic import choose_jobs, raise_for_failures, run_jobs

    output = output_of(ctx, as_json=as_json)
    jobs = choose_jobs(only or ())
    if list_jobs:
        rows = [{"name": job.name, "summary": job.summary} for job in jobs]
        if as_json:
            output.result(rows, plain="")
        else:
            output.rows(jobs, "name", "summary")
        return
    reports = []
    with open_job_context(loaded_of(ctx).settings, origin_of()) as context:
        try:
            with context.lock.hold(wait=False):
                for report in run_jobs(context, jobs):
                    reports.append(report)
                    counts = " ".join(f"{what}={n}" for what, n in report.counts.items())
                    if not as_json:
                        output.result(report, f"{report.name}\t{report.state}\t{counts}")
        except BusyError:
            output.note("Another sync is running; this one has nothing to do.")
    if as_json:
        output.result({"jobs": reports}, plain="")
    raise_for_failures(reports)
