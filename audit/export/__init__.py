"""Aligned series of a session for analysis: CSV and Parquet, each column with its unit and its rule."""
