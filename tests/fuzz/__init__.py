"""Fuzzers: what nobody would write by hand, put to what reads it."""
