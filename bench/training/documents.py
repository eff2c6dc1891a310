"""Makes the documents of the training sets out of packages that carry public text.

    python bench/training/documents.py TARGET

Downloads the packages of `PACKAGES` by pip and writes one folder a set below TARGET: `articles` (an
old sample of Wikipedia, CC BY-SA), `news` (the Lee corpus of broadcast news), `manuals` (Django's
documentation, BSD) and `licences` (licence texts). The questions over them lie beside this script;
their spans hold for exactly these texts. Articles on topics of the sets that this project is
measured by are left out.
"""

import bz2
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import mwparserfromhell

PACKAGES = ("gensim==4.4.0", "scancode-toolkit-mini==32.5.0", "django==5.2")
SAMPLE = "enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2"
NEWS = "lee_background.cor"
LEFT_OUT = {"Apollo 8", "Apollo 11", "American Football Conference"}
LEAST_WORDS = 700  # of an article
ARTICLE_WORDS = 6_000  # the first of each
MANUALS = r"docs/(faq|topics|howto|internals|intro|misc)/.*\.txt"
LICENCE_WORDS = (900, 6_000)
LICENCES = 60

Texts = Iterator[tuple[str, str]]
"""names of files and their texts"""


def main() -> None:
    """Writes the sets."""
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        found = {package: downloaded(package, Path(folder)) for package in PACKAGES}
        corpora, licences, manuals = found.values()
        for name, texts in {
            "articles": articles(corpora),
            "news": news(corpora),
            "manuals": manuals_of(manuals),
            "licences": licence_texts(licences),
        }.items():
            count = write(target / name / "documents", texts)
            print(f"{name}: {count} documents")


def downloaded(package: str, folder: Path) -> Path:
    """The package's file: a wheel, or its source where the wheel has no documents."""
    place = folder / package
    source = ["--no-binary", ":all:"] if package.startswith("django") else []
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(place)]
    subprocess.run([*command, *source, package], check=True)
    return next(place.iterdir())


def write(folder: Path, texts: Texts) -> int:
    """Writes the texts; how many there were."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts:
        (folder / name).write_text(text, encoding="utf-8")
    return len(list(folder.iterdir()))


def articles(wheel: Path) -> Texts:
    """The longer articles of the sample, as Markdown."""
    with zipfile.ZipFile(wheel) as archive:
        data = bz2.decompress(archive.read(f"gensim/test/test_data/{SAMPLE}"))
    for page in ET.fromstring(data).iter():
        if not page.tag.endswith("}page"):
            continue
        space = page.tag.removesuffix("page")
        title = page.findtext(f"{space}title") or ""
        result = page.findtext(f"{space}revision/{space}text") or ""
        text = plain(result)
        if len(text.split()) >= LEAST_WORDS and title not in LEFT_OUT and ":" not in title:
            yield f"{slug(title)}.md", f"# {title}\n\n{text}\n"


def plain(wikitext: str) -> str:
    """The article's prose with its headings, to the last whole paragraph of `ARTICLE_WORDS`."""
    code = mwparserfromhell.parse(re.sub(r"(?s)\{\|.*?\n\|\}", "", wikitext))
    for node in [*code.ifilter_tags(matches=lambda tag: tag.tag in ("ref", "gallery", "math"))]:
        try:
            code.remove(node)
        except ValueError:  # it stood in one that is gone
            continue
    for link in code.filter_wikilinks():
        if re.match(r"(?i)(file|image|category):", str(link.title)):
            try:
                code.remove(link)
            except ValueError:
                continue
    paragraphs, words = [], 0
    for part in code.strip_code().split("\n"):
        line = re.sub(r"\s+", " ", part).strip()
        if re.fullmatch(r"(?i)(see also|references|notes|bibliography|external links)", line):
            break
        if words > ARTICLE_WORDS:
            break
        if line and not line.startswith(("|", "!", "*", "#", ":", "{")):
            words += len(line.split())
            is_heading = len(line) < 60 and not line.endswith((".", ":", '"', ")"))
            paragraphs.append(f"## {line}" if is_heading else line)
    return "\n\n".join(paragraphs)


def news(wheel: Path) -> Texts:
    """The pieces of news, each in a file."""
    with zipfile.ZipFile(wheel) as archive:
        lines = archive.read(f"gensim/test/test_data/{NEWS}").decode().splitlines()
    pieces = dict.fromkeys(line.strip() for line in lines if line.strip())
    for number, piece in enumerate(pieces):
        yield f"{number:03}.txt", f"{piece}\n"


def manuals_of(source: Path) -> Texts:
    """The prose part of the manual, as it is written."""
    with tarfile.open(source) as archive:
        for member in archive:
            _, _, name = member.name.partition("/")
            if re.fullmatch(MANUALS, name):
                stream = archive.extractfile(member) or io.BytesIO()
                yield f"{slug(name[5:-4])}.txt", stream.read().decode()


def licence_texts(wheel: Path) -> Texts:
    """Licence texts of middle length, evenly spread over their names."""
    found = []
    with zipfile.ZipFile(wheel) as archive:
        for name in sorted(archive.namelist()):
            if re.fullmatch(r"licensedcode/data/licenses/.*\.LICENSE", name):
                text = archive.read(name).decode()
                _, _, text = text.removeprefix("---").partition("\n---\n")
                if LICENCE_WORDS[0] <= len(text.split()) <= LICENCE_WORDS[1]:
                    found.append((f"{slug(Path(name).stem)}.txt", text.strip() + "\n"))
    return iter(found[:: max(1, len(found) // LICENCES)][:LICENCES])


def slug(title: str) -> str:
    """The title as the name of a file."""
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


if __name__ == "__main__":
    main()
