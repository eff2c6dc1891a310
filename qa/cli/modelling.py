"""The command `model`: other encoders than the default one."""

from pathlib import Path
from typing import Annotated

import typer

from qa.cli.options import Index, Json, Seeds
from qa.cli.output import complain, print_json, print_text
from qa.settings import DEFAULT_MODEL, INDEX

app = typer.Typer(
    name="model",
    help="Add, list and remove encoders besides the default one.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def add(
    model: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_FOLDER", help="A model of the hub, such as owner/model, or a folder."
        ),
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option(help="Its name here.", show_default="the hub's, or the folder's last part"),
    ] = None,
    question_prompt: Annotated[
        str | None,
        typer.Option(help="What stands before a question.", show_default="the model's own"),
    ] = None,
    passage_prompt: Annotated[
        str | None,
        typer.Option(help="What stands before a passage.", show_default="the model's own"),
    ] = None,
) -> None:
    """Make a model one of this machine's: downloaded, checked, exported, with a codebook."""
    from qa import terminal
    from qa.encoding import adding

    added = adding.add(
        model,
        name=name,
        prompts=adding.Prompts(question_prompt, passage_prompt),
        report=complain,
        bar=terminal.counting_bar,
    )
    size = adding.megabytes(added.size)
    print_text(
        f"{added.name} is there ({size} MB, licence {added.licence}). Build with it:\n"
        f"    QA_MODEL={added.name} qa build\n"
    )


@app.command("list")
def list_models(*, as_json: Json = False) -> None:
    """List the models of this machine, where each came from, its size and its licence."""
    from qa.encoding import adding, library
    from qa.records.forms import to_dict

    added = library.added()
    if as_json:
        print_json({"default": DEFAULT_MODEL, "added": [to_dict(model) for model in added]})
    else:
        print_text(f"{DEFAULT_MODEL}, licence Apache 2.0, in a package of its own\n")
        for model in added:
            size = adding.megabytes(model.size)
            print_text(f"{model.name}, {size} MB, licence {model.licence}, from {model.source}\n")


@app.command()
def calibrate(
    questions: Annotated[list[Path], typer.Argument(metavar="QUESTIONS.jsonl...")],
    *,
    seeds: Seeds = None,
    index: Index = None,
) -> None:
    """Give the model that an index was built with a confidence, by questions with known answers."""
    from qa import terminal
    from qa.asking.service import QA
    from qa.evaluation.calibrating import calibrate

    with (
        QA.open(index or INDEX, seeds=seeds) as qa,
        terminal.counting_bar("questions") as progress,
    ):
        done = calibrate(qa, questions, progress=progress)
    print_text(
        f"{done.model} is calibrated with {done.questions} questions (area under ROC {done.area:.2f}, "
        "on these very questions).\n"
    )


@app.command()
def remove(name: Annotated[str, typer.Argument(help="As `qa model list` shows it.")]) -> None:
    """Remove a model that was added. An index that was built with it cannot be asked any more."""
    from qa.encoding import adding, library

    size = library.remove(name)
    print_text(f"{name} is removed ({adding.megabytes(size)} MB).\n")
