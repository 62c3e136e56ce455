"""Prints the data dictionary: ``python -m results_schema > docs/data_dictionary.md``."""

import sys

from results_schema.dictionary import data_dictionary

sys.stdout.write(data_dictionary())
