"""Documents and questions in many languages."""

import unicodedata
from pathlib import Path

import pytest
from indexes import write
from served import browser, new_tab, serving  # noqa: F401

from qa.asking.pronouns import begins_with_pronoun
from qa.asking.service import QA
from qa.building.pipeline import build
from qa.errors import FilterEmpty, SettingsInvalid
from qa.identification import language_of, language_of_question
from qa.index.segmentation import asked_grams, grams, segmented
from qa.index.stop_words import is_stop_word
from qa.records.languages import in_words, warnings
from qa.sentences import sentence_ends
from qa.settings import Settings

TEXTS = {
    "ferry.md": "The ferry crosses the lake in eleven minutes. A ticket is three francs.",
    "bruecke.md": "Die Brücke wurde 1911 gebaut. Entworfen hat sie die Ingenieurin Adele Kern.",
    "cafe.md": unicodedata.normalize("NFD", "Le café ouvre à huit heures. Le phare est à côté."),
    "most.md": "Мост построил инженер Аркадий Белов. Длина моста составляет двести метров.",
    "qiao.md": "大桥由工程师林致远设计。桥上禁止骑摩托车。",
}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory, encoders):
    """An index of documents in five languages."""
    import os
    import shutil

    folder = tmp_path_factory.mktemp("languages")
    index = folder / "index"
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    for name, text in TEXTS.items():
        write(folder / "seeds", name, text)
    report = build(folder / "seeds", index)
    with QA.open(index) as qa:
        yield qa, report


def test_the_language_of_each_document_is_found(spoken):
    qa, report = spoken
    found = {each.language: each for each in qa.manifest.languages}
    assert sorted(found) == ["de", "en", "fr", "ru", "zh"] and report.languages
    assert not found["ru"].is_known and not found["zh"].is_known
    assert found["en"].is_known and found["de"].is_known and found["fr"].is_known
    assert "English 1" in in_words(report.languages)
    russian, chinese = warnings(report.languages)
    assert "does not know Russian" in russian and "does not know Chinese" in chinese


@pytest.mark.parametrize(
    ("question", "path", "said"),
    [
        ("Wer hat die Brücke entworfen?", "bruecke.md", "Adele Kern"),
        ("Кто построил мост?", "most.md", "Белов"),
        ("谁设计了大桥？", "qiao.md", "林致远"),
        ("How long does the ferry take?", "ferry.md", "eleven minutes"),
        ("Quand ouvre le café ?", "cafe.md", "huit heures"),
        (unicodedata.normalize("NFD", "Quand ouvre le café ?"), "cafe.md", "huit heures"),
    ],
)
def test_a_question_is_answered_in_its_language(spoken, question, path, said):
    qa, _ = spoken
    answer = qa.ask(question)
    first = answer.excerpts[0]
    assert first.path == path and said in first.text
    assert first.text == qa.document(first.document).text[first.start : first.end]


def test_what_the_model_does_not_know_is_told_and_words_alone_count(spoken):
    qa, _ = spoken
    answer = qa.ask("Сколько стоит билет на пароход?")
    assert not answer.answered and answer.unknown_languages == ("ru",)
    assert "does not know Russian" in answer.notes[0]
    assert qa.ask("Кто построил мост?").answered
    assert qa.ask("How much is a ticket?").answered


def test_a_phrase_is_found_however_its_letters_are_composed(spoken):
    qa, _ = spoken
    for phrase in ("“café ouvre”", unicodedata.normalize("NFD", "“café ouvre”"), "“禁止骑”"):
        places = qa.ask(phrase).places
        assert places is not None and places.passages == 1, phrase


def test_an_english_index_takes_every_question_for_english_without_looking():
    assert language_of_question("Wer hat die Brücke entworfen?", ("en",)) == "en"
    assert language_of_question("Wer hat die Brücke entworfen?", ("de", "en")) == "de"
    assert language_of_question("Is Kursk in Russia?", ("de", "en", "ru")) == "en"
    assert language_of("12 34 56") == "en" and language_of("", "de") == "de"


def test_the_language_may_be_set_and_is_a_code(tmp_path: Path):
    with pytest.raises(SettingsInvalid, match="give 'de'"):
        Settings(language="German")
    with pytest.raises(SettingsInvalid, match="ISO 639"):
        Settings(language="xx")
    assert Settings(language="de", ocr=True).ocr_language == "de"
    assert Settings(ocr=True).ocr_language == "en"


