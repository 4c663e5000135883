import tomllib

from glottis.config.toml_lines import line_of, locate
from hypothesis import given
from hypothesis import strategies as st

BARE = st.text(alphabet="abXY019_-", min_size=1, max_size=5)
TRICKY = st.text(alphabet="ab.=[]{}#'\" \\é", min_size=1, max_size=5)
COMMENTS = st.sampled_from(
    ["", "# [not.a.table]", "# key = 1", "# don't [", '# """', "# '''", '# "open', "# }{]["]
)
VALUES = st.sampled_from(
    [
        "1",
        '"text # no comment"',
        "'[literal'",
        '"quote \\" ] # \\\\"',
        '""',
        "''",
        '["a", "b"]',
        "{ inner = 1, list = [1, 2] }",
        '[\n  "one", # ] a comment\n  # key = 2\n  ["two", "x = 3"],\n]',
        '"""\nkey = 1\n[table]\n# no comment "" ]\n"""',
        '"""ends in a quote""""',
        '"""backslash \\\\"""',
        '""""""',
        "'''\nkey = 1\n]\n'''",
        "'''ends in two quotes'''''",
        "1979-05-27T07:32:00Z",
    ]
)


def quoted(part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def literal(part: str) -> str:
    return quoted(part) if "'" in part else f"'{part}'"


@st.composite
def keys(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a key as (name, how it is written)."""
    if draw(st.booleans()):
        name = draw(BARE)
        return name, draw(st.sampled_from([name, quoted(name), literal(name)]))
    name = draw(TRICKY)
    return name, draw(st.sampled_from([quoted(name), literal(name)]))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str, ...], int]]:
    """Draw a TOML text and the line on which each of its tables and keys was written."""
    lines: list[str] = []
    expected: dict[tuple[str, ...], int] = {}
    names = st.lists(keys(), max_size=3, unique_by=lambda key: key[0])
    for number, (table, written) in enumerate(draw(names)):
        lines.append(draw(COMMENTS))
        # The number keeps tables apart from each other and from keys before the first.
        path: tuple[str, ...] = (table, f"t{number}")
        lines.append(f"{draw(st.sampled_from(['', '  ']))}[ {written} . t{number} ] {draw(COMMENTS)}")
        expected[path] = len(lines)
        for key, written_key in draw(names):
            if draw(st.booleans()):
                path_of_key, statement = (*path, key), written_key
            else:
                path_of_key, statement = (*path, key, "sub"), f"{written_key}.sub"
            lines.append(draw(COMMENTS))
            expected[path_of_key] = len(lines) + 1
            lines += f"{statement} = {draw(VALUES)} {draw(COMMENTS)}".split("\n")
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines), expected


@given(documents())
def test_every_key_is_found_on_the_line_where_it_was_written(
    document: tuple[str, dict[tuple[str, ...], int]],
) -> None:
    text, expected = document
    tomllib.loads(text)
    located = locate(text)
    assert {path: located.get(path) for path in expected} == expected


@given(documents())
def test_no_key_is_found_that_the_file_does_not_hold(
    document: tuple[str, dict[tuple[str, ...], int]],
) -> None:
    text, _ = document
    tree = tomllib.loads(text)
    for path in locate(text):
        node = tree
        for part in path:
            assert part in node
            node = node[part]


def test_what_stands_in_a_string_or_in_a_comment_is_not_a_key() -> None:
    text = 'a = """\nb = 1\n[c]\n"""\n# """\nd = 2  # e = 3\n# """\nf = [ # g = [\n  "h = 1",\n]\ni = 4\n'
    assert locate(text) == {("a",): 1, ("d",): 6, ("f",): 8, ("i",): 11}


def test_a_table_stands_where_its_own_header_is_even_below_its_children() -> None:
    assert locate("[a.b]\nx = 1\n[a]\ny = 2\n") == {
        ("a",): 3,
        ("a", "b"): 1,
        ("a", "b", "x"): 2,
        ("a", "y"): 4,
    }


def test_escapes_in_a_quoted_key_are_read() -> None:
    assert locate('"caf\\u00e9"."it\'s" = 1\n') == {("café",): 1, ("café", "it's"): 1}


def test_the_line_of_a_missing_path_is_that_of_its_nearest_parent() -> None:
    lines = locate("[providers.a]\nuse = 'x'\n")
    assert line_of(lines, ("providers", "a", "model")) == 1
    assert line_of(lines, ("providers", "a", "use", "deeper")) == 2
    assert line_of(lines, ("routes",)) == 0
