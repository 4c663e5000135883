import re

import pytest
from glottis_festival.russian import speakable_russian
from hypothesis import given
from hypothesis import strategies as st

SPEAKABLE = re.compile(r"(?:[а-яё .,;:!?-]|\+(?=[аеёиоуыэюя]))*")
ODDITIES = st.text(
    alphabet=st.one_of(st.sampled_from("0123456789 .,:-+/()№%₽$абвгеёйъьАБЪя'\"\\\n"), st.characters())
)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("У меня 2 книги, 1 минута и 21 день.", "у меня две книги, одна минута и двадцать один день."),
        ("Осталось 1 окно, 22 недели", "осталось одно окно, двадцать две недели"),
        ("О 5 странах, в 3 городах, с 2 друзьями", "о пяти странах, в трёх городах, с двумя друзьями"),
        ("к 5 часам, более 100 рублей", "к пяти часам, более ста рублей"),
        ("через 1 минуту", "через одну минуту"),
        ("-5 или \u22127", "минус пять или минус семь"),
        ("Итого 1 000 000", "итого один миллион"),
        ("Код 0042", "код ноль ноль четыре два"),
        ("3,14", "три целых четырнадцать с+отых"),
        ("1,5 часа и 1,5 минуты", "полтора часа и полт+оры минуты"),
        ("Версия 1.2.3", "версия один точка два точка три"),
        ("5-й этаж, 2-го подъезда, в 80-е годы", "пятый этаж, второго подъезда, в восьмидесятые годы"),
        ("на 3 этаже, 2 страница", "на третьем этаже, вторая страница"),
        ("25-летний, 2-комнатная", "двадцатипятилетний, двухкомнатная"),
    ],
)
def test_numbers_are_words_in_their_case_and_gender(written: str, spoken: str) -> None:
    assert speakable_russian(written).startswith(spoken)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Сегодня 5 мая 2024 г.", "сегодня пятое мая две тысячи двадцать четвёртого года"),
        ("Приходите 5 мая, к 9 мая", "приходите пятого мая, к девятому мая"),
        ("В 2024 году, с 1999 года, 2000 год", "в две тысячи двадцать четвёртом году, с тысяча девятьсот"),
        ("01.02.2023", "первого февраля две тысячи двадцать третьего года"),
        ("с 5 по 10 мая", "с пятого по десятое мая"),
        ("В 10:30 или 9:00", "в десять тридцать или девять часов"),
        ("с 9:00 до 18:00", "с девяти часов до восемнадцати часов"),
        ("45.99.2023", "сорок пять точка девяносто девять точка две тысячи двадцать три"),
    ],
)
def test_dates_and_times_are_read_as_such(written: str, spoken: str) -> None:
    assert speakable_russian(written).startswith(spoken)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("1 500 ₽", "одна тысяча пятьсот рублей"),
        ("99,90 руб.", "девяносто девять рублей девяносто копеек"),
        ("$45.50 или 5€", "сорок пять долларов пятьдесят центов или пять евро"),
        ("2 тыс. руб., 3,5 млн долларов", "две тысячи рублей, три целых пять десятых миллиона долларов"),
        ("до 5 кг, около 1 км", "до пяти килограммов, около одного километра"),
        ("25%, 21%, 2,5%", "двадцать пять процентов, двадцать один процент, две целых пять десятых процента"),
        ("2 мин, 1 шт., 3 м/с", "две минуты, одна штука, три метра в секунду"),
        ("за 1 мин", "за одну минуту"),
        ("-5°C", "минус пять градусов"),
    ],
)
def test_amounts_agree_with_their_units(written: str, spoken: str) -> None:
    assert speakable_russian(written) == spoken


def test_a_telephone_number_is_read_in_groups() -> None:
    assert speakable_russian("+7 (495) 120-05-67") == (
        "плюс семь, четыреста девяносто пять, сто двадцать, ноль пять, шестьдесят семь"
    )


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("т. е. и т.д.", "то есть и так далее"),
        ("г. Москва, ул. Ленина, д. 5, кв. 12", "город москва, улица ленина, дом пять, квартира двенадцать"),
        ("ООО «Ромашка», НДС и МТС", "о о +о ромашка, эн дэ +эс и эм тэ +эс"),
        ("НАТО и ГАИ", "нато и гаи"),
        ("ВНИМАНИЕ! СРОЧНО!", "внимание! срочно!"),
        ("буква ь, пункт г", "буква мягкий знак, пункт г+э"),
    ],
)
def test_abbreviations_are_written_out(written: str, spoken: str) -> None:
    assert speakable_russian(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Wi-Fi и USB-кабель", "вай ф+ай и ю эс би кабель"),
        ("iPhone 15 Pro, MP3", "айф+он пятнадцать про, эм пи три"),
        ("Photoshop, shopping, quick", "фотошоп, шоппинг, квик"),
        ("info@example.ru", "инфо собака эксампл точка ру"),
        ("https://www.glottis.ru/", "глоттис точка ру"),
        ("Ї, ґава", "и, гава"),
    ],
)
def test_latin_and_foreign_letters_are_spelled_in_russian_ones(written: str, spoken: str) -> None:
    assert speakable_russian(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Вася́ — молодец…", "вася, молодец."),
        ("« Да » , — сказал он ...", "да, сказал он."),
        ("a+b=c & d", "эй плюс би равно си и ди"),
        ("по-русски, - кто-то", "по-русски, кто-то"),
        ('(system "touch /tmp/x") \\', "систем тауч ти эм пи икс"),
        ("!!!", ""),
        ("你好 🙂", ""),
        ("+", "плюс"),
    ],
)
def test_marks_are_kept_where_the_voice_knows_them(written: str, spoken: str) -> None:
    assert speakable_russian(written) == spoken


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Наш офис в Москве", "наш +офис в москв+е"),
        ("Договоры, скидку, отзывы", "догов+оры, ск+идку, +отзывы"),
        ("россияне почти у сайта", "россияне почти у с+айта"),
    ],
)
def test_words_that_the_voice_stresses_wrongly_are_marked(written: str, spoken: str) -> None:
    assert speakable_russian(written) == spoken


def test_a_word_without_an_end_is_cut() -> None:
    assert max(map(len, speakable_russian("ы" * 1000).split())) == 30


@given(ODDITIES)
def test_whatever_is_written_comes_out_speakable(text: str) -> None:
    spoken = speakable_russian(text)
    assert SPEAKABLE.fullmatch(spoken)
    assert all(len(word) <= 31 for word in spoken.split())
    assert spoken == "" or re.search("[а-яё]", spoken)
