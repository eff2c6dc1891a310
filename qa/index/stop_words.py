"""Stop words by language: those that a question is not looked for by. The only importer of stop-words."""

import re
import unicodedata
from functools import cache

import stop_words as library

from qa.languages import ENGLISH

STOP_WORDS = frozenset(
    """
    a about after all also an and any are as at be been before between both but by can could did
    do does doing for from had has have having he her here him his how i if in into is it its me
    more most my no not of on or other our out over s she should so some such t than that the
    their them then there these they this those through to under up was we were what when where
    which while who whom whose why will with would you your
    """.split()  # noqa: SIM905 - ninety quoted words are no list that one reads
)
_QUESTION_WORDS = {  # that the library's lists do not have
    "ar": "من ما ماذا متى أين كم كيف لماذا هل أي",
    "cs": "kdo co kdy kde kolik jak jaký jaká jaké který která které proč",
    "da": "hvem hvad hvornår hvor hvordan hvorfor hvilken hvilket hvilke",
    "de": "wer wen wem wessen was wann wo wohin woher warum wieso wie viel viele welche welcher welches",
    "el": "ποιος ποια ποιο τι πότε πού πόσο πόσα πώς γιατί",
    "es": "quién quiénes qué cuál cuáles cuándo dónde cuánto cuánta cuántos cuántas cómo",
    "fi": "kuka ketä mikä mitä milloin missä paljonko kuinka miten miksi montako",
    "fr": "qui que quoi quand où combien comment pourquoi quel quelle quels quelles est-ce",
    "hu": "ki mi mikor hol mennyi mennyibe hány hogyan miért melyik",
    "it": "chi che cosa quando dove quanto quanta quanti quante come perché quale quali",
    "ja": "誰 だれ 何 なに いつ どこ どの どれ どう なぜ いくら いくつ どれくらい ください です ます ました か は が を に の",
    "ko": "누가 누구 무엇 무엇을 언제 어디 어디에 어디서 얼마 얼마나 몇 어떻게 왜 어떤 입니까 있습니까",
    "nl": "wie wat wanneer waar hoeveel hoe waarom welke welk",
    "no": "hvem hva når hvor hvordan hvorfor hvilken hvilket hvilke",
    "pl": "kto kogo co kiedy gdzie ile jak jaki jaka jakie który która które dlaczego czy",
    "pt": "quem que quê qual quais quando onde quanto quanta quantos quantas como porque",
    "ro": "cine ce când unde cât câtă câți câte cum care",
    "ru": "каков какова каково каковы каким какой каких какого каком чьим чьей скольких скольким кто кого кому что чего когда где куда сколько как какой какая какое какие почему чей",
    "sv": "vem vad när var hur varför vilken vilket vilka",
    "th": "ใคร อะไร เมื่อไร เมื่อไหร่ ที่ไหน เท่าไร เท่าไหร่ เท่า ไหร่ อย่างไร ทำไม กี่ ที่ ไหน คือ เป็น ของ ใน และ มี ไหม หรือ",
    "tr": "kim kimi ne nedir neden nerede hangi kaç nasıl niçin",
    "uk": "хто кого що коли де куди скільки як який яка яке які чому",
    "zh": "谁 什么 什么时候 何时 哪 哪里 哪儿 哪个 多少 多少钱 几 怎么 怎样 为什么 吗 呢 了 的 在 是 有 和 多 座 这 这座 那",
}


_BEGINNINGS = {  # of question words that are written in one with what they ask for: 何時, 얼마입니까
    "ja": re.compile("何|誰|[\u3040-\u309f]{1,2}\\Z"),
    "ko": re.compile("누구|누가|무엇|무슨|언제|어디|어느|얼마|몇|어떤|어떻게|입니까|있습니까"),
    "zh": re.compile("多|几|哪|什么|谁"),
}


def is_stop_word(word: str, language: str) -> bool:
    """Whether a question of that language is not looked for by a word, given in lower case."""
    if word in stop_words(language):
        return True
    beginning = _BEGINNINGS.get(language)
    return beginning is not None and beginning.match(word) is not None


@cache
def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language, in lower case; none where no list is known."""
    if language == ENGLISH:
        return STOP_WORDS
    known = {"nb" if language == "no" else language}.intersection(library.LANGUAGE_MAPPING)
    words = [word for code in known for word in library.get_stop_words(code)]
    more = _QUESTION_WORDS.get(language, "").split()
    return frozenset(unicodedata.normalize("NFC", word).lower() for word in (*words, *more))
