"""What others found: meta-analysis, reproduction of published analyses, and checks of printed numbers."""