def test_words_are_segmented_where_no_blanks_part_them():
    def words(text, language):
        return [word.text for word in segmented(text, language)]

    assert words("谁设计了桥", "zh") == ["谁", "设计", "了", "桥"]
    assert words("ตั๋วราคา 20 บาท", "th") == ["ตั๋ว", "ราคา", "20", "บาท"]
    assert words("見た谁 X", "en") == ["見た谁", "X"], "a name stays whole in English"
    for word in segmented("𠀀字 дом", "zh"):
        assert "𠀀字 дом"[word.start : word.end] == word.text
    assert grams("다리를") == ["다리", "리를"] and grams("표") == ["표"]
    assert asked_grams("만들었습니까") == ["만들", "들었"]
    assert is_stop_word("何時", "ja") and is_stop_word("얼마입니까", "ko")
    assert not is_stop_word("다리", "ko")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Il a vu M. Durand hier."),
        ("fr", "Mme Roux et Mme. Petit chantent."),
        ("es", "El alcalde D. Juan vino con Dña. Ana."),
        ("it", "La chiesa di S. Maria, pag. 3."),
        ("pt", "A Exma. Dra. Rosa veio."),
        ("pl", "Kościół św. Anny i dr. Nowak."),
        ("ru", "Завод им. Пушкина."),
    ],
)
def test_an_abbreviation_ends_no_sentence(language, text):
    assert list(sentence_ends(text, language)) == [len(text)]


def test_sentences_end_by_the_rules_of_their_language():
    assert len(list(sentence_ends("大桥由林致远设计。全长五百米。", "zh"))) == 2
    clause = "สะพานนี้สร้างโดยช่างไม้ชื่อทองอินทร์ในปี 2468 ด้วยไม้สักจากป่าดอยหลวง "
    ends = list(sentence_ends(clause * 2, "th"))
    assert len(ends) >= 2 and ends[-1] == len(clause * 2)


def test_pronouns_are_those_of_the_language():
    assert begins_with_pronoun(" It is old.") and not begins_with_pronoun("Item one.")
    assert begins_with_pronoun("Sie ist alt.", "de") and not begins_with_pronoun("Sie ist alt.")
    assert begins_with_pronoun("它很长。", "zh") and not begins_with_pronoun("It is", "xx")


def test_the_page_asks_the_documents_of_the_language_that_is_chosen(spoken, browser):
    """Each language of the index is offered by its name, and stands in the address."""
    seeds = spoken[0].seeds
    with serving(seeds, seeds.parent / "index", watch=False) as at, new_tab(browser) as page:
        page.goto(f"{at}/?q=Where+is+it%3F")
        page.wait_for_selector(".card")
        page.click("#filters summary")
        chosen = page.get_by_label("Language")
        chosen.locator("option").nth(5).wait_for(state="attached")
        names = chosen.locator("option").all_inner_texts()
        assert names[1:] == ["German", "English", "French", "Russian", "Chinese"]
        chosen.select_option("German")
        page.wait_for_function(
            "() => new URLSearchParams(location.search).get('language') === 'de'"
        )
        page.wait_for_selector("#answer .path:not(:text-is('bruecke.md'))", state="detached")
        assert set(page.locator("#answer .path").all_inner_texts()) == {"bruecke.md"}
        page.reload()
        page.wait_for_selector(".card")
        assert page.get_by_label("Language").input_value() == "de"


def test_documents_in_several_languages_that_came_one_by_one_answer_as_if_at_once(
    spoken, tmp_path, encoders
):
    """One changes its language, one is renamed, and one is taken out again."""
    import os
    import shutil

    seeds, index = tmp_path / "seeds", tmp_path / "index"
    shutil.copytree(encoders, index / "encoders", copy_function=os.link)
    write(seeds, "bruecke.md", TEXTS["most.md"])
    write(seeds, "other.md", TEXTS["ferry.md"])
    build(seeds, index)
    seeds.joinpath("other.md").rename(seeds / "ferry.md")
    for name in ("bruecke.md", "cafe.md", "qiao.md"):
        write(seeds, name, TEXTS[name])
    write(seeds, "gone.md", "El puente mide doscientos metros.")
    build(seeds, index)
    seeds.joinpath("gone.md").unlink()
    write(seeds, "most.md", TEXTS["most.md"])
    build(seeds, index)
    asked = ["Wer hat die Brücke entworfen?", "Кто построил мост?", "大桥是谁设计的？", "How long?"]
    asked += ["À quelle heure ouvre le café ?", "Was kostet eine Brücke in Rom?"]
    with QA.open(index) as qa:
        assert qa.manifest.languages == spoken[0].manifest.languages
        for one, other in zip(qa.ask_many(asked), spoken[0].ask_many(asked), strict=True):
            assert (one.excerpts, one.nearest) == (other.excerpts, other.nearest)


def test_a_question_may_be_put_to_the_documents_of_a_language(spoken):
    qa, _ = spoken
    for language in ("de", ["de"], "German"):
        answer = qa.ask("Where is it?", language=language)
        assert {each.language for each in (*answer.excerpts, *answer.nearest)} == {"de"}
    both = qa.ask_many(["Where is it?"], language=["de", "fr"])[0]
    assert {each.language for each in (*both.excerpts, *both.nearest)} == {"de", "fr"}
    with pytest.raises(FilterEmpty, match="de, en, fr, ru, zh"):
        qa.ask("Where is it?", language="es")
