"""CSV as bulk jobs read and write it: any size in bounded memory, every refusal with the row it is about.

Pure. Text arrives in pieces of any length and leaves as records; a record is never cut, and one that does not end
is refused before it has filled the memory.
"""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence

DELIMITERS = {
    "BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t",
}  # fmt: skip
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
MAX_COLUMNS = 5_000
MAX_FIELD = 131_072
"""Characters of one field. It is also the limit that Python's own reader has from the start."""
MAX_RECORD = 400_000
_LONGEST = 4 * MAX_RECORD


class CsvProblem(Exception):
    """The text is not the CSV that the job announced. What stood before it has been read."""


def _whole_records(text: str) -> int:
    """Where the last record that is certainly complete ends: behind a line break outside quotes."""
    end = text.rfind("\n")
    quotes = text.count('"', 0, max(end, 0))
    while end >= 0 and quotes % 2:
        before = text.rfind("\n", 0, text.rfind('"', 0, end))
        quotes -= text.count('"', max(before, 0), end)
        end = before
    return end + 1


class Reader:
    """Records out of pieces of bytes. The first record is the header, which `names` holds from then on.

    Where the text cannot be read, `problem` says why, the records before that place are given out, and no more.
    """

    def __init__(self, delimiter: str, line_ending: str):
        self.names: list[str] = []
        self.problem: CsvProblem | None = None
        self._delimiter = DELIMITERS[delimiter]
        self._line_ending = line_ending
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._rest = ""
        self._begun = False
        self._row = 0

    def feed(self, piece: bytes, *, last: bool = False) -> list[list[str]]:
        """The records that are complete with this piece; with the last one also the one that lacks its line break."""
        if self.problem is not None:
            return []
        try:
            text = self._rest + self._decoder.decode(piece, final=last)
        except UnicodeDecodeError as error:
            # What could be decoded may hold whole records; the rest is where the problem is.
            text, last = self._rest + piece[: error.start].decode("utf-8", "ignore"), False
            self._refuse("the text is not UTF-8")
        end = len(text) if last else _whole_records(text)
        if not end and len(text) > _LONGEST:
            self._refuse(f"a record has more than {MAX_RECORD} characters: is a quote not closed?")
        self._rest = text[end:]
        return self._records(text[:end])

    def _refuse(self, what: str) -> None:
        self.problem = self.problem or CsvProblem(
            f"InvalidBatch : Failed to parse CSV. Row {self._row + 1}: {what}"
        )

    def _records(self, text: str) -> list[list[str]]:
        if not text:
            return []
        if not self._begun:
            self._begun = True
            text = text.removeprefix("\ufeff")
            self._check_line_ending(text)
            if self.problem is not None:
                return []
        found: list[list[str]] = []
        width = len(self.names)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._delimiter, strict=True)
        try:
            for row in reader:
                if not row:
                    continue
                if not width:
                    self._take_header(row)
                    width = len(row)
                    continue
                if len(row) != width:
                    self._refuse(f"it has {len(row)} fields, the header has {width}")
                    break
                self._row += 1
                found.append(row)
        except csv.Error as error:
            self._refuse(str(error))
        except CsvProblem as problem:
            self.problem = problem
        return found

    def _check_line_ending(self, text: str) -> None:
        line, found, _ = text.partition("\n")
        if found and line.endswith("\r") != (self._line_ending == "CRLF"):
            self.problem = CsvProblem(
                "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is "
                + self._line_ending
            )

    def _take_header(self, row: list[str]) -> None:
        if len(row) > MAX_COLUMNS:
            raise CsvProblem(f"InvalidBatch : {len(row)} columns are more than {MAX_COLUMNS}")
        names = [name.strip() for name in row]
        if not all(names):
            raise CsvProblem("InvalidBatch : A column has no name")
        if len({name.lower() for name in names}) != len(names):
            raise CsvProblem("InvalidBatch : A column name occurs twice")
        self.names = names


async def records_of(pieces: AsyncIterable[bytes], reader: Reader) -> AsyncGenerator[list[list[str]]]:
    """Records as they become complete, in lists of any length. CsvProblem behind the last that can be read."""
    async for piece in pieces:
        if found := reader.feed(piece):
            yield found
        if reader.problem is not None:
            raise reader.problem
    if found := reader.feed(b"", last=True):
        yield found
    if reader.problem is not None:
        raise reader.problem


def written(rows: Iterable[Sequence[object]], delimiter: str, line_ending: str) -> str:
    """Rows as text: every field in quotes, as Salesforce writes them."""
    text = io.StringIO()
    csv.writer(
        text, delimiter=DELIMITERS[delimiter], lineterminator=LINE_ENDINGS[line_ending], quoting=csv.QUOTE_ALL
    ).writerows(rows)
    return text.getvalue()
