"""Lists as ticket shops and spreadsheets write them: read right, or refused with the line."""

import pytest

from server.exports import sign_up_list
from server.exports.sign_up_list import ListUnreadable


def _names(data: bytes) -> list[tuple[int, str, str | None]]:
    return [(one.line, one.name, one.email) for one in sign_up_list.read(data).people]


@pytest.mark.parametrize(
    "data",
    [
        b"name,e-mail\nLi Wei,wei@example.org\nKim,\n",
        b"\xef\xbb\xbfname,e-mail\r\nLi Wei,WEI@example.org\r\nKim,\r\n",
        b"Name;E-Mail\r\nLi Wei;wei@example.org\r\nKim\r\n",
        b"name\te-mail\rLi Wei\twei@example.org\rKim\t\r",
        b'"e-mail","name"\n"wei@example.org","Li\n Wei"\n"","Kim"'.replace(b'"Li\n Wei"', b'"Li  Wei"'),
        "name,email\nLi Wei,wei@example.org\nKim,".encode("utf-16"),
        b"name,phone, email \nLi Wei,123,wei@example.org\nKim,,\n\n,,\n",
    ],
)
def test_the_forms_in_which_lists_come(data: bytes) -> None:
    assert _names(data) == [(2, "Li Wei", "wei@example.org"), (3, "Kim", None)]


def test_chinese_headings_and_names_and_addresses_as_signing_in_spells_them() -> None:
    read = _names("姓名,邮箱\n李伟,Wei@例子.中国\n".encode())
    assert read == [(2, "李伟", "wei@xn--fsqu00a.xn--fiqs8s")]


def test_a_name_over_two_lines_is_one_name_and_lines_are_counted_on() -> None:
    assert _names(b'name\n"Li\r\nWei"\nKim\n') == [(2, "Li Wei", None), (4, "Kim", None)]


def test_two_of_one_name_are_two_and_a_line_said_twice_is_one() -> None:
    read = sign_up_list.read(b"name,email\nKim,\nkim,\nLi,a@b.org\nLi,A@B.org\nAda,a@b.org\n")
    assert [one.line for one in read.people] == [2, 3, 4, 6]
    assert read.repeated == (5,)
    assert len({one.key for one in read.people}) == 4


def test_columns_that_are_not_looked_at_are_told() -> None:
    assert sign_up_list.read(b"name,phone,notes\nKim,1,2\n").ignored == ("phone", "notes")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "nothing in this file"),
        (b"name\n\n", "nobody on this list"),
        (b"Kim\nLi\n", "Line 1 names the columns"),
        (b"name\nKim\nJos\xe9\n", "Line 3 has signs that are not UTF-8"),
        (b"PK\x03\x04\x00\x00", "Line 1 is not text"),
        (b'name\nKim\n"Li\n', "Line 3 cannot be read"),
        (b'name\n"Kim"x\n', "Line 2 cannot be read"),
        (b"name,email\nKim,nobody\n", "The e-mail address in line 2 is none"),
        (b"name,email\nKim,a@b.org\n,b@b.org\n", "Line 3 has no name"),
        ("name\n\u200b\u200e\n".encode(), "Line 2 has no name"),
        (b"name\n" + b"x" * 121 + b"\n", "line 2 is longer than 120"),
        ("name\nK\u0007im\n".encode(), "line 2 has signs that cannot be shown"),
        (b"name\n" + b"".join(b"g%d\n" % number for number in range(2001)), "2000 people at most"),
        (b"x" * 500_001, "at most 500 kB"),
    ],
)
def test_what_cannot_be_taken_says_where_and_why(data: bytes, says: str) -> None:
    with pytest.raises(ListUnreadable) as refused:
        sign_up_list.read(data)
    assert says in refused.value.detail


def test_a_cell_that_is_too_large_is_a_clear_answer() -> None:
    with pytest.raises(ListUnreadable):
        sign_up_list.read(b'name\n"' + b"x" * 200_000 + b'"\n')
