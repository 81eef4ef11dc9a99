"""The command line: which commands exist, in which order. Each stands in its module; none imports this one."""

import typer

from fsm_sprint.cli import (
    add_step,
    answer,
    check,
    compile_,
    diagram,
    doctor,
    explain,
    init,
    journal,
    logs,
    pause,
    replay,
    resume,
    retry,
    run,
    schema,
    simulate,
    skip,
    status,
    stop,
    verify,
    watch,
)

app = typer.Typer(
    name="fsm-sprint",
    help="Runs a sprint of coding agents and shell commands, and survives whatever happens to it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("init")(init.init)
app.command("compile")(compile_.compile_)
app.command("check")(check.check)
app.command("validate", hidden=True)(check.check)
app.command("simulate")(simulate.simulate)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("watch")(watch.watch)
app.command("logs")(logs.logs)
app.command("explain")(explain.explain)
app.command("pause")(pause.pause)
app.command("resume")(resume.resume)
app.command("stop")(stop.stop)
app.command("retry")(retry.retry)
app.command("skip")(skip.skip)
app.command("add-step")(add_step.add_step)
app.command("answer")(answer.answer)
app.command("approve")(answer.approve)
app.command("reject")(answer.reject)
app.command("replay")(replay.replay)
app.command("verify")(verify.verify)
app.add_typer(journal.app)
app.command("diagram")(diagram.diagram)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)


@app.callback(invoke_without_command=True)
def version(
    *,
    show: bool = typer.Option(False, "--version", help="The version, and nothing else.", is_eager=True),
) -> None:
    """Runs a sprint of coding agents and shell commands, and survives whatever happens to it."""
    if show:
        from fsm_sprint.cli.release import release

        print(release())
        raise typer.Exit
