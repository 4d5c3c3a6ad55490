"""The command line of benchmarks that contribute to the table."""

import sys

from line import Scale, text_table


def scale_and_variants(words):
    """Rounds and seconds, where given, and the settings of proxies to compare: none, the default, first."""
    numbers = [int(word) for word in words if "=" not in word]
    variants = [dict(pair.split("=", 1) for pair in word.split(",")) for word in words if "=" in word]
    return Scale(*numbers), [{}, *variants]


def print_lines(lines):
    """lines(scale), or lines(scale, variants) of a benchmark that takes proxies' settings."""
    scale, variants = scale_and_variants(sys.argv[1:])
    found = lines(scale) if len(variants) == 1 else lines(scale, variants)
    print(text_table(found), end="")
