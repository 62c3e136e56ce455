"""Tables with named columns, as pandas has them, under names that a type checker can live with.

Without stubs a checker reads from pandas' own annotations that ``table["score"]`` may be a column, a table or
nine other things, and objects to every line that goes on from there. So to the checker a ``Frame`` is
anything; to a reader, and when the program runs, it is a ``pandas.DataFrame`` and a ``Column`` a Series.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

import pandas

if TYPE_CHECKING:
    Frame: TypeAlias = Any
    Column: TypeAlias = Any
else:
    Frame = pandas.DataFrame
    Column = pandas.Series

pd: Any = pandas
