"""What an English question says of when, where and how becomes filters; all else stays words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from questions import BERLIN, DOOR, FRONT_DOOR, KITCHEN, KNOWN, NOW, SENSES, asked

from sage_memory.core.places.named_place import NamedPlace
from sage_memory.core.recall.query import Query, checked
from sage_memory.core.recall.question.calendar import Calendar
from sage_memory.core.recall.question.reading import LONGEST, Reading, read_words


def clock(stamp_ns: int | None) -> str:
    """Day of November and time of day in Berlin; a last nanosecond as what is after it."""
    if stamp_ns is None:
        return ""
    moment = datetime.fromtimestamp((stamp_ns + 1) // 10**9, BERLIN)
    form = "%d %H:%M" if (moment.year, moment.month) == (2026, 11) else "%Y-%m-%d %H:%M"
    return moment.strftime(form)


TIMES = [
    ("what happened today", "", "25 00:00", "26 00:00"),
    ("a dog today", "a dog", "25 00:00", "26 00:00"),
    ("a dog, earlier today", "a dog", "25 00:00", "26 00:00"),
    ("What did I see this morning?", "", "25 00:00", "25 12:00"),
    ("a red car this afternoon", "a red car", "25 12:00", "25 18:00"),
    ("who came in this evening?", "who came in?", "25 18:00", "26 00:00"),
    ("what happens tonight", "what happens", "25 18:00", "26 06:00"),
    ("who was there last night", "", "24 18:00", "25 06:00"),
    ("a bicycle yesterday", "a bicycle", "24 00:00", "25 00:00"),
    ("a bicycle Yesterday Morning", "a bicycle", "24 00:00", "24 12:00"),
    ("a bicycle yesterday in the evening", "a bicycle", "24 18:00", "25 00:00"),
    ("a bicycle the day before yesterday", "a bicycle", "23 00:00", "24 00:00"),
    ("before yesterday, a cat", "a cat", "", "24 00:00"),
    ("a cat since yesterday", "a cat", "24 00:00", ""),
    ("a cat until this morning", "a cat", "", "25 12:00"),
    ("a cat after this morning", "a cat", "25 12:00", ""),
    ("a cat on Monday", "a cat", "23 00:00", "24 00:00"),
    ("a cat on Wednesday", "a cat", "25 00:00", "26 00:00"),
    ("a cat last Wednesday", "a cat", "18 00:00", "19 00:00"),
    ("a cat on Saturday evening", "a cat", "21 18:00", "22 00:00"),
    ("a cat since Monday", "a cat", "23 00:00", ""),
    ("a cat on Friday night at 11", "a cat", "20 22:30", "20 23:30"),
    ("a cat an hour ago", "a cat", "25 13:00", "25 14:00"),
    ("a cat half an hour ago?", "a cat?", "25 13:45", "25 14:15"),
    ("a cat about ten minutes ago", "a cat", "25 14:15", "25 14:25"),
    ("a cat 2 hours ago", "a cat", "25 11:30", "25 13:30"),
    ("a cat three days ago", "a cat", "22 00:00", "23 00:00"),
    ("a cat a week ago", "a cat", "15 00:00", "22 00:00"),
    ("a cat since two hours ago", "a cat", "25 12:30", ""),
    ("a bell in the last ten minutes", "a bell", "25 14:20", "25 14:30"),
    ("a bell within the past hour", "a bell", "25 13:30", "25 14:30"),
    ("a bell during the last 3 days", "a bell", "22 14:30", "25 14:30"),
    ("a bell, the last half an hour", "a bell", "25 14:00", "25 14:30"),
    ("a bell in the last week", "a bell", "18 14:30", "25 14:30"),
    ("a bell last week", "a bell", "16 00:00", "23 00:00"),
    ("a bell this week", "a bell", "23 00:00", "30 00:00"),
    ("a bell this month", "a bell", "01 00:00", "2026-12-01 00:00"),
    ("a bell last month", "a bell", "2026-10-01 00:00", "01 00:00"),
    ("a bell last year", "a bell", "2025-01-01 00:00", "2026-01-01 00:00"),
    ("a bell this year", "a bell", "2026-01-01 00:00", "2027-01-01 00:00"),
    ("a bell this week on Monday", "a bell", "23 00:00", "24 00:00"),
    ("a bell before 9", "a bell", "25 00:00", "25 09:00"),
    ("a bell before 9 yesterday", "a bell", "24 00:00", "24 09:00"),
    ("a bell before 9am", "a bell", "25 00:00", "25 09:00"),
    ("a bell after 1:15 pm", "a bell", "25 13:15", "26 00:00"),
    ("a bell after 18:00", "a bell", "24 18:00", "25 00:00"),
    ("a bell since noon", "a bell", "25 12:00", ""),
    ("a bell at noon", "a bell", "25 11:30", "25 12:30"),
    ("a bell at 9:15", "a bell", "25 09:05", "25 09:25"),
    ("a bell at 9 last night", "a bell", "24 20:30", "24 21:30"),
    ("a bell yesterday before midnight", "a bell", "24 00:00", "25 00:00"),
    ("a bell between 9 and 11", "a bell", "25 09:00", "25 11:00"),
    ("a bell between 9 and 11 pm yesterday", "a bell", "24 21:00", "24 23:00"),
    ("a bell from 9 to 5 yesterday", "a bell", "24 09:00", "24 17:00"),
    ("a bell since Monday until yesterday", "a bell", "23 00:00", "25 00:00"),
    ("a bell on 20 November", "a bell", "20 00:00", "21 00:00"),
    ("a bell on November 20th", "a bell", "20 00:00", "21 00:00"),
    ("a bell on the 24th of December", "a bell", "2025-12-24 00:00", "2025-12-25 00:00"),
    ("a bell on 3 May 2025 before noon", "a bell", "2025-05-03 00:00", "2025-05-03 12:00"),
    ("a bell since 2026-11-20", "a bell", "20 00:00", ""),
]


@pytest.mark.parametrize(("text", "words", "start", "end"), TIMES)
def test_when(text: str, words: str, start: str, end: str) -> None:
    reading = asked(text)
    found = reading.query
    assert (clock(found.start_ns), clock(found.end_ns)) == (start, end)
    assert found.text == words
    assert len(reading.notes) >= 2 and "--literal" in reading.notes[-1]
    checked(Query(start_ns=found.start_ns, end_ns=found.end_ns))


NEWEST = [
    ("when did I last see a dog?", "dog", 10),
    ("the last time I saw a dog", "I saw a dog", 10),
    ("when was the last time that we met Anna", "we met Anna", 10),
    ("where was the dog last seen?", "dog seen", 10),
    ("What did you see last?", "", 10),
    ("where have you most recently found a cup", "where have you found a cup", 10),
    ("the last three times there was a dog", "there was a dog", 3),
    ("the last 2000 times there was a dog", "there was a dog", 10),
]


@pytest.mark.parametrize(("text", "words", "limit"), NEWEST)
def test_the_last_time(text: str, words: str, limit: int) -> None:
    reading = asked(text)
    assert (reading.query.newest_first, reading.query.text) == (True, words)
    assert reading.query.limit == limit
    assert "newest first" in reading.notes[0]


PLACES = [
    ("a dog in the kitchen", KITCHEN, "a dog"),
    ("who was at the door last night?", DOOR, ""),
    ("a parcel at the front door", FRONT_DOOR, "a parcel"),
    ("near my Kitchen, a dog", KITCHEN, "a dog"),
    ("what happened in the kitchen yesterday", KITCHEN, ""),
    ("in the kitchen and again in the kitchen", KITCHEN, ""),
]


@pytest.mark.parametrize(("text", "place", "words"), PLACES)
def test_where(text: str, place: NamedPlace, words: str) -> None:
    reading = asked(text)
    found = reading.query
    assert (found.place_frame, found.place) == (place.frame, place.centre)
    assert found.place_radius_m == place.radius_m
    assert found.text.replace("and again", "").strip() == words
    assert any(note.startswith(f"{place.name}: within ") for note in reading.notes)


WORDS = [
    "",
    "   ",
    "a street with trees",
    "where is my cup",
    "in the kitchen drawer",
    "at the door handle",
    "the kitchen",
    "in the garden",
    "everything except yesterday",
    'the film "last night"',
    "he said “today” and left",
    "yesterday's newspaper",
    "yesterday’s newspaper",
    "the today show",
    "the last door on the left",
    "the last two minutes of the film",
    "at the last minute",
    "goodbye for the last time",
    "one last time",
    "a candle that would last",
    "the latest news",
    "the week before",
    "last name",
    "before 9 people came",
    "before the meeting",
    "at gate 9",
    "a few minutes ago",
    "long ago",
    "in the morning",
    "Friday",
    "Robinson and Friday",
    "on Mondays",
    "a route from 1 to nowhere",
    "3:10 to Yuma",
    "a rate of 9:1",
    "x" * (LONGEST + 1) + " yesterday",
    # the same in other languages
    "der Hund heute Morgen in der Küche",
    "wann habe ich zuletzt einen Hund gesehen",
    "où ai-je vu un vélo hier",
    "¿dónde vi una bicicleta ayer?",
    "dove ho visto una bici ieri",
    "onde vi uma bicicleta ontem",
    "waar zag ik gisteren een fiets",
    "var såg jag en cykel i går",
    "hvor så jeg en cykel i går",
    "missä näin pyörän eilen",
    "gdzie wczoraj widziałem rower",
    "kde jsem včera viděl kolo",
    "hol láttam tegnap biciklit",
    "unde am văzut ieri o bicicletă",
    "къде видях вчера колело",
    "где я видел вчера велосипед",
    "де я бачив учора велосипед",
    "πού είδα χθες ένα ποδήλατο",
    "dün nerede bisiklet gördüm",
    "איפה ראיתי אתמול אופניים",
    "أين رأيت دراجة أمس",
    "دیروز کجا دوچرخه دیدم",
    "मैंने कल साइकिल कहाँ देखी",
    "গতকাল কোথায় সাইকেল দেখেছি",
    "நேற்று மிதிவண்டியை எங்கே பார்த்தேன்",
    "เมื่อวานฉันเห็นจักรยานที่ไหน",
    "hôm qua tôi thấy xe đạp ở đâu",
    "kemarin saya melihat sepeda di mana",
    "昨天我在哪里看到自行车",
    "昨日どこで自転車を見ましたか",
    "어제 어디에서 자전거를 봤어요",
    "jana niliona baiskeli wapi",
    "gister waar het ek 'n fiets gesien",
    "kur es vakar redzēju velosipēdu",
]


@pytest.mark.parametrize("text", WORDS)
def test_what_is_not_understood_stays_words(text: str) -> None:
    assert asked(text) == Reading(Query(text=text))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("today and yesterday", "today, yesterday: no time is in all of them, asked as words"),
        ("a cat at 9 or at 10", "at 9, at 10: no time is in all of them, asked as words"),
        ("in the kitchen or at the door", "door, kitchen: one place at a time, asked as words"),
        ("in the kitchen or the door", "door, kitchen: one place at a time, asked as words"),
        ("a cat in the kitchen or upstairs", "kitchen: one place at a time, asked as words"),
        (
            "a car not in the kitchen",
            "not in the kitchen: not understood as a place, asked as words",
        ),
        (
            "is a cat in the cellar",
            "cellar: no place has this name (`sage place cellar` gives it, there), asked as words",
        ),
        (
            "a dog in our back garden?",
            "back garden: no place has this name (`sage place back garden` "
            "gives it, there), asked as words",
        ),
        *(
            (f"a cat {when}", f"{when}: not understood as a time, asked as words")
            for when in (
                "at 25",
                "at 25:00",
                "between 9 and 77",
                "on the 31st of February",
                "on 2026-13-41",
                "0 minutes ago",
                "9999 weeks ago",
            )
        ),
        (
            "a note, did Bert say anything",
            "Bert: nothing in the memory is from somebody of this name, asked as words",
        ),
    ],
)
def test_what_cannot_be_one_filter_is_said(text: str, told: str) -> None:
    assert asked(text) == Reading(Query(text=text), (told,))


def test_notes_show_every_filter() -> None:
    reading = asked("what did I last see in the kitchen this morning, a red car?")
    assert reading.notes == (
        "last: newest first",
        "this morning: from 00:00 to 12:00",
        "kitchen: within 2.3 m of 1.0, -2.0 in map",
        "see: modality vision",
        'words left: "red car"; --literal (literal) makes no filters of words',
    )
    assert asked("yesterday").notes[0] == ("yesterday: from 2026-11-24 00:00 to 2026-11-25 00:00")
    assert asked("today").notes[0] == "today: from 00:00 to 24:00"
    assert asked("since noon").notes[0] == "since noon: from 12:00"
    assert asked("before yesterday").notes[0] == "before yesterday: until 2026-11-24 00:00"


def test_a_condition_that_is_set_leaves_words_about_it_alone() -> None:
    text = "did I see a dog in the kitchen yesterday"
    conditions = {"start_ns": 5, "modality": "audio", "place_frame": "odom",
                  "place": (0.0, 0.0, 0.0), "place_radius_m": 1.0}  # fmt: skip
    assert asked(text, **conditions) == Reading(Query(text=text, **conditions))


def test_days_are_those_of_the_zone_also_where_a_day_is_shorter() -> None:
    spring = datetime(2026, 3, 29, 14, 0, tzinfo=BERLIN)
    short = asked("today", now=spring).query
    assert short.end_ns + 1 - short.start_ns == 23 * 3600 * 10**9
    there = NOW.astimezone(ZoneInfo("Pacific/Auckland"))
    begun = asked("today", now=there).query.start_ns
    assert datetime.fromtimestamp(begun / 1e9, there.tzinfo).hour == 0
    assert begun != asked("today").query.start_ns


def test_before_six_the_night_is_still_the_last_one() -> None:
    early = NOW.replace(hour=2)
    for text in ("tonight", "last night"):
        found = asked(text, now=early).query
        assert (clock(found.start_ns), clock(found.end_ns)) == ("24 18:00", "25 06:00")


@pytest.mark.parametrize("now", [0, 1, 3600 * 10**9, 2**63 - 1])
@pytest.mark.parametrize("text", [text for text, *_ in TIMES])
def test_any_clock_is_taken(text: str, now: int) -> None:
    reading = read_words(Query(text=text), Calendar(now, BERLIN), KNOWN)
    checked(Query(start_ns=reading.query.start_ns, end_ns=reading.query.end_ns))


PIECES = st.sampled_from(
    [text for text, *_ in (*TIMES, *NEWEST, *PLACES, *SENSES)] + [*WORDS, '"', "not", ",", "and"]
)


@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=6).map(" ".join)))
def test_any_text_is_read(text: str) -> None:
    reading = asked(text)
    found = reading.query
    checked(
        Query(
            start_ns=found.start_ns,
            end_ns=found.end_ns,
            limit=found.limit,
            place=found.place,
            place_frame=found.place_frame,
            place_radius_m=found.place_radius_m,
        )
    )
    assert (found == Query(text=text)) or reading.notes, "no filter without a note"
    assert reading == asked(text)


@given(st.integers(0, 2**62))
def test_now_is_today(now_ns: int) -> None:
    found = read_words(Query(text="x today"), Calendar(now_ns, BERLIN), KNOWN).query
    assert found.start_ns is not None and found.end_ns is not None
    assert found.start_ns <= now_ns <= found.end_ns
    assert found.end_ns - found.start_ns >= 22 * 3600 * 10**9
