#!/usr/bin/env python3
"""Tests of what plot.py writes beside a figure. Standard library only."""

import unittest

import plot


class Show(unittest.TestCase):
    def test_no_figure_has_an_exponent(self):
        for metric, value, text in (
                ("workspace_bytes", 123e6, "123.0 MB"), ("workspace_bytes", 5.12e6, "5.1 MB"),
                ("seconds", 999.7e-6, "1 ms"), ("seconds", 999.4e-6, "999 us"), ("seconds", 0.99999, "1 s"),
                ("seconds", 1234, "1234 s"), ("seconds_over", 2e-9, "2 ns"), ("seconds", 0.9997e-6, "1 us")):
            self.assertEqual(plot.show(metric, value), text)

    def test_times_have_three_digits(self):
        for value, text in ((6.547e-6, "6.55 us"), (22.34e-6, "22.3 us"), (99.96e-6, "100 us"), (9.996e-3, "10 ms"),
                            (145.2e-6, "145 us"), (6.86e-3, "6.86 ms"), (20e-6, "20 us"), (-2.5e-9, "-2.5 ns"), (0, "0 ns")):
            self.assertEqual(plot.show("seconds", value), text)


if __name__ == "__main__":
    unittest.main()
