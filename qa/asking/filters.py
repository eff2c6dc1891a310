"""Filters: what a question says of paths -> the passages that it is asked of.

    manuals, manuals/     what is in the folder
    ./ri.md               ri.md
    *.MD                  *.md as well: a suffix is one in capitals, too
    **/ri.md              ri.md as well: `**/` may be no folder at all

Besides, a span of days may be given: documents are dated by what they say, or else by their files.

Where no path is named to the letter, capitals are passed over. What names nothing then is an error,
since the documents were not asked.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from glob import escape
from itertools import islice
from pathlib import PurePosixPath
from typing import NamedTuple

from qa.errors import FilterEmpty
from qa.index.globs import Globs, literal
from qa.index.store import Filter, Snapshot
from qa.languages import code_of
from qa.records.dates import ALWAYS, Days

SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}$")
EXPLAINED = 500  # characters of globs, up to which each is looked at by itself
COMPARED = 2_000  # paths that are looked through for one that is written much like a filter
LOOKED_THROUGH = 100_000  # paths, for what an error tells of them
ALL = ("*",)
SHOWN = 6  # folders, kinds and paths that an error names

PathsOf = Callable[[Sequence[str]], Iterator[str]]
"""globs -> the paths of documents that one of them names, sorted, read while they are asked for"""


class Filtered(NamedTuple):
    """The passages that filters leave."""

    among: Filter | None  # None: all of them
    notes: tuple[str, ...] = ()  # what the filters name in vain
    one: bool = False  # whether `only` chose one document of several


def filtered(
    snapshot: Snapshot,
    only: Sequence[str],
    exclude: Sequence[str],
    days: Days = ALWAYS,
    language: str | Sequence[str] = (),
) -> Filtered:
    """The passages of the documents that `only` names, of these days, less what `exclude` names.

    `language` is a code or several. Raises FilterEmpty when `only` names no document, none is of
    these days or in these languages, or `exclude` names all.
    """
    languages = _spoken(snapshot, language)
    if not only and not exclude and not days and not languages:
        return Filtered(None)
    named = snapshot.paths_of
    wanted, unwanted = understood(only, named), understood(exclude, named)
    if only and not wanted:
        raise FilterEmpty(_names_nothing(snapshot, only))
    if days and not _are_dated(snapshot, wanted, days):
        raise FilterEmpty(
            f"No document that the filters leave is dated {days}: "
            "take the days away, or name others."
        )
    among = snapshot.among(wanted, unwanted, languages, days)
    documents = snapshot.manifest.documents if among is None else snapshot.documents_in(among)
    if not documents:
        raise FilterEmpty(
            f"The filters leave no document: what {_quoted(only) or 'is there'} names, "
            f"{_quoted(exclude) or 'the language'} leaves out."
        )
    return Filtered(
        among,
        (*_in_vain(only, named, "names"), *_in_vain(exclude, named, "leaves out")),
        bool(wanted or days) and documents == 1 < snapshot.manifest.documents,
    )


def _spoken(snapshot: Snapshot, language: str | Sequence[str]) -> list[str]:
    """The codes of the languages that are named. Raises FilterEmpty where no document is in one."""
    wanted = [language] if isinstance(language, str) else language
    codes = [code_of(each) or each for each in wanted if each]
    known = [each.language for each in snapshot.manifest.languages]
    if missing := [code for code in codes if code not in known]:
        raise FilterEmpty(
            f"No document is in the language {_quoted(missing)}: there are {', '.join(known)}."
        )
    return codes


def _are_dated(snapshot: Snapshot, wanted: Sequence[str], days: Days) -> bool:
    """Whether a document that globs name is of these days."""
    among = snapshot.among(wanted, (), (), days)
    return among is not None and snapshot.documents_in(among) > 0


def understood(globs: Sequence[str], paths_of: PathsOf) -> list[str]:
    """The globs as an index takes them; none when they name none of its paths."""
    found = [each for glob in globs for each in _alternatives(_cleaned(glob), paths_of)]
    if not globs or next(paths_of(found), None) is not None:
        return found
    folded = Globs([each for glob in globs for each in _meant(_cleaned(glob).casefold())])
    return [escape(path) for path in paths_of(ALL) if folded.match(path.casefold())]


def _alternatives(glob: str, paths_of: PathsOf) -> list[str]:
    """What a glob may mean; itself alone, where it is the path of a document."""
    is_path = literal(glob) is not None and next(paths_of([glob]), None) is not None
    return [glob] if is_path else _meant(glob)


def _meant(glob: str) -> list[str]:
    meant = dict.fromkeys((glob, glob.replace("**/", "", 1), glob.replace("**/", "")))
    return [each for one in meant for each in (SUFFIX.sub(_in_both_cases, one), f"{one}/*")]


def _in_both_cases(suffix: re.Match[str]) -> str:
    return "".join(f"[{a.lower()}{a.upper()}]" if a.isalpha() else a for a in suffix[0])


def _cleaned(glob: str) -> str:
    """The glob without what says nothing: `"./manuals//"` is `"manuals"`."""
    parts = [part for part in glob.strip().split("/") if part not in ("", ".")]
    return "/".join(parts) or glob


def _in_vain(globs: Sequence[str], paths_of: PathsOf, verb: str) -> list[str]:
    """A line on each glob that names nothing; `verb` is what it should do."""
    if sum(map(len, globs)) > EXPLAINED:
        return []
    vain = [glob for glob in globs if not understood([glob], paths_of)]
    return [f"The filter {_quoted([glob])} {verb} nothing." for glob in vain]


def _names_nothing(snapshot: Snapshot, only: Sequence[str]) -> str:
    """What is wrong with globs that name no document, and what there is."""
    plural = (
        "The filters {} name no document." if len(only) > 1 else "The filter {} names no document."
    )
    message = plural.format(_quoted(only))
    for glob in only[:SHOWN]:
        file = snapshot.file(_cleaned(glob))
        if file is not None:
            return f"{message} The file is there, but {file.status}{_because(file.reason)}."
    paths = list(islice(snapshot.paths_of(ALL), LOOKED_THROUGH))
    near = [path for glob in only[:SHOWN] for path in _near(_cleaned(glob), paths)]
    if near:
        return f"{message} Is {' or '.join(near[:3])} meant?"
    folders = sorted({path.partition("/")[0] for path in paths if "/" in path})
    kinds = Counter(PurePosixPath(path).suffix.lower() for path in paths)
    parts = [f"folders {_listed(folders)}"] if folders else []
    parts += [f"kinds {_listed([f'*{kind}' for kind, _ in kinds.most_common() if kind])}"]
    return f"{message} There are {'; '.join(parts)}; paths such as {_listed(paths[:2])}."


def _near(glob: str, paths: Sequence[str]) -> list[str]:
    """Paths that end as the glob does, or are written much like it."""
    name = glob.rpartition("/")[2].casefold()
    ends = [path for path in paths if f"/{path}".casefold().endswith(f"/{name}")]
    inside = [path for path in paths if f"/{name}/" in f"/{path}".casefold()]
    folders = [path[: f"/{path}/".casefold().index(f"/{name}/") + len(name)] for path in inside]
    alike = get_close_matches(glob, paths[:COMPARED], n=3, cutoff=0.8) if len(glob) < 100 else []
    return list(dict.fromkeys([*ends, *folders, *alike])) if name else []


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _quoted(globs: Sequence[str]) -> str:
    return _listed([f"“{glob[:100]}”" for glob in globs])


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
