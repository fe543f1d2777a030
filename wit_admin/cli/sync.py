"""``wit-admin sync``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from wit_admin.cli._options import AsJson, loaded_of, origin_of, output_of
from wit_admin.cli._plans import Consent, DryRun, NoInput, Yes, confirm_plan, show_plan

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def sync(
    ctx: typer.Context,
    list_jobs: Annotated[bool, typer.Option("--list", help="List the jobs, and run none")] = False,
    only: Annotated[
        list[str] | None, typer.Option(metavar="JOB", help="Only this job (can be repeated)")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    no_input: NoInput = False,
    as_json: AsJson = False,
) -> None:
    """Run the jobs that are due, for cron and timers

    The jobs run one after another; one that fails does not stop the others. If another sync is
    running already, this one says so and exits with 0. On a terminal it asks before anything is
    removed for good; elsewhere it does what the settings say.

    Example: wit-admin sync --only sync-repos --only trash
    """
    from wit_admin.errors import BusyError
    from wit_admin.forge_jobs import open_job_context
    from wit_admin.services.periodic import (
        choose_jobs,
        plan_jobs,
        raise_for_failed_jobs,
        run_jobs,
    )

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
    consent = Consent(dry_run, yes or not (no_input or sys.stdin.isatty()), no_input)
    with open_job_context(loaded_of(ctx).settings, origin_of()) as context:
        if consent.is_dry_run:
            show_plan(output, plan_jobs(context, jobs))
            return
        if not consent.yes:
            going = plan_jobs(context, [job for job in jobs if job.removes])
            confirm_plan(output, going, consent, question="Remove them for good?")
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
    raise_for_failed_jobs(reports)
