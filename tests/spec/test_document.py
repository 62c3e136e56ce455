"""Reading a sweep file: YAML 1.2 data and nothing else, and what is wrong with anything else."""

import os

import pytest

from gridsweep.spec import SweepError, load_sweep
from gridsweep.spec.document import LARGEST_FILE_BYTES, parse_document, read_document


def refusal(text):
    with pytest.raises(SweepError) as raised:
        parse_document(text, "bad.yaml")
    said = str(raised.value)
    assert said.startswith("bad.yaml: ")
    assert "\n" not in said
    return said


def test_scalars_are_those_of_yaml_1_2():
    found = parse_document("{a: 1e-4, b: 010, c: NO, d: yes, e: 0o17, f: 1:30, g: ~}", "good")
    assert found == {"a": 1e-4, "b": 10, "c": "NO", "d": "yes", "e": 15, "f": "1:30", "g": None}


def test_a_byte_order_mark_is_read_over(tmp_path):
    (tmp_path / "marked.yaml").write_bytes(b"\xef\xbb\xbfname: marked\n")
    assert read_document(tmp_path / "marked.yaml") == {"name": "marked"}


def test_the_file_is_called_after_itself_when_it_has_no_name(tmp_path):
    path = tmp_path / "My Sweep (2).yaml"
    path.write_text("base: {target: gaussian}")
    assert load_sweep(path).name == "my-sweep-2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "empty; a sweep needs at least base"),
        ("# only a comment\n", "empty"),
        ("- a\n- b", "found a list of 2, expected a mapping"),
        ("width,rate\n0.1,0.2", "found the text"),  # a CSV file
        ("a: 1\na: 2", "line 2, column 1: found duplicate key"),
        ('1: a\n"1": b', 'the key "1" stands twice'),
        ("a: [1, 2", "line 1"),
        ("a:\n\t- b", "line 2"),
        ("a: \x00b", "character 3 is #x0000"),
        ("a: !!python/object/apply:os.system [ls]", "could not determine a constructor for the tag"),
        ("a: !shell rm", "could not determine a constructor for the tag"),
        ("a: !!bool maybe", "not YAML"),
        ("a: 2001-99-99", "month must be in 1..12"),
        ("a: &x [*x]", "nested too deeply, or holds itself"),
        ("[" * 5_000, "nested too deeply"),
        ("a: 0x" + "f" * 400, "a number of 1,600 bits"),
        ("a: *nowhere", "line 1, column 4"),
    ],
)
def test_what_is_not_a_mapping_of_plain_data_says_where_and_why(text, expected):
    assert expected in refusal(text)


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "its aliases repeat more than a file can hold" in refusal("\n".join(lines))


def test_few_aliases_are_a_convenience():
    text = "base: {target: &t {kind: gaussian}}\nparameters: {target: {values: [*t]}}"
    assert parse_document(text, "good")["parameters"]["target"]["values"] == [{"kind": "gaussian"}]


def test_a_message_is_one_line_that_no_terminal_obeys():
    said = refusal('"\\e[31mred\\n": [1, 2\n')
    assert said.isprintable()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"name: \xff\n", "not UTF-8 text: byte 6"),
        ("name: wide".encode("utf-16"), "not UTF-8 text: byte 0"),
        (b"#" * 5 * LARGEST_FILE_BYTES, "5,242,880 bytes, a sweep file has at most 1,048,576"),
    ],
)
def test_what_is_not_text_or_too_much_of_it_is_refused(tmp_path, content, expected):
    (tmp_path / "bad.yaml").write_bytes(content)
    with pytest.raises(SweepError, match=expected):
        read_document(tmp_path / "bad.yaml")


def test_what_is_no_file_says_what_it_is(tmp_path):
    with pytest.raises(SweepError, match="no such file"):
        read_document(tmp_path / "none.yaml")
    with pytest.raises(SweepError, match="a folder, expected a sweep file"):
        read_document(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(SweepError, match=r"cannot be read|no such file"):
        read_document(tmp_path / "file" / "below.yaml")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SweepError, match="not a regular file"):
        read_document(tmp_path / "pipe")
