"""Benchmarks, run side by side with peers by ``make bench``. Figures are shown, never asserted."""
